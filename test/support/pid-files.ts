// PID files for tests: claims that must succeed, and records of processes that are not there.

import assert from 'node:assert/strict'
import { closeSync, readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Pid } from '../../src/base/brands.ts'
import { type ClaimResult, claimPidFile, type PidFileClaim } from '../../src/daemonize/pid-file.ts'
import {
  identityOf,
  type ProcessIdentity,
  printPidRecord,
} from '../../src/daemonize/pid-file-record.ts'
import { type Owner, openOwner } from '../../src/daemonize/pid-owner.ts'

export const sleeper = { path: '/bin/sleep', argv: ['sleep', '60'] }

/** The claim, or a failed test. */
export function claimed(result: ClaimResult): PidFileClaim {
  if (result.kind !== 'claimed') throw new Error(`not claimed: ${JSON.stringify(result)}`)
  return result.claim
}

/** Claims, records and lets go, as a start does that succeeds. */
export function recordDaemon(path: string, pid: Pid): ProcessIdentity {
  const claim = claimed(claimPidFile(path))
  const identity = living(pid)
  claim.record(identity)
  claim.release()
  return identity
}

export function living(pid: Pid): ProcessIdentity {
  const identity = identityOf(pid)
  assert.ok(identity)
  return identity
}

/** What a process of this number left that has ended before. */
export function recordOfDead(pid: Pid): string {
  const identity = living(pid)
  return printPidRecord({ ...identity, pidfsInode: '1', startTime: 1 })
}

/** The owner without its descriptor, for comparisons. */
export function ownerKind(path: string): Owner['kind'] {
  const owner = openOwner(path)
  if (owner.kind === 'running') closeSync(owner.pidfd)
  return owner.kind
}

/** What lies beside a file and is not the file itself. */
export function litterBeside(path: string): readonly string[] {
  return readdirSync(dirname(path)).filter((name) => name !== basename(path))
}

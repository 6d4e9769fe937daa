// The claim on a PID file for the time of a start, and who has it otherwise. A daemon that writes
// its PID file itself (dialect forking) gets a file of ours beside it, with what its own lacks.

import type { Fd, Pid } from '../base/brands.ts'
import { quote } from '../base/quote.ts'
import type { DaemonOutcome, DaemonRequest } from './daemon-request.ts'
import { claimPidFile, claimPidFileBeside, type PidFileClaim } from './pid-file.ts'
import { identityOf } from './pid-file-record.ts'
import { removeStalePidFile } from './pid-file-remove.ts'

export interface DaemonClaim {
  readonly kind: 'claimed'
  /** To be inherited by the daemon; null when the daemon writes the file itself. */
  readonly lockFd: Fd | null
  /** At the gate. */
  record(pid: Pid): void
  /** When it is ready; the main process may be another one by now. */
  recordReady(pid: Pid): void
  withdraw(): void
  release(): void
}

type AlreadyRunning = Extract<DaemonOutcome, { kind: 'already-running' }>

/** Throws a ToolkitError for a file that cannot be used. */
export function claimFor({ ready }: DaemonRequest, path: string): DaemonClaim | AlreadyRunning {
  const isForking = ready.kind === 'forking'
  const found = isForking ? claimPidFileBeside(path) : claimPidFile(path)
  switch (found.kind) {
    case 'running':
      return refused(found.pid, `already running as process ${found.pid}`)
    case 'starting':
      return refused(null, `another start has claimed ${quote(path)}`)
    case 'unknown':
      return refused(found.pid, `${found.why}. ${found.hint}`)
  }
  return isForking ? claimBeside(found.claim, path) : claimItself(found.claim)
}

function claimItself(claim: PidFileClaim): DaemonClaim {
  let recorded: Pid | null = null
  const record = (pid: Pid): void => {
    if (pid !== recorded && recordLiving(claim, pid)) recorded = pid
  }
  return {
    kind: 'claimed',
    lockFd: claim.lockFd,
    record,
    recordReady: record,
    withdraw: () => claim.withdraw(),
    release: () => claim.release(),
  }
}

function claimBeside(claim: PidFileClaim, path: string): DaemonClaim {
  let isRecorded = false
  return {
    kind: 'claimed',
    lockFd: null,
    record: () => {},
    recordReady: (pid) => {
      isRecorded = recordLiving(claim, pid)
    },
    withdraw: () => {
      claim.withdraw()
      // Killed, it could not do that itself. What names somebody who lives stays.
      removeStalePidFile(path)
    },
    // A daemon that is left alone before it was ready has no record.
    release: () => (isRecorded ? claim.release() : claim.withdraw()),
  }
}

/** False when it is gone already: its end is told by its pidfd. */
function recordLiving(claim: PidFileClaim, pid: Pid): boolean {
  const identity = identityOf(pid)
  if (identity !== null) claim.record(identity)
  return identity !== null
}

function refused(pid: Pid | number | null, message: string): AlreadyRunning {
  return { kind: 'already-running', pid: pid as Pid | null, message }
}

// Becoming the guardian: what must be set in this very process before it turns into the shell, and
// the same road for a supervisor whose guardian was killed: it becomes the guardian itself, stays
// the parent of its services, and a new supervisor adopts them.

import type { Fd } from '../base/brands.ts'
import { toFd } from '../base/brands.ts'
import { STORE_QUEUE_BYTES } from '../base/limits.ts'
import { replaceProcess } from '../kernel/exec.ts'
import { raiseDescriptorLimit, setCloseOnExec } from '../kernel/fd.ts'
import { tryLock } from '../kernel/file-lock.ts'
import { setSubreaper } from '../kernel/prctl.ts'
import { setSendBuffer, socketPairSeqpacket } from '../kernel/unix-socket.ts'
import {
  CALLER_LIMIT_VARIABLE,
  callerDescriptorLimit,
  inheritedCallerLimit,
} from '../launch/caller-limit.ts'
import { guardianScript } from './guardian-script.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface GuardianOptions {
  readonly runtimeDirectory: string
  /** The supervisor's command line: node, its flags, the script, its arguments. */
  readonly supervisor: readonly string[]
  readonly environment: Environment
}

const RUN_SCRIPT = 'eval "$EUDAEMON_GUARDIAN_SCRIPT"'

/** Returns only when another guardian is there already. */
export function becomeGuardian(options: GuardianOptions): 'locked' {
  const lock = tryLock(`${options.runtimeDirectory}/guardian.lock`)
  if (lock === 'held') return 'locked'
  raiseDescriptorLimit()
  setSubreaper()
  const queues = [socketPairSeqpacket(), socketPairSeqpacket()]
  const store = queues.flatMap(({ a, b }) => {
    setSendBuffer(a, STORE_QUEUE_BYTES)
    return [a, b]
  })
  return replaceByShell(options, [...store, lock.fd], store)
}

/**
 * For a supervisor that lost its guardian. The lock and the queues are inherited; their numbers are
 * in the environment that the guardian gave.
 */
export function turnIntoGuardian(options: GuardianOptions): never {
  const store = inheritedFds(options.environment['EUDAEMON_STORE_FDS'])
  const lock = inheritedFds(options.environment['EUDAEMON_GUARDIAN_LOCK_FD'])
  setSubreaper()
  return replaceByShell(options, [...store, ...lock], store, lock[0])
}

function replaceByShell(
  { supervisor, environment }: GuardianOptions,
  kept: readonly Fd[],
  store: readonly Fd[],
  lock: Fd | undefined = kept.at(-1),
): never {
  for (const fd of kept) setCloseOnExec(fd, false)
  const limit = inheritedCallerLimit(environment) ?? callerDescriptorLimit(environment)
  const env = {
    ...environment,
    [CALLER_LIMIT_VARIABLE]: String(limit),
    EUDAEMON_STORE_FDS: store.join(','),
    EUDAEMON_GUARDIAN_LOCK_FD: String(lock ?? ''),
    EUDAEMON_GUARDIAN_SCRIPT: guardianScript,
  }
  const entries = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  // The script goes through the environment, so that `ps` shows one short line.
  const argv = ['eudaemon-guardian', '-c', RUN_SCRIPT, 'eudaemon-guardian', ...supervisor]
  return replaceProcess('/bin/sh', argv, entries)
}

/** The numbers of descriptors that were inherited, as the environment names them. */
function inheritedFds(text: string | undefined): readonly Fd[] {
  if (text === undefined || text === '') return []
  return text.split(',').map((word) => toFd(Number(word)))
}

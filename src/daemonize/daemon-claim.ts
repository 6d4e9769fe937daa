// The claim on a PID file for the time of a start, and who has it otherwise. A daemon that writes
// its PID file itself (dialect forking) gets a file of ours beside it, with what its own lacks.

import type { Fd, Pid } from '../base/brands.ts'
import { quote } from '../base/quote.ts'
import type { DaemonOutcome, DaemonRequest } from './daemon-request.ts'
import { claimPidFile, claimPidFileBeside } from './pid-file.ts'
import { identityOf } from './pid-file-record.ts'

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
  // The daemon's own claim or lock on its file must not meet ours.
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
  const { claim } = found
  const record = (pid: Pid): void => {
    const identity = identityOf(pid)
    // Gone already: its end is told by its pidfd.
    if (identity !== null) claim.record(identity)
  }
  return {
    kind: 'claimed',
    lockFd: isForking ? null : claim.lockFd,
    record: (pid) => {
      if (!isForking) record(pid)
    },
    recordReady: (pid) => {
      if (isForking) record(pid)
    },
    withdraw: () => claim.withdraw(),
    release: () => claim.release(),
  }
}

function refused(pid: Pid | number | null, message: string): AlreadyRunning {
  return { kind: 'already-running', pid: pid as Pid | null, message }
}

// The exit status of whoever waited for a daemon, command or program, when the start came to
// nothing.

import type { DaemonOutcome } from './daemon-request.ts'

type NotReady = Exclude<DaemonOutcome, { kind: 'ready' | 'cancelled' }>

/** The daemon's own status, 128 and the number of the signal that ended it, 2 for a time-out. */
export function exitCodeOf(outcome: NotReady): number {
  switch (outcome.kind) {
    case 'not-started':
    case 'failed':
      return outcome.exitCode
    case 'timed-out':
      return 2
    case 'already-running':
      return 1
    case 'ended': {
      const { status } = outcome
      if (status?.kind === 'signaled') return 128 + status.signal
      // It ended without being ready, whatever it says itself.
      return status?.kind === 'exited' && status.code !== 0 ? status.code : 1
    }
  }
}

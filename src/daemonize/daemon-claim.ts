// The claim on a PID file for the time of a start, and who has it otherwise. A daemon that writes
// its PID file itself (dialect forking) gets a file of ours beside it, with what its own lacks.

import type { Fd, Pid } from '../base/brands.ts'
import type { DaemonOutcome, DaemonRequest } from './daemon-request.ts'

export interface DaemonClaim {
  readonly kind: 'claimed'
  /** To be inherited by the daemon. */
  readonly lockFd: Fd
  /** At the gate. */
  record(pid: Pid): void
  /** When it is ready; the main process may be another one by now. */
  recordReady(pid: Pid): void
  withdraw(): void
  release(): void
}

export async function claimFor(
  _request: DaemonRequest,
  _path: string,
): Promise<DaemonClaim | Extract<DaemonOutcome, { kind: 'already-running' }>> {
  throw new Error('not merged')
}

// How a process ended: decode a wait status (waitpid(2)), print it, judge it. `unknown` is a real
// answer: on kernels before 6.15 a process that ended while nobody watched leaves no status.

import { signalName } from './signal.ts'

export type ExitStatus =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: number; readonly core: boolean }
  | { readonly kind: 'unknown' }

/** Decodes the status word of wait(2). */
export function decodeWaitStatus(word: number): ExitStatus {
  const signal = word & 0x7f
  if (signal === 0) return { kind: 'exited', code: (word >> 8) & 0xff }
  return { kind: 'signaled', signal, core: (word & 0x80) !== 0 }
}

/** `exit 3`, `SIGKILL`, `SIGSEGV (core dumped)` or `unknown`. */
export function printExitStatus(status: ExitStatus): string {
  if (status.kind === 'exited') return `exit ${status.code}`
  if (status.kind === 'unknown') return 'unknown exit status'
  return `${signalName(status.signal)}${status.core ? ' (core dumped)' : ''}`
}

export function isSuccess(status: ExitStatus): boolean {
  return status.kind === 'exited' && status.code === 0
}

// How a process ended, from whoever can tell: our own wait, its unreaped remains, or what the
// kernel keeps for a pidfd after somebody else has reaped it.

import type { Fd } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import { pidOfPidfd, readExitInfo } from '../kernel/pidfd.ts'
import { zombieStatus } from '../kernel/procfs.ts'
import { reap } from '../kernel/wait.ts'

/** `not-reaped`: ended, and nobody can tell how before its parent has waited for it. */
export function endStatusOf(pidfd: Fd): ExitStatus | 'not-reaped' {
  const own = reap(pidfd)
  if (own !== 'not-a-child' && own !== 'running') return own
  // The number is read through the pidfd, so it cannot be another process's: a zombie holds it.
  const pid = pidOfPidfd(pidfd)
  const remains = pid === null ? null : zombieStatus(pid)
  if (remains !== null) return remains
  const info = readExitInfo(pidfd)
  if (info === 'unavailable') return { kind: 'unknown' }
  return info === 'running' || info === 'not-reaped' ? 'not-reaped' : info
}

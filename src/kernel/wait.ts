// Reaping: the status of our own children, through their pidfds. For processes that are not
// our children there is readExitInfo() in pidfd.ts.

import { type Fd, type Pid, toPid } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import { constants, layouts } from './layouts.ts'
import { lastErrno, libc } from './libc.ts'
import { errnos, failedCall } from './syscall-error.ts'

const info = Buffer.alloc(layouts.siginfo_t.size)
const { si_code: codeAt, si_pid: pidAt, si_status: statusAt } = layouts.siginfo_t.fields

/** Takes the exit status of an ended child, without blocking; it is given once (waitid(2)). */
export function reap(pidfd: Fd): ExitStatus | 'running' | 'not-a-child' {
  info.fill(0)
  const options = constants.WEXITED | constants.WNOHANG
  if (libc.waitid(constants.P_PIDFD, pidfd, info, options) === -1) {
    if (lastErrno() === errnos.ECHILD) return 'not-a-child'
    throw failedCall('waitid')
  }
  if (info.readInt32LE(pidAt) === 0) return 'running'
  const code = info.readInt32LE(codeAt)
  const status = info.readInt32LE(statusAt)
  if (code === constants.CLD_EXITED) return { kind: 'exited', code: status & 0xff }
  return { kind: 'signaled', signal: status, core: code === constants.CLD_DUMPED }
}

/** The signal that has stopped a child, told once for each stop; null when there was none. */
export function takeStop(pidfd: Fd): number | null {
  info.fill(0)
  const options = constants.WSTOPPED | constants.WNOHANG
  if (libc.waitid(constants.P_PIDFD, pidfd, info, options) === -1) {
    if (lastErrno() === errnos.ECHILD) return null
    throw failedCall('waitid')
  }
  return info.readInt32LE(pidAt) === 0 ? null : info.readInt32LE(statusAt)
}

/**
 * Whether there are children of ours: `none`, at least one that lives and none that has ended
 * (`living`), or one that has ended and is not reaped. Exact, where a listing of /proc may miss one
 * (proc_pid_children(5)).
 */
export function lookForChildren(): 'none' | 'living' | { readonly ended: Pid } {
  info.fill(0)
  const options = constants.WEXITED | constants.WNOHANG | constants.WNOWAIT
  if (libc.waitid(constants.P_ALL, 0, info, options) === -1) {
    if (lastErrno() === errnos.ECHILD) return 'none'
    throw failedCall('waitid')
  }
  const pid = info.readInt32LE(pidAt)
  return pid === 0 ? 'living' : { ended: toPid(pid) }
}

/** Kills a child of ours and waits for its end. Only for one that is certainly not reaped yet. */
export function killAndReap(pid: Pid): void {
  process.kill(pid, 'SIGKILL')
  while (libc.waitid(constants.P_PID, pid, info, constants.WEXITED) === -1) {
    if (lastErrno() !== errnos.EINTR) throw failedCall('waitid')
  }
}

// A process through its pidfd: a name that is never reused. Signals and exit status for processes
// that need not be our children. Reaping children is in wait.ts.

import { fstatSync, readFileSync } from 'node:fs'
import { type Fd, type Milliseconds, type Pid, toFd, toPid } from '../base/brands.ts'
import { decodeWaitStatus, type ExitStatus } from '../base/exit-status.ts'
import { constants, layouts } from './layouts.ts'
import { lastErrno, libc } from './libc.ts'
import { checked, errnos, failedCall, viaNode } from './syscall-error.ts'

const info = Buffer.alloc(layouts.pidfd_info.size)
const statfsCell = Buffer.alloc(layouts.statfs.size)
const pollCell = Buffer.alloc(layouts.pollfd.size)

/**
 * Null when there is no such process (pidfd_open(2)), also when the number is that of a thread
 * which is not the first of its process. The descriptor is close-on-exec.
 */
export function openPidfd(pid: Pid): Fd | null {
  const fd = libc.pidfd_open(constants.SYS_pidfd_open, pid, 0)
  if (fd !== -1) return toFd(fd)
  const errno = lastErrno()
  if (errno === errnos.ESRCH) return null
  // EINVAL for such a thread, ENOENT on newer kernels.
  if ((errno === errnos.EINVAL || errno === errnos.ENOENT) && pid > 0) return null
  throw failedCall('pidfd_open')
}

/**
 * The inode of the process in pidfs, in decimal: no other process has it before the next boot, in
 * no PID namespace. Null on kernels where pidfds have no file system of their own (before 6.9).
 */
export function pidfsInode(pidfd: Fd): string | null {
  checked(libc.fstatfs(pidfd, statfsCell), 'fstatfs')
  if (statfsCell.readInt32LE(layouts.statfs.fields.f_type) !== constants.PID_FS_MAGIC) return null
  return viaNode('pidfd', () => fstatSync(pidfd, { bigint: true })).ino.toString()
}

/** False when the process is gone (reaped). A zombie takes signals and ignores them. */
export function sendSignal(pidfd: Fd, signal: number): boolean {
  const number = constants.SYS_pidfd_send_signal
  if (libc.pidfd_send_signal(number, pidfd, signal, null, 0) !== -1) return true
  if (lastErrno() === errnos.ESRCH) return false
  throw failedCall('pidfd_send_signal')
}

/**
 * How a process ended that may be anybody's child. `not-reaped`: ended, but its parent has not
 * waited for it yet. `unavailable`: ended and reaped, and this kernel does not keep the status for
 * us (before Linux 6.15), or the process lived in another pid namespace.
 */
export function readExitInfo(pidfd: Fd): ExitStatus | 'running' | 'not-reaped' | 'unavailable' {
  const status = exitInfo(pidfd)
  if (status !== null) return status
  if (!hasEnded(pidfd)) return 'running'
  if (exists(pidfd)) return 'not-reaped'
  // It may have been reaped between the first look and here.
  return exitInfo(pidfd) ?? 'unavailable'
}

/** True when the process has ended, reaped or not: then its pidfd is readable (pidfd_open(2)). */
export function hasEnded(pidfd: Fd): boolean {
  return isReadable(pidfd, 0)
}

/** Waits, with everything else, until there is something to read or the end (poll(2)). */
export function isReadable(descriptor: Fd, timeoutMs: Milliseconds): boolean {
  const { fd, events, revents } = layouts.pollfd.fields
  pollCell.writeInt32LE(descriptor, fd)
  pollCell.writeInt16LE(constants.POLLIN, events)
  pollCell.writeInt16LE(0, revents)
  if (libc.poll(pollCell, 1, timeoutMs) === -1) {
    if (lastErrno() === errnos.EINTR) return false
    throw failedCall('poll')
  }
  return pollCell.readInt16LE(revents) !== 0
}

/** The process number behind a pidfd; null when the process has been reaped. */
export function pidOfPidfd(pidfd: Fd): Pid | null {
  const path = `/proc/self/fdinfo/${pidfd}`
  const text = viaNode(path, () => readFileSync(path, 'latin1'))
  const pid = Number(/^Pid:\s*(-?\d+)$/m.exec(text)?.[1] ?? -1)
  return pid > 0 ? toPid(pid) : null
}

/** Null when the kernel does not tell (yet). Errors mean an older kernel, or another namespace. */
function exitInfo(pidfd: Fd): ExitStatus | null {
  const { mask, exit_code: exitCode } = layouts.pidfd_info.fields
  info.fill(0)
  info.writeUInt32LE(constants.PIDFD_INFO_EXIT, mask)
  if (libc.ioctl(pidfd, constants.PIDFD_GET_INFO, info) === -1) {
    if (lastErrno() === errnos.EBADF) throw failedCall('ioctl')
    return null
  }
  if ((info.readUInt32LE(mask) & constants.PIDFD_INFO_EXIT) === 0) return null
  return decodeWaitStatus(info.readInt32LE(exitCode))
}

function exists(pidfd: Fd): boolean {
  const number = constants.SYS_pidfd_send_signal
  if (libc.pidfd_send_signal(number, pidfd, 0, null, 0) !== -1) return true
  return lastErrno() !== errnos.ESRCH
}

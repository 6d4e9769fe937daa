// Moves bytes from a pipe to a file inside the kernel, and looks into a pipe. What is moved is
// never in our memory, so SIGKILL can neither lose nor double a byte. A hot path: nothing is
// allocated for a call.

import type { Fd } from '../base/brands.ts'
import { constants } from './layouts.ts'
import { lastErrno, libc } from './libc.ts'
import { errnos, failedCall } from './syscall-error.ts'

const offsetCell = Buffer.alloc(8)
const FLAGS = constants.SPLICE_F_MOVE | constants.SPLICE_F_NONBLOCK
const WORD = 2 ** 32

/**
 * Moves at most `length` bytes and returns how many; `again` when the pipe is empty and somebody
 * can still write into it, 0 when nobody can. `toOffset` is a position in the file, null its
 * current one. A file opened O_APPEND is refused with EINVAL, a full disk is ENOSPC (splice(2)).
 */
export function splice(
  from: Fd,
  to: Fd,
  toOffset: number | null,
  length: number,
): number | 'again' {
  if (toOffset !== null) {
    offsetCell.writeUInt32LE(toOffset % WORD, 0)
    offsetCell.writeUInt32LE(Math.floor(toOffset / WORD), 4)
  }
  for (;;) {
    const moved = libc.splice(from, null, to, toOffset === null ? null : offsetCell, length, FLAGS)
    if (moved !== -1) return moved
    const errno = lastErrno()
    if (errno === errnos.EAGAIN) return 'again'
    if (errno !== errnos.EINTR) throw failedCall('splice')
  }
}

/**
 * Copies at most `length` bytes from one pipe into another without taking them out of the first:
 * so a reader that dies after the look has lost nothing. `again` when the pipe is empty and
 * somebody can still write into it, 0 when nobody can. The other pipe must have room (tee(2)).
 */
export function copyPipe(from: Fd, to: Fd, length: number): number | 'again' {
  for (;;) {
    const copied = libc.tee(from, to, length, constants.SPLICE_F_NONBLOCK)
    if (copied !== -1) return copied
    const errno = lastErrno()
    if (errno === errnos.EAGAIN) return 'again'
    if (errno !== errnos.EINTR) throw failedCall('tee')
  }
}

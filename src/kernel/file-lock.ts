// Locks on files that die with their owner (flock(2)). The lock belongs to the open file
// description: it travels with inherited and duplicated descriptors, and is gone when the last of
// them is closed.

import { closeSync, constants as fsConstants, fstatSync, openSync, statSync } from 'node:fs'
import { type Fd, toFd } from '../base/brands.ts'
import { constants } from './layouts.ts'
import { lastErrno, libc } from './libc.ts'
import { errnos, failedCall, isErrno, refuseNul, viaNode } from './syscall-error.ts'

const FLAGS = fsConstants.O_RDWR | fsConstants.O_CREAT | fsConstants.O_NOFOLLOW

/** Makes the file (mode 0600) when it is missing and locks it. Unlock with closeFd(). */
export function tryLock(path: string): { readonly fd: Fd } | 'held' {
  refuseNul(path, 'flock')
  for (;;) {
    const fd = viaNode(path, () => openSync(path, FLAGS, 0o600))
    if (libc.flock(fd, constants.LOCK_EX | constants.LOCK_NB) === -1) {
      const held = lastErrno() === errnos.EWOULDBLOCK
      const error = failedCall('flock', path)
      closeSync(fd)
      if (held) return 'held'
      throw error
    }
    // The owner before us may have removed the file between our open and our lock.
    if (isStillAt(fd, path)) return { fd: toFd(fd) }
    closeSync(fd)
  }
}

function isStillAt(fd: number, path: string): boolean {
  try {
    const ours = fstatSync(fd)
    const found = statSync(path)
    return ours.ino === found.ino && ours.dev === found.dev
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

// Locks on files that die with their owner. flock(2) and the locks of open file descriptions
// (F_OFD_SETLK, fcntl(2)) both belong to the open file description: they travel with inherited
// and duplicated descriptors, and are gone when the last of them is closed. On local file systems
// the two do not see each other. Who holds what is in lock-holder.ts.

import { closeSync, constants as fsConstants, fstatSync, lstatSync, openSync } from 'node:fs'
import { type Fd, toFd } from '../base/brands.ts'
import { constants, layouts } from './layouts.ts'
import { lastErrno, libc } from './libc.ts'
import { errnos, failedCall, isErrno, refuseNul, viaNode } from './syscall-error.ts'

const FLAGS = fsConstants.O_RDWR | fsConstants.O_CREAT | fsConstants.O_NOFOLLOW
const SEEK_SET = 0

const lockCell = Buffer.alloc(layouts.flock.size)
const at = layouts.flock.fields

/** Makes the file (mode 0600) when it is missing and locks it. Unlock with closeFd(). */
export function tryLock(path: string): { readonly fd: Fd } | 'held' {
  refuseNul(path, 'flock')
  for (;;) {
    const fd = toFd(viaNode(path, () => openSync(path, FLAGS, 0o600)))
    try {
      if (!tryLockFd(fd, 'exclusive', path)) {
        closeSync(fd)
        return 'held'
      }
    } catch (error) {
      closeSync(fd)
      throw error
    }
    // The owner before us may have removed the file between our open and our lock.
    if (isStillAt(fd, path)) return { fd }
    closeSync(fd)
  }
}

/** flock(2) without waiting. False when somebody else holds it. The mode in which the descriptor
 *  is open does not matter, except on NFS (EBADF). */
export function tryLockFd(fd: Fd, kind: 'shared' | 'exclusive', path?: string): boolean {
  const operation = kind === 'shared' ? constants.LOCK_SH : constants.LOCK_EX
  if (libc.flock(fd, operation | constants.LOCK_NB) !== -1) return true
  if (lastErrno() === errnos.EWOULDBLOCK) return false
  throw failedCall('flock', path)
}

/** Gives the flock(2) of this open file description up, whoever shares it. */
export function unlockFd(fd: Fd): void {
  if (libc.flock(fd, constants.LOCK_UN) === -1) throw failedCall('flock')
}

/**
 * Takes the write lock of the whole file for this open file description (F_OFD_SETLK). False when
 * somebody else holds one, or a read lock. The descriptor must be open for writing, so only those
 * who may write the file can hold it.
 */
export function tryWriteLock(fd: Fd, path?: string): boolean {
  describeWriteLock()
  if (libc.fcntl_lock(fd, constants.F_OFD_SETLK, lockCell) !== -1) return true
  const errno = lastErrno()
  if (errno === errnos.EAGAIN || errno === errnos.EACCES) return false
  throw failedCall('fcntl', path)
}

/** Who stands in the way of a write lock. */
export interface ConflictingLock {
  readonly kind: 'read' | 'write'
  /** Of the classical kind (F_SETLK): the process. Null for an open file description's, or when
   *  the process is in a PID namespace that we do not see. */
  readonly pid: number | null
}

/** The lock that would refuse tryWriteLock(), null when there is none. Takes nothing; a descriptor
 *  that is open for reading does (F_OFD_GETLK). */
export function conflictingLock(fd: Fd): ConflictingLock | null {
  describeWriteLock()
  if (libc.fcntl_lock(fd, constants.F_OFD_GETLK, lockCell) === -1) throw failedCall('fcntl')
  const type = lockCell.readInt16LE(at.l_type)
  if (type === constants.F_UNLCK) return null
  const pid = lockCell.readInt32LE(at.l_pid)
  return { kind: type === constants.F_WRLCK ? 'write' : 'read', pid: pid > 0 ? pid : null }
}

/** True while the path names the very file that is open; a symbolic link never does. */
export function isStillAt(fd: Fd, path: string): boolean {
  try {
    const ours = fstatSync(fd, { bigint: true })
    const found = lstatSync(path, { bigint: true })
    return ours.ino === found.ino && ours.dev === found.dev
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

function describeWriteLock(): void {
  lockCell.fill(0)
  lockCell.writeInt16LE(constants.F_WRLCK, at.l_type)
  lockCell.writeInt16LE(SEEK_SET, at.l_whence)
}

// Files under temporary names that will take the place of a PID file, and what is left of them when
// a claim dies before its rename. Which lock means what is in the head of pid-file.ts.

import { constants, fchmodSync, openSync, readdirSync, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Fd, toFd } from '../base/brands.ts'
import { closeFd } from '../kernel/fd.ts'
import { isStillAt, tryLockFd, tryWriteLock } from '../kernel/file-lock.ts'
import { isErrno, kernelErrorOf } from '../kernel/syscall-error.ts'
import { lost } from './pid-file-error.ts'
import { createPidFile, FINAL_MODE } from './pid-file-open.ts'

/** Open for reading and writing. */
export interface TemporaryFile {
  readonly fd: Fd
  readonly name: string
}

const END = '.new'
const UNIQUE_DIGITS = 16

/** An empty file in the same folder, with the right to its name (the write lock). */
export function createTemporary(path: string): TemporaryFile {
  const name = join(dirname(path), `.${basename(path)}.${uniqueDigits()}${END}`)
  const fd = createPidFile(name, FINAL_MODE)
  if (fd === null) throw lost(name)
  if (tryWriteLock(fd, name)) return { fd, name }
  closeFd(fd)
  throw lost(name)
}

/** Time and process number; node:crypto would take longer to load than a claim. */
function uniqueDigits(): string {
  const unique = (process.hrtime.bigint() << 22n) | BigInt(process.pid)
  return unique.toString(16).padStart(UNIQUE_DIGITS, '0').slice(-UNIQUE_DIGITS)
}

/** The same with a flock(2) too, through a second descriptor that is open for reading only. */
export function createLocked(path: string): TemporaryFile & { readonly lockFd: Fd } {
  const { fd, name } = createTemporary(path)
  let lockFd: Fd | undefined
  try {
    // Whoever may read the file can lock it: while it has no lock it is for our eyes only.
    fchmodSync(fd, 0o600)
    lockFd = toFd(openSync(name, constants.O_RDONLY | constants.O_NOFOLLOW))
    const isOurs = isStillAt(lockFd, name) && isStillAt(fd, name)
    if (!isOurs || !tryLockFd(lockFd, 'exclusive', name)) throw lost(name)
    fchmodSync(fd, FINAL_MODE)
    return { fd, name, lockFd }
  } catch (error) {
    removeName(name, fd)
    if (lockFd !== undefined) closeFd(lockFd)
    closeFd(fd)
    throw error
  }
}

/** Removes the name if it is still that file, whose write lock we hold. */
export function removeName(name: string, fd: Fd): void {
  try {
    if (isStillAt(fd, name)) unlinkSync(name)
  } catch (error) {
    throw kernelErrorOf(error, name)
  }
}

/** Removes what claims left that died before their rename. For the holder of the right to the
 *  name only: then nobody else uses such a file. */
export function removeLitter(path: string): void {
  const begin = `.${basename(path)}.`
  const length = begin.length + UNIQUE_DIGITS + END.length
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(begin) || !name.endsWith(END) || name.length !== length) continue
    try {
      unlinkSync(join(dirname(path), name))
    } catch (error) {
      // A name of the same shape that is not ours to remove does no harm.
      if (!['ENOENT', 'EISDIR', 'EACCES', 'EPERM'].some((known) => isErrno(error, known)))
        throw error
    }
  }
}

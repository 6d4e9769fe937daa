// Opens a PID file, or refuses to: a file in its place may be a trap laid by somebody else, or one
// that was named by mistake and must not be lost. Nothing here looks at processes.

import {
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { type Fd, toFd } from '../base/brands.ts'
import { MAX_PID_FILE_BYTES } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { closeFd } from '../kernel/fd.ts'
import { isErrno, kernelErrorOf, refuseNul } from '../kernel/syscall-error.ts'
import type { Objection } from './pid-file-error.ts'
import { type FileVersion, type PidRecord, parsePidRecord } from './pid-file-record.ts'

export type OpenedPidFile =
  | { readonly kind: 'open'; readonly fd: Fd }
  | { readonly kind: 'absent' }
  | ({ readonly kind: 'refused' } & Objection)

/** Everybody may read whom it names. */
export const FINAL_MODE = 0o644
const WORLD_WRITABLE = 0o002
const STICKY = 0o1000
/** Neither waits for the other end of a FIFO nor takes a terminal. */
const CAREFUL = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

/**
 * Opens an existing PID file. Refused are symbolic links, what is no regular file, and what
 * everybody may write. Throws KernelError for what the system refuses (EACCES, ENOTDIR...).
 */
export function openPidFile(path: string, mode: 'read' | 'write'): OpenedPidFile {
  refuseNul(path, 'open')
  const found = lookAt(path)
  if (found === null) return { kind: 'absent' }
  const before = objectionTo(found, path)
  if (before !== null) return { kind: 'refused', ...before }
  const access = mode === 'read' ? constants.O_RDONLY : constants.O_RDWR
  let fd: Fd
  try {
    fd = toFd(openSync(path, access | CAREFUL))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { kind: 'absent' }
    // It became one after we had looked.
    if (isErrno(error, 'ELOOP')) return { kind: 'refused', ...symbolicLink(path) }
    throw kernelErrorOf(error, path)
  }
  const after = objectionTo(fstatSync(fd), path)
  if (after === null) return { kind: 'open', fd }
  closeFd(fd)
  return { kind: 'refused', ...after }
}

/** Makes the file, empty, with that mode whatever the umask; null when there is one already.
 *  Throws KernelError. */
export function createPidFile(path: string, mode: number): Fd | null {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | CAREFUL
  try {
    const fd = toFd(openSync(path, flags, mode))
    fchmodSync(fd, mode)
    return fd
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return null
    throw kernelErrorOf(error, path)
  }
}

/** What the file says; reads at most MAX_PID_FILE_BYTES and one. */
export function readPidRecord(fd: Fd): PidRecord {
  const bytes = Buffer.alloc(MAX_PID_FILE_BYTES + 1)
  let length = 0
  for (;;) {
    const read = readSync(fd, bytes, length, bytes.length - length, length)
    length += read
    if (read === 0 || length === bytes.length) return parsePidRecord(bytes.subarray(0, length))
  }
}

/** Changes with every write to the file and with every file that takes its place. */
export function versionOf(fd: Fd): FileVersion {
  const { ino, mtimeNs } = fstatSync(fd, { bigint: true })
  return `${ino}:${mtimeNs}`
}

/**
 * The users, besides root and us, who may have decided what the name stands for: the owner of the
 * file, who writes it, and the owner of the folder, who can put another file there.
 */
export function possibleForgers(fd: Fd, path: string): readonly number[] {
  const owners = [fstatSync(fd).uid, statSync(dirname(path)).uid]
  return [...new Set(owners)].filter((uid) => uid !== 0 && uid !== process.geteuid?.())
}

/** A folder in which everybody may put another file in place of ours. */
export function objectionToFolder(path: string): Objection | null {
  const folder = dirname(path)
  const { mode } = statSync(folder)
  if ((mode & WORLD_WRITABLE) === 0 || (mode & STICKY) !== 0) return null
  return {
    why: `everybody may replace files in the folder ${quote(folder)}`,
    hint: `Run \`chmod o-w\` or \`chmod +t\` on ${quote(folder)}, or choose another folder.`,
  }
}

/** For a claim: a file of somebody else is not ours to replace. */
export function objectionToOwner(fd: Fd, path: string): Objection | null {
  const { uid } = fstatSync(fd)
  if (uid === 0 || uid === process.geteuid?.()) return null
  return {
    why: `${quote(path)} belongs to user ${uid}`,
    hint: 'Remove it if nothing runs under it, or choose another name.',
  }
}

/** Null when nothing has that name. */
function lookAt(path: string): Stats | null {
  try {
    return lstatSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw kernelErrorOf(error, path)
  }
}

function objectionTo(found: Stats, path: string): Objection | null {
  if (found.isSymbolicLink()) return symbolicLink(path)
  if (!found.isFile()) {
    return {
      why: `${quote(path)} is no regular file`,
      hint: 'Name a file for the PID file, in a folder that exists.',
    }
  }
  if ((found.mode & WORLD_WRITABLE) === 0) return null
  return {
    why: `everybody may write ${quote(path)}`,
    hint: `Run \`chmod o-w\` on it if it is right, or remove it.`,
  }
}

function symbolicLink(path: string): Objection {
  return {
    why: `${quote(path)} is a symbolic link`,
    hint: 'Name the file itself: a link could lead to any file of the system.',
  }
}

// Claims a PID file for a daemon that is being started. Two locks, which do not see each other:
// - The *right* to change what the name stands for is the write lock of the open file description
//   (F_OFD_SETLK) on the file that has the name. Whoever replaces or removes a PID file takes it
//   first, looks whether the name still is that file, and keeps it until the change is made.
//   Only who may write the file can hold it, and nobody inherits it.
// - The *life* of the daemon is a flock(2) on the new file through a descriptor that is only
//   readable, which the daemon inherits. It shows other programs, and other PID namespaces, that
//   somebody lives. A child of the daemon may inherit it too and outlive it, so within our own
//   namespace the recorded identity decides and never this lock.
// A new file with both locks, under a temporary name, takes the place of the old one by rename(2)
// once the daemon is known: readers see a whole record or the old one. A second record (the main
// process is another one by then) is written in place, so that the lock of its life stays; who
// reads half of it meets the right to the name, and takes it for a start. Death at any step leaves
// no lock behind, and a file that the next claim understands: empty, stale, or of a daemon that
// lives. What this does not withstand: somebody who removes the file while the daemon runs.

import { fstatSync, renameSync, writeSync } from 'node:fs'
import { assert } from '../base/assert.ts'
import type { Fd, Pid } from '../base/brands.ts'
import { MAX_PID_FILE_ATTEMPTS } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd } from '../kernel/fd.ts'
import { isStillAt, tryWriteLock } from '../kernel/file-lock.ts'
import { refuseNul } from '../kernel/syscall-error.ts'
import { busy, explained, lost, unsafe } from './pid-file-error.ts'
import {
  createPidFile,
  FINAL_MODE,
  objectionToFolder,
  objectionToOwner,
  openPidFile,
  readPidRecord,
  versionOf,
} from './pid-file-open.ts'
import {
  type FileVersion,
  identityOf,
  type ProcessIdentity,
  pidOf,
  printPidRecord,
} from './pid-file-record.ts'
import { createLocked, removeLitter, removeName } from './pid-file-temporary.ts'
import { judgeOwner, type Owner, openOwner, sidePathOf, type UnknownOwner } from './pid-owner.ts'

/** The right to a PID file, from before the start of a daemon until it is ready or has failed. */
export interface PidFileClaim {
  readonly path: string
  /** For the daemon to inherit, under any number. Open for reading only; close-on-exec here. */
  readonly lockFd: Fd
  /** Writes the file: from here on it names that process. May be called again, when the main
   *  process has become another one. Throws ToolkitError. */
  record(identity: ProcessIdentity): void
  /** The start failed: removes what this claim made, if it is still there, and lets go. */
  withdraw(): void
  /** The start succeeded: closes our descriptors. The daemon keeps its lock. */
  release(): void
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claim: PidFileClaim }
  | { readonly kind: 'running'; readonly pid: Pid }
  | { readonly kind: 'starting' }
  | UnknownOwner

/** The text of a record, as it is when it is written. */
type Print = (identity: ProcessIdentity) => string

/**
 * Claims the file, or tells who has it. Throws ToolkitError: ERR_PID_FILE_UNSAFE for a file that
 * may be a trap, ERR_PID_FILE_UNUSABLE when the folder or file system does not let us.
 */
export function claimPidFile(path: string): ClaimResult {
  return claimName(path, printPidRecord)
}

/**
 * The same for a daemon that writes and locks its PID file itself: that file is only looked at.
 * Claimed and recorded is the name beside it (sidePathOf()), by which openOwner(path) knows it.
 */
export function claimPidFileBeside(path: string): ClaimResult {
  const print: Print = (identity) => printPidRecord(identity, versionNaming(path, identity.pid))
  const result = claimName(sidePathOf(path), print)
  if (result.kind !== 'claimed') return result
  const owner = openOwner(path)
  if (owner.kind === 'absent' || owner.kind === 'stale') return result
  result.claim.withdraw()
  return refusal(owner)
}

/**
 * Records who the process is that such a PID file names, without a claim. The caller knows that it
 * is the daemon: it descends from us. Throws ToolkitError: ERR_OWNER_UNKNOWN when the process is
 * gone or the file names another one, ERR_PID_FILE_BUSY, and what a claim throws.
 */
export function recordIdentityBeside(path: string, pid: Pid): ProcessIdentity {
  const identity = identityOf(pid)
  if (identity === null) throw unrecorded(path, `process ${pid} has ended`)
  const version = versionNaming(path, pid)
  if (version === null) throw unrecorded(path, `it does not name process ${pid}`)
  const result = claimName(sidePathOf(path), () => printPidRecord(identity, version))
  if (result.kind === 'claimed') {
    result.claim.record(identity)
    result.claim.release()
  } else if (result.kind !== 'running' || result.pid !== pid) {
    throw busy(sidePathOf(path))
  }
  return identity
}

function claimName(path: string, print: Print): ClaimResult {
  return explained(path, () => {
    for (let attempt = 0; attempt < MAX_PID_FILE_ATTEMPTS; attempt += 1) {
      refuseNul(path, 'open')
      const folder = objectionToFolder(path)
      if (folder !== null) throw unsafe(folder, path)
      const created = createPidFile(path, FINAL_MODE)
      const fd = created ?? openExisting(path)
      if (fd === null) continue
      let isKept = false
      try {
        const owner = takeRight(fd, path)
        if (owner === 'moved') continue
        if (owner !== 'ours') return refusal(owner)
        if (created === null) removeLitter(path)
        const claim = new Claim(path, fd, created !== null, print)
        isKept = true
        return { kind: 'claimed', claim }
      } finally {
        if (!isKept) closeFd(fd)
      }
    }
    return { kind: 'starting' }
  })
}

/** Null when it has vanished. */
function openExisting(path: string): Fd | null {
  const opened = openPidFile(path, 'write')
  if (opened.kind === 'absent') return null
  if (opened.kind === 'refused') throw unsafe(opened, path)
  const objection = objectionToOwner(opened.fd, path)
  if (objection === null) return opened.fd
  closeFd(opened.fd)
  throw unsafe(objection, path)
}

function takeRight(fd: Fd, path: string): 'ours' | 'moved' | Owner {
  // Who only looks takes no right, so that a stop or a start beside us is not turned away.
  const found = judgeOwner(fd, path)
  if (found.kind === 'running') return found
  const isLocked = tryWriteLock(fd, path)
  if (!isStillAt(fd, path)) return 'moved'
  const owner = judgeOwner(fd, path)
  // The holder of the lock let go after we had asked: once more.
  if (!isLocked) return owner.kind === 'stale' ? 'moved' : owner
  if (owner.kind === 'stale') return 'ours'
  // A bare number that is our own now was written by somebody before us.
  return owner.kind === 'unknown' && owner.pid === process.pid ? 'ours' : owner
}

function refusal(owner: Owner): ClaimResult {
  if (owner.kind === 'unknown') return owner
  if (owner.kind !== 'running') return { kind: 'starting' }
  closeFd(owner.pidfd)
  return { kind: 'running', pid: owner.pid }
}

class Claim implements PidFileClaim {
  readonly path: string
  readonly lockFd: Fd
  /** The file that had the name when we came; its write lock is the right to the name. */
  readonly #old: Fd
  readonly #isOldOurs: boolean
  readonly #print: Print
  /** The file that takes its place, and its name until then. */
  readonly #new: Fd
  readonly #temporary: string
  #state: 'claimed' | 'recorded' | 'closed' = 'claimed'
  #length = 0

  constructor(path: string, old: Fd, isOldOurs: boolean, print: Print) {
    this.path = path
    this.#print = print
    this.#old = old
    this.#isOldOurs = isOldOurs
    try {
      const made = createLocked(path)
      this.#new = made.fd
      this.#temporary = made.name
      this.lockFd = made.lockFd
    } catch (error) {
      if (isOldOurs) removeName(path, old)
      throw error
    }
  }

  record(identity: ProcessIdentity): void {
    assert(this.#state !== 'closed', 'a claim that was let go records nothing')
    explained(this.path, () => {
      const isFirst = this.#state === 'claimed'
      // Removed by somebody who does not know of the locks, and perhaps claimed again.
      if (!isStillAt(isFirst ? this.#old : this.#new, this.path)) throw lost(this.path)
      // One write, and no rest of a longer record behind it: blanks at the end of its last line.
      const text = this.#print(identity).trimEnd()
      const bytes = Buffer.from(`${text.padEnd(this.#length - 1)}\n`)
      if (writeSync(this.#new, bytes, 0, bytes.length, 0) !== bytes.length) throw lost(this.path)
      this.#length = bytes.length
      if (isFirst) renameSync(this.#temporary, this.path)
      this.#state = 'recorded'
    })
  }

  withdraw(): void {
    if (this.#state === 'closed') return
    try {
      const isUnused = this.#isOldOurs && fstatSync(this.#old).size === 0
      if (this.#state === 'recorded') removeName(this.path, this.#new)
      // What a daemon has written into our empty file itself is not ours to remove.
      else if (isUnused) removeName(this.path, this.#old)
    } finally {
      this.release()
    }
  }

  release(): void {
    if (this.#state === 'closed') return
    const isUnused = this.#state === 'claimed'
    this.#state = 'closed'
    try {
      if (isUnused) removeName(this.#temporary, this.#new)
    } finally {
      // The right to the name goes last: until here nobody else changes it.
      for (const fd of [this.lockFd, this.#new, this.#old]) closeFd(fd)
    }
  }
}

/** The version of a PID file, when it names that process; null when it does not. */
function versionNaming(path: string, pid: Pid): FileVersion | null {
  const opened = openPidFile(path, 'read')
  if (opened.kind !== 'open') return null
  try {
    const version = versionOf(opened.fd)
    return pidOf(readPidRecord(opened.fd)) === pid ? version : null
  } finally {
    closeFd(opened.fd)
  }
}

function unrecorded(path: string, why: string): ToolkitError {
  const message = `the PID file ${quote(path)} cannot be recorded: ${why}`
  const hint = 'Name the file that the daemon itself writes.'
  return new ToolkitError('ERR_OWNER_UNKNOWN', message, { hint, context: { path } })
}

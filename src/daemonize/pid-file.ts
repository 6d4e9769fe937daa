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
// once the daemon is known: readers see a whole record or the old one. Death at any step leaves
// no lock behind, and a file that the next claim understands: empty, stale, or of a daemon that
// lives. What this does not withstand: somebody who removes the file while the daemon runs.

import { fstatSync, renameSync, writeSync } from 'node:fs'
import type { Fd } from '../base/brands.ts'
import { MAX_PID_FILE_ATTEMPTS } from '../base/limits.ts'
import { closeFd } from '../kernel/fd.ts'
import { isStillAt, tryWriteLock } from '../kernel/file-lock.ts'
import { explained, lost, unsafe } from './pid-file-error.ts'
import {
  createPidFile,
  FINAL_MODE,
  objectionToFolder,
  objectionToOwner,
  openPidFile,
} from './pid-file-open.ts'
import { type ProcessIdentity, printPidRecord } from './pid-file-record.ts'
import { createLocked, removeLitter, removeName } from './pid-file-temporary.ts'
import { judgeOwner, type Owner, type UnknownOwner } from './pid-owner.ts'

/** The right to a PID file, from before the start of a daemon until it is ready or has failed. */
export interface PidFileClaim {
  readonly path: string
  /** For the daemon to inherit, under any number. Open for reading only; close-on-exec here. */
  readonly lockFd: Fd
  /** Writes the file: from here on it names that process. Once only. Throws ToolkitError. */
  record(identity: ProcessIdentity): void
  /** The start failed: removes what this claim made, if it is still there, and lets go. */
  withdraw(): void
  /** The start succeeded: closes our descriptors. The daemon keeps its lock. */
  release(): void
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claim: PidFileClaim }
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'starting' }
  | UnknownOwner

/**
 * Claims the file, or tells who has it. Throws ToolkitError: ERR_PID_FILE_UNSAFE for a file that
 * may be a trap, ERR_PID_FILE_UNUSABLE when the folder or file system does not let us.
 */
export function claimPidFile(path: string): ClaimResult {
  return explained(path, () => {
    for (let attempt = 0; attempt < MAX_PID_FILE_ATTEMPTS; attempt += 1) {
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
        const claim = new Claim(path, fd, created !== null)
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
  /** The file that takes its place, and its name until then. */
  readonly #new: Fd
  readonly #temporary: string
  #state: 'claimed' | 'recorded' | 'closed' = 'claimed'

  constructor(path: string, old: Fd, isOldOurs: boolean) {
    this.path = path
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
    if (this.#state !== 'claimed') throw new Error('a claim is recorded once')
    explained(this.path, () => {
      // Removed by somebody who does not know of the locks, and perhaps claimed again.
      if (!isStillAt(this.#old, this.path)) throw lost(this.path)
      const text = Buffer.from(printPidRecord(identity))
      if (writeSync(this.#new, text) !== text.length) throw lost(this.path)
      renameSync(this.#temporary, this.path)
    })
    this.#state = 'recorded'
  }

  withdraw(): void {
    if (this.#state === 'recorded') removeName(this.path, this.#new)
    // A daemon that writes its own PID file may have written into ours by now.
    const isUnused = this.#isOldOurs && this.#state === 'claimed' && fstatSync(this.#old).size === 0
    if (isUnused) removeName(this.path, this.#old)
    this.release()
  }

  release(): void {
    if (this.#state === 'closed') return
    if (this.#state === 'claimed') removeName(this.#temporary, this.#new)
    this.#state = 'closed'
    // The right to the name goes last: until here nobody else changes it.
    for (const fd of [this.lockFd, this.#new, this.#old]) closeFd(fd)
  }
}

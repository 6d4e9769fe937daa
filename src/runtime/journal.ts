// The supervisor's state on disk: one append-only file, the newest value of a key wins. It is
// made to be killed at any instant (SIGKILL), not for power loss: a write is in the kernel's
// cache when put() returns and outlives this process, and after a power loss no service is alive
// to be found again.

import {
  accessSync,
  closeSync,
  existsSync,
  constants as fsConstants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { assert } from '../base/assert.ts'
import { type Fd, toFd } from '../base/brands.ts'
import { MAX_JOURNAL_RECORD_BYTES, MAX_JOURNAL_SLACK_BYTES } from '../base/limits.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import {
  JOURNAL_VERSION,
  packJournalRecord,
  packJournalVersion,
  unpackJournalRecord,
} from '../protocol/journal-record.ts'
import { quarantine } from './journal-quarantine.ts'
import { type Range, scanJournal } from './journal-scan.ts'
import { inStateDirectory, newerVersion } from './state-error.ts'

const APPEND = fsConstants.O_RDWR | fsConstants.O_APPEND | fsConstants.O_NOFOLLOW
const READ = fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW
const CREATE = APPEND | fsConstants.O_CREAT | fsConstants.O_TRUNC
const COPY_BYTES = 256 * 1024
/** After a rewrite that failed, the next try comes when the file has grown by this much. */
const RETRY_BYTES = MAX_JOURNAL_SLACK_BYTES / 8

export interface Journal {
  /** What was damaged when the journal was opened, as sentences for the operator. */
  readonly problems: readonly string[]
  /** The living records. Reads the file: ask once, at start. */
  read(): ReadonlyMap<string, unknown>
  /** What a key holds now; undefined when there is nothing. Reads the file. */
  get(key: string): unknown
  /** Stores the value, which must be JSON and not null. On disk (see above) when it returns. Throws
   *  ERR_STATE_DIRECTORY_FULL, _READ_ONLY or _UNUSABLE; then the earlier value still holds. */
  put(key: string, value: unknown): void
  /** Removes the key; does nothing when there is none. Throws as put() does. */
  remove(key: string): void
  close(): void
}

/**
 * Opens the journal of that directory and makes both when they are missing. Damage never makes it
 * fail: what is whole is used, the rest goes to `quarantine/`. One that can be read and not be
 * written is read: each put() then tries to open it for writing. Throws ERR_STATE_DIRECTORY_FULL,
 * _READ_ONLY or _UNUSABLE, and ERR_STATE_VERSION for the file of a newer version, which stays
 * untouched. The caller holds the supervisor's lock: two writers would overwrite each other.
 */
export function openJournal(directory: string): Journal {
  return inStateDirectory(directory, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return new JournalFile(directory)
  })
}

class JournalFile implements Journal {
  readonly problems: string[] = []
  readonly #directory: string
  readonly #path: string
  #fd: Fd = toFd(-1)
  /** It could only be opened for reading. */
  #isReadOnly = false
  #index = new Map<string, Range>()
  /** Behind the last good record. */
  #end = 0
  /** Bytes of the records in the index. */
  #live = 0
  /** An append failed half-way and could not be cut off yet. */
  #hasTornEnd = false
  #lacksNewline = false
  #rewriteAt = 0

  constructor(directory: string) {
    this.#directory = directory
    this.#path = join(directory, 'journal')
    if (existsSync(this.#path)) this.#open()
    else {
      accessSync(directory, fsConstants.W_OK | fsConstants.X_OK)
      this.#rewrite()
    }
  }

  #open(): void {
    this.#fd = this.#openForWriting() ?? toFd(openSync(this.#path, READ))
    try {
      this.#load()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Null on a file system that became read-only, or when the file is not ours to write. */
  #openForWriting(): Fd | null {
    try {
      const fd = toFd(openSync(this.#path, APPEND))
      this.#isReadOnly = false
      return fd
    } catch (error) {
      if (!['EROFS', 'EACCES', 'EPERM'].some((name) => isErrno(error, name))) throw error
      this.#isReadOnly = true
      return null
    }
  }

  /** Nobody else writes it, so what was read still holds; damage is dealt with now. */
  #becomeWritable(): void {
    const reader = this.#fd
    this.#fd = toFd(openSync(this.#path, APPEND))
    closeSync(reader)
    this.#isReadOnly = false
    this.#load()
  }

  read(): ReadonlyMap<string, unknown> {
    const records = new Map<string, unknown>()
    for (const key of this.#index.keys()) records.set(key, this.get(key))
    return records
  }

  get(key: string): unknown {
    const range = this.#index.get(key)
    return range && unpackJournalRecord(this.#textAt(range))?.value
  }

  put(key: string, value: unknown): void {
    assert(value !== undefined && value !== null, `the value of '${key}' is no JSON`)
    const line = packJournalRecord({ key, value })
    assert(line.length <= MAX_JOURNAL_RECORD_BYTES, `the record of '${key}' is too long`)
    const at = this.#append(line)
    this.#forget(key)
    this.#index.set(key, { at, length: line.length - 1 })
    this.#live += line.length
    this.#rewriteWhenDue()
  }

  remove(key: string): void {
    if (!this.#index.has(key)) return
    this.#append(packJournalRecord({ key, value: null }))
    this.#forget(key)
    this.#rewriteWhenDue()
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd)
    this.#fd = toFd(-1)
  }

  #load(): void {
    const scan = scanJournal(this.#fd)
    if (scan.version !== null && scan.version > JOURNAL_VERSION)
      throw newerVersion(this.#path, scan.version)
    this.#index = scan.index
    this.#end = scan.end
    this.#lacksNewline = scan.lacksNewline
    this.#live = 0
    for (const { length } of scan.index.values()) this.#live += length + 1
    // Everything behind the last record is the rest of one that was never acknowledged.
    const hasRest = fstatSync(this.#fd).size > scan.end
    if (hasRest && !this.#isReadOnly) ftruncateSync(this.#fd, scan.end)
    if (scan.damaged.length > 0) this.problems.push(this.#setAside(scan.damaged))
    if (this.#isReadOnly) return
    rmSync(`${this.#path}.new`, { force: true })
    const isDamaged = scan.damaged.length > 0 || scan.version === null
    if (!isDamaged && this.#end - this.#live <= Math.max(this.#live, COPY_BYTES)) return
    try {
      this.#rewrite()
    } catch (error) {
      // A full disk must not keep the supervisor from finding its services again.
      this.problems.push(`cannot rewrite '${this.#path}': ${textOf(error)}; continuing with it`)
    }
  }

  #append(line: string): number {
    return inStateDirectory(this.#path, () => {
      if (this.#isReadOnly) this.#becomeWritable()
      if (this.#hasTornEnd) this.#cutTornEnd()
      const at = this.#end + (this.#lacksNewline ? 1 : 0)
      try {
        this.#end += writeAll(this.#fd, this.#lacksNewline ? `\n${line}` : line)
      } catch (error) {
        this.#hasTornEnd = true
        this.#tryToCutTornEnd()
        throw error
      }
      this.#lacksNewline = false
      return at
    })
  }

  #cutTornEnd(): void {
    ftruncateSync(this.#fd, this.#end)
    this.#hasTornEnd = false
  }

  #tryToCutTornEnd(): void {
    try {
      this.#cutTornEnd()
    } catch {
      // The next append tries again and then says why; opening the file cuts it off, too.
    }
  }

  #forget(key: string): void {
    const old = this.#index.get(key)
    if (old === undefined) return
    this.#live -= old.length + 1
    this.#index.delete(key)
  }

  #rewriteWhenDue(): void {
    const slack = this.#end - this.#live
    if (slack <= Math.max(this.#rewriteAt, MAX_JOURNAL_SLACK_BYTES, this.#live)) return
    try {
      inStateDirectory(this.#path, () => this.#rewrite())
    } catch (error) {
      // What was asked for is stored. The file may grow on for a while, but not for ever.
      if (slack > 2 * (MAX_JOURNAL_SLACK_BYTES + this.#live)) throw error
      this.#rewriteAt = slack + RETRY_BYTES
    }
  }

  /** Writes the living records to a new file and puts it in the place of the old one. */
  #rewrite(): void {
    const path = `${this.#path}.new`
    const fd = toFd(openSync(path, CREATE, 0o600))
    const index = new Map<string, Range>()
    let end = 0
    try {
      let waiting = packJournalVersion(JOURNAL_VERSION)
      for (const [key, range] of this.#index) {
        index.set(key, { at: end + waiting.length, length: range.length })
        waiting += `${this.#textAt(range)}\n`
        if (waiting.length < COPY_BYTES) continue
        end += writeAll(fd, waiting)
        waiting = ''
      }
      end += writeAll(fd, waiting)
      // Without it a power loss right after the rename may leave an empty file in place of a good
      // one.
      fsyncSync(fd)
      renameSync(path, this.#path)
    } catch (error) {
      closeSync(fd)
      rmSync(path, { force: true })
      throw error
    }
    this.close()
    this.#fd = fd
    this.#index = index
    this.#end = end
    this.#hasTornEnd = false
    this.#lacksNewline = false
    this.#rewriteAt = 0
  }

  #setAside(damaged: readonly Range[]): string {
    const bytes = damaged.reduce((sum, { length }) => sum + length, 0)
    const what = `${damaged.length} damaged places (${bytes} bytes) in '${this.#path}'`
    const rest = `the other ${this.#index.size} records are used`
    if (this.#isReadOnly) return `${what}; ${rest}`
    const folder = join(this.#directory, 'quarantine')
    return `${what}: ${quarantine(folder, damaged, (range) => this.#textAt(range))}; ${rest}`
  }

  #textAt({ at, length }: Range): string {
    const bytes = Buffer.alloc(length)
    const read = readSync(this.#fd, bytes, 0, length, at)
    return bytes.toString('latin1', 0, read)
  }
}

/** A write to a file is short when the disk becomes full; the next one then says so. */
function writeAll(fd: Fd, text: string): number {
  const bytes = Buffer.from(text, 'latin1')
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
  return bytes.length
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

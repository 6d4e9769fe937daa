// The segment that is being written, with its index: opening it (also after a crash), and the
// records. The bytes themselves are moved by log-capture.ts. Descriptors open at the first byte and
// may be closed at any time; what must be known stays here.

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Fd, toFd } from '../base/brands.ts'
import {
  INDEX_HEADER_BYTES,
  INDEX_RECORD_BYTES,
  isHeader,
  type LogStream,
  packHeader,
  packRecord,
  recordCount,
  recordPosition,
  segmentFileName,
} from '../protocol/log-index.ts'
import { readRecord } from '../protocol/log-runs.ts'
import { errnoOf, linkCurrent } from './log-files.ts'

/** Two chunks of one stream within this time share a record. */
const MERGE_US = 1_000
const FILE_MODE = 0o640
const DIRECTORY_MODE = 0o750
/** O_APPEND would make splice(2) fail with EINVAL. */
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW

export interface DroppedBytes {
  readonly sinceUs: number
  readonly bytes: number
}

export class ActiveSegment {
  readonly directory: string
  number: number
  /** The end of the segment: where the next byte goes. */
  offset = 0
  /** The time of the first record; undefined while the segment is empty or was never opened. */
  firstTimeUs: number | undefined
  #indexBytes = 0
  #logFd: Fd | undefined
  #indexFd: number | undefined
  #lastStream: LogStream | undefined
  #lastTimeUs = 0
  /** What the link `current` points to when these files are opened. */
  linkTo: 'log' | 'stamped.log'
  readonly #records = Buffer.alloc(3 * INDEX_RECORD_BYTES)
  readonly #view = new DataView(this.#records.buffer, this.#records.byteOffset)

  constructor(directory: string, number: number, linkTo: 'log' | 'stamped.log') {
    this.directory = directory
    this.number = number
    this.linkTo = linkTo
  }

  get isOpen(): boolean {
    return this.#logFd !== undefined
  }

  /** Bytes of segment and index. */
  get bytes(): number {
    return this.offset + this.#indexBytes
  }

  path(): string {
    return join(this.directory, segmentFileName(this.number, 'log'))
  }

  /** The descriptor to splice into. Opens the files when they are not open. */
  fd(): Fd {
    if (this.#logFd === undefined) {
      while (!this.#tryOpen()) this.number += 1
      linkCurrent(this.directory, segmentFileName(this.number, this.linkTo))
    }
    return this.#logFd ?? toFd(-1)
  }

  /** Says that bytes of `stream` follow at the end, and before them how many were dropped. */
  record(stream: LogStream, timeUs: number, dropped: DroppedBytes | undefined): void {
    const isSame = stream === this.#lastStream && dropped === undefined
    if (isSame && timeUs >= this.#lastTimeUs && timeUs - this.#lastTimeUs < MERGE_US) return
    this.fd()
    let length = 0
    if (dropped !== undefined) {
      this.#pack(0, 'gap', dropped.sinceUs)
      this.#pack(INDEX_RECORD_BYTES, 'gap-size', dropped.bytes)
      length = 2 * INDEX_RECORD_BYTES
    }
    this.#pack(length, stream, timeUs)
    this.#append(length + INDEX_RECORD_BYTES)
    this.#lastStream = stream
    this.#lastTimeUs = timeUs
    this.firstTimeUs ??= timeUs
  }

  /** Says that the line which `stream` is in the middle of has ended. */
  breakLine(stream: LogStream, timeUs: number): void {
    this.fd()
    this.#pack(0, `break-${stream}`, timeUs)
    this.#append(INDEX_RECORD_BYTES)
  }

  /** The byte at a position, to see whether a line has ended there. */
  byteAt(position: number): number | undefined {
    const one = new Uint8Array(1)
    return readSync(this.fd(), one, 0, 1, position) === 1 ? one[0] : undefined
  }

  /** False when somebody deleted or cut the file, and writing on would lose or hide bytes. */
  isIntact(): boolean {
    if (this.#logFd === undefined) return true
    const { nlink, size } = fstatSync(this.#logFd)
    return nlink > 0 && size >= this.offset
  }

  close(): void {
    const fds = [this.#logFd, this.#indexFd]
    this.#logFd = undefined
    this.#indexFd = undefined
    this.#lastStream = undefined
    for (const fd of fds) if (fd !== undefined) closeSync(fd)
  }

  /** False when this number is taken by files that we cannot continue. */
  #tryOpen(): boolean {
    makeDirectory(this.directory)
    const indexFd = openFile(join(this.directory, segmentFileName(this.number, 'idx')))
    let logFd: number | undefined
    try {
      const indexBytes = prepareIndex(indexFd)
      if (indexBytes === undefined) {
        closeSync(indexFd)
        return false
      }
      logFd = openFile(this.path())
      const readIndex = (at: number, into: Uint8Array): number =>
        readSync(indexFd, into, 0, into.length, at)
      const count = recordCount(indexBytes)
      const size = fstatSync(logFd).size
      if (count > 0 && (readRecord(readIndex, count - 1)?.offset ?? 0) > size) {
        closeSync(indexFd)
        closeSync(logFd)
        return false
      }
      this.offset = size
      this.#indexBytes = indexBytes
      this.firstTimeUs = count > 0 ? readRecord(readIndex, 0)?.value : undefined
    } catch (error) {
      closeSync(indexFd)
      if (logFd !== undefined) closeSync(logFd)
      throw error
    }
    this.#indexFd = indexFd
    this.#logFd = toFd(logFd)
    return true
  }

  #pack(at: number, kind: Parameters<typeof packRecord>[2]['kind'], value: number): void {
    packRecord(this.#view, at, { kind, offset: this.offset, value })
  }

  #append(length: number): void {
    const fd = this.#indexFd
    if (fd === undefined) return
    const written = writeSync(fd, this.#records, 0, length, this.#indexBytes)
    // A short write means a full disk; the next one goes to the same place and says ENOSPC.
    if (written < length && writeSync(fd, this.#records, 0, length, this.#indexBytes) < length) {
      throw Object.assign(new Error('short write to a log index'), {
        code: 'ENOSPC',
        syscall: 'write',
      })
    }
    this.#indexBytes += length
  }
}

/** With its parents. (`recursive` of node:fs reports a read-only file system as ENOENT.) */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, DIRECTORY_MODE)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    makeDirectory(dirname(path))
    mkdirSync(path, DIRECTORY_MODE)
  }
}

function openFile(path: string): number {
  const fd = openSync(path, OPEN_FLAGS, FILE_MODE)
  try {
    if (fstatSync(fd).size === 0) fchmodSync(fd, FILE_MODE)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return fd
}

/** The size of the index after cutting off a torn or damaged end; undefined when not ours. */
function prepareIndex(fd: number): number | undefined {
  const size = fstatSync(fd).size
  const header = new Uint8Array(INDEX_HEADER_BYTES)
  if (size < INDEX_HEADER_BYTES) {
    ftruncateSync(fd, 0)
    if (writeSync(fd, packHeader(), 0, INDEX_HEADER_BYTES, 0) === INDEX_HEADER_BYTES) {
      return INDEX_HEADER_BYTES
    }
    throw Object.assign(new Error('short write to a log index'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
  }
  readSync(fd, header, 0, INDEX_HEADER_BYTES, 0)
  if (!isHeader(header)) return undefined
  const readIndex = (at: number, into: Uint8Array): number => readSync(fd, into, 0, into.length, at)
  let count = recordCount(size)
  while (count > 0 && readRecord(readIndex, count - 1) === undefined) count -= 1
  const whole = recordPosition(count)
  if (whole < size) ftruncateSync(fd, whole)
  return whole
}

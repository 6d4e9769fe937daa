// One segment of a log as a reader sees it: raw or compressed, with its index. Opened files stay
// readable when the segment is compressed or deleted meanwhile.

import { closeSync, createReadStream, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { createZstdDecompress } from 'node:zlib'
import {
  type LogStream,
  parseSegmentFileName,
  recordCount,
  segmentFileName,
  streamOf,
} from '../protocol/log-index.ts'
import { findRun, type ReadIndex, readRecord } from '../protocol/log-runs.ts'

/** How many records are looked through for the last bytes of the other stream. */
const MAX_LOOK_BACK = 4_096
/** What a compressed segment without an index is taken to hold. */
const UNKNOWN_SIZE = 64 * 1024

export interface LogSegment {
  readonly number: number
  readonly isCompressed: boolean
  /** The time of bytes that no record speaks of: that of the file. */
  readonly fallbackTimeUs: number
  readonly readIndex: ReadIndex
  indexBytes(): number
  /** How many bytes were logged; of a compressed one at least roughly. */
  size(): number
  /** Raw bytes at a position; 0 at the present end. */
  read(at: number, into: Uint8Array): number
  /** The bytes of a compressed segment, from its beginning. Takes over the descriptor. */
  inflate(): AsyncIterator<Uint8Array>
  close(): void
}

/** The numbers of the segments in a directory, oldest first; none when it does not exist. */
export function listSegments(directory: string): readonly number[] {
  const numbers = new Set<number>()
  for (const name of ifThere(() => readdirSync(directory)) ?? []) {
    const file = parseSegmentFileName(name)
    if (file === undefined || file.isTemporary) continue
    if (file.kind === 'log' || file.kind === 'log.zst') numbers.add(file.number)
  }
  return [...numbers].sort((left, right) => left - right)
}

/** Undefined when it has been deleted. */
export function openSegment(directory: string, number: number): LogSegment | undefined {
  const path = (kind: 'log' | 'log.zst' | 'idx'): string =>
    join(directory, segmentFileName(number, kind))
  // The index first: it is deleted last.
  const indexFd = ifThere(() => openSync(path('idx'), 'r'))
  const raw = ifThere(() => openSync(path('log'), 'r'))
  const fd = raw ?? ifThere(() => openSync(path('log.zst'), 'r'))
  if (fd === undefined) {
    if (indexFd !== undefined) closeSync(indexFd)
    return undefined
  }
  const readIndex: ReadIndex = (at, into) =>
    indexFd === undefined ? 0 : readSync(indexFd, into, 0, into.length, at)
  const indexBytes = (): number => (indexFd === undefined ? 0 : fstatSync(indexFd).size)
  let isOwned = true
  let inflater: ReturnType<typeof createZstdDecompress> | undefined
  return {
    number,
    isCompressed: raw === undefined,
    fallbackTimeUs: Math.round(fstatSync(fd).mtimeMs * 1000),
    readIndex,
    indexBytes,
    size() {
      if (raw !== undefined) return fstatSync(raw).size
      return (readRecord(readIndex, recordCount(indexBytes()) - 1)?.offset ?? UNKNOWN_SIZE) + 1
    },
    read: (at, into) => (raw === undefined ? 0 : readSync(raw, into, 0, into.length, at)),
    inflate() {
      isOwned = false
      const file = createReadStream('', { fd, autoClose: true })
      inflater = createZstdDecompress()
      const sink = inflater
      file.on('error', (error) => sink.destroy(error))
      sink.on('close', () => file.destroy())
      return file.pipe(sink)[Symbol.asyncIterator]()
    },
    close() {
      if (indexFd !== undefined) closeSync(indexFd)
      inflater?.destroy()
      if (isOwned) closeSync(fd)
    },
  }
}

/** The time of the first record, in microseconds. */
export function firstTimeUs(segment: LogSegment): number {
  return readRecord(segment.readIndex, 0)?.value ?? segment.fallbackTimeUs
}

/**
 * Whether the next byte of `stream` at `offset` begins a line. Undefined when nothing before it in
 * this segment tells.
 */
export function isAtLineStart(
  segment: LogSegment,
  offset: number,
  stream: LogStream,
): boolean | undefined {
  if (segment.isCompressed || offset === 0) return undefined
  const count = recordCount(segment.indexBytes())
  let end = offset
  const newest = Math.min(count - 1, findRun(segment.readIndex, segment.indexBytes(), offset))
  for (let index = newest; index >= Math.max(0, newest - MAX_LOOK_BACK); index -= 1) {
    const record = readRecord(segment.readIndex, index)
    if (record === undefined) continue
    if (record.kind === 'gap' || record.kind === `break-${stream}`) return true
    if (streamOf(record) === stream && record.offset < end) {
      const byte = new Uint8Array(1)
      return segment.read(end - 1, byte) === 1 && byte[0] === 10
    }
    end = Math.min(end, record.offset)
  }
  return undefined
}

function ifThere<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

// Cuts bytes of a segment into runs: pieces of one stream and one time, as the index says. Pure:
// the index is read through a function. Give it the bytes first; it looks into the index after,
// so that it never sees a byte whose record is not there yet.

import {
  INDEX_RECORD_BYTES,
  type IndexRecord,
  type LogStream,
  recordCount,
  recordPosition,
  streamOf,
  unpackRecord,
} from './log-index.ts'

/** Reads the index file at a byte position; answers how many bytes there were (0 at the end). */
export type ReadIndex = (at: number, into: Uint8Array) => number

export interface RunSink {
  /** The bytes are only lent: they change after the call. */
  run(bytes: Uint8Array, stream: LogStream, timeUs: number): void
  gap(timeUs: number, bytes: number): void
  lineBreak(stream: LogStream): void
}

export interface RunSplitter {
  /** The next bytes of the segment. */
  feed(bytes: Uint8Array): void
  /** Passes on gaps and breaks that stand at the present end. */
  settle(): void
  /** How far into the segment it has come, in bytes. */
  offset(): number
  /** The time of the run at the present offset, in microseconds. */
  timeUs(): number
}

export interface RunStart {
  readonly offset: number
  /** The record to begin with, from `findRun`. */
  readonly record: number
  /** The time of bytes that no record speaks of. */
  readonly fallbackTimeUs: number
}

const BLOCK_RECORDS = 256

/** A splitter that begins at `start`, which is 0 or a place that `findRun` knows. */
export function createRunSplitter(
  readIndex: ReadIndex,
  start: RunStart,
  sink: RunSink,
): RunSplitter {
  const block = new Uint8Array(BLOCK_RECORDS * INDEX_RECORD_BYTES)
  const view = new DataView(block.buffer)
  let blockStart = start.record
  let blockCount = 0
  let next = start.record
  let offset = start.offset
  let stream: LogStream = 'stdout'
  let timeUs = start.fallbackTimeUs
  let gapTimeUs = start.fallbackTimeUs

  function peek(): IndexRecord | undefined {
    for (;;) {
      if (next >= blockStart + blockCount) {
        blockStart = next
        blockCount = Math.floor(readIndex(recordPosition(next), block) / INDEX_RECORD_BYTES)
        if (blockCount === 0) return undefined
      }
      const record = unpackRecord(view, (next - blockStart) * INDEX_RECORD_BYTES)
      if (record !== undefined) return record
      next += 1
    }
  }

  function applyUpToHere(): IndexRecord | undefined {
    for (;;) {
      const record = peek()
      if (record === undefined || record.offset > offset) return record
      next += 1
      const own = streamOf(record)
      if (own !== undefined) {
        stream = own
        timeUs = record.value
      } else if (record.kind === 'gap') gapTimeUs = record.value
      else if (record.kind === 'gap-size') sink.gap(gapTimeUs, record.value)
      else sink.lineBreak(record.kind === 'break-stdout' ? 'stdout' : 'stderr')
    }
  }

  function feed(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      const following = applyUpToHere()
      const length =
        following === undefined
          ? bytes.length - at
          : Math.min(bytes.length - at, following.offset - offset)
      sink.run(bytes.subarray(at, at + length), stream, timeUs)
      at += length
      offset += length
    }
  }

  return {
    feed,
    settle: () => {
      applyUpToHere()
    },
    offset: () => offset,
    timeUs: () => timeUs,
  }
}

/** One record, or undefined when there is none or it is damaged. */
export function readRecord(readIndex: ReadIndex, index: number): IndexRecord | undefined {
  const bytes = new Uint8Array(INDEX_RECORD_BYTES)
  if (readIndex(recordPosition(index), bytes) < INDEX_RECORD_BYTES) return undefined
  return unpackRecord(new DataView(bytes.buffer), 0)
}

/**
 * The number of the record that announces the byte at `offset`: the last one of a stream that does
 * not begin after it. 0 when there is none. Binary search; damaged records count as early ones.
 */
export function findRun(readIndex: ReadIndex, indexBytes: number, offset: number): number {
  let low = 0
  let high = recordCount(indexBytes)
  while (low < high) {
    const middle = (low + high) >>> 1
    const record = readRecord(readIndex, middle)
    if (record === undefined || record.offset <= offset) low = middle + 1
    else high = middle
  }
  let index = low - 1
  while (index > 0) {
    const record = readRecord(readIndex, index)
    if (record !== undefined && streamOf(record) !== undefined) break
    index -= 1
  }
  return Math.max(0, index)
}

/**
 * The offset of what was first written, or dropped, at or after `timeUs`; undefined when all is
 * older. Clocks are set back sometimes: of several answers the earliest of the neighbours is taken.
 */
export function findTime(
  readIndex: ReadIndex,
  indexBytes: number,
  timeUs: number,
): number | undefined {
  const count = recordCount(indexBytes)
  const isOlder = (index: number): boolean => {
    const record = readRecord(readIndex, index)
    // The size of a gap has the time of its gap.
    if (record?.kind === 'gap-size' && index > 0) return isOlder(index - 1)
    return record === undefined || record.value < timeUs
  }
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isOlder(middle)) low = middle + 1
    else high = middle
  }
  while (low > 0 && !isOlder(low - 1)) low -= 1
  return low === count ? undefined : readRecord(readIndex, low)?.offset
}

// Reads a segment that is being written back from its file, as runs: for patterns in the log
// (log-watch.ts) and for inline time stamps (log-stamper.ts). Opens its own descriptors.

import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { segmentFileName } from '../protocol/log-index.ts'
import { createRunSplitter, findRun, type RunSink } from '../protocol/log-runs.ts'
import { ifThere } from './log-files.ts'

const BLOCK_BYTES = 64 * 1024
/** A compressed segment is only read back when it fits into this. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024

export interface SegmentTail {
  /** Passes on everything up to the present end. */
  pull(): void
  offset(): number
  close(): void
}

/** Undefined when the segment is not there. A compressed one is read from memory. */
export function openSegmentTail(
  directory: string,
  number: number,
  offset: number,
  sink: RunSink,
): SegmentTail | undefined {
  const read = openBytes(directory, number)
  if (read === undefined) return undefined
  const index = ifThere(() => openSync(join(directory, segmentFileName(number, 'idx')), 'r'))
  const readIndex = (at: number, into: Uint8Array): number =>
    index === undefined ? 0 : readSync(index, into, 0, into.length, at)
  const indexBytes = index === undefined ? 0 : fstatSync(index).size
  const start = {
    offset,
    record: offset === 0 ? 0 : findRun(readIndex, indexBytes, offset),
    fallbackTimeUs: 0,
  }
  const splitter = createRunSplitter(readIndex, start, sink)
  const block = new Uint8Array(BLOCK_BYTES)

  return {
    pull() {
      for (;;) {
        const count = read.at(splitter.offset(), block)
        if (count === 0) break
        splitter.feed(block.subarray(0, count))
      }
      splitter.settle()
    },
    offset: splitter.offset,
    close() {
      read.close()
      if (index !== undefined) closeSync(index)
    },
  }
}

interface Bytes {
  readonly at: (position: number, into: Uint8Array) => number
  readonly close: () => void
}

function openBytes(directory: string, number: number): Bytes | undefined {
  const path = join(directory, segmentFileName(number, 'log'))
  const fd = ifThere(() => openSync(path, 'r'))
  if (fd !== undefined) {
    return {
      at: (position, into) => readSync(fd, into, 0, into.length, position),
      close: () => closeSync(fd),
    }
  }
  const packed = ifThere(() => readFileSync(`${path}.zst`))
  if (packed === undefined) return undefined
  const bytes = zstdDecompressSync(packed, { maxOutputLength: MAX_INFLATED_BYTES })
  return {
    at: (position, into) => bytes.copy(into, 0, position, position + into.length),
    close: () => {},
  }
}

// Waits for a pattern in a log: readiness `log`. Reads the new bytes back from the files after they
// were captured, because they never pass through our memory; costs nothing while nobody watches.

import type { LogStream } from '../protocol/log-index.ts'
import { createLineAssembler, type LogLine } from '../protocol/log-line.ts'
import { openSegmentTail, type SegmentTail } from './log-tail.ts'

/** A place in the log of an instance. */
export interface LogPosition {
  readonly segment: number
  readonly offset: number
}

export interface LogWatchOptions {
  /** Tried on each line, without its newline. */
  readonly pattern: RegExp
  readonly stream: LogStream | 'any'
  /** Lines that begin here or later count. */
  readonly from: LogPosition
}

export interface LogWatch {
  /** Reads what is new; `active` is the segment that is being written. */
  pull(active: number): void
  close(): void
}

export function createLogWatch(
  directory: string,
  instance: string,
  options: LogWatchOptions,
  onMatch: (line: LogLine) => void,
): LogWatch {
  const decoder = new TextDecoder()
  let number = options.from.segment
  let offset = options.from.offset
  let tail: SegmentTail | undefined
  let isClosed = false
  let isPulling = false

  const assembler = createLineAssembler({
    instance,
    decode: (bytes) => decoder.decode(bytes),
    emit(item) {
      if (isClosed || item.kind !== 'line') return
      if (options.stream !== 'any' && options.stream !== item.stream) return
      options.pattern.lastIndex = 0
      if (options.pattern.test(item.text)) onMatch(item)
    },
  })

  function closeTail(): void {
    tail?.close()
    tail = undefined
  }

  function advance(active: number): void {
    while (!isClosed) {
      tail ??= openSegmentTail(directory, number, offset, assembler)
      tail?.pull()
      if (isClosed || number >= active) return
      closeTail()
      number += 1
      offset = 0
    }
  }

  return {
    pull(active) {
      if (isClosed || isPulling) return
      isPulling = true
      try {
        advance(active)
      } finally {
        isPulling = false
        if (isClosed) closeTail()
      }
    },
    close() {
      isClosed = true
      // A match is reported from the middle of reading: the descriptors are still needed then.
      if (!isPulling) closeTail()
    },
  }
}

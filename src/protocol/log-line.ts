// Lines out of runs of bytes: each stream is put together on its own, over chunks and segments.
// Pure: how bytes become text is given by the caller. Nothing is lost: what is too long, or was
// torn off, comes in parts that are marked.

import { MAX_LOG_LINE_BYTES } from '../base/limits.ts'
import type { LogStream } from './log-index.ts'
import type { RunSink } from './log-runs.ts'

export interface LogLine {
  readonly kind: 'line'
  readonly instance: string
  /** When its first byte was captured, in microseconds since the epoch. */
  readonly timeUs: number
  readonly stream: LogStream
  /** Without the newline. Invalid UTF-8 has become U+FFFD. */
  readonly text: string
  /** No newline ended it: the rest follows, or was never written. */
  readonly isPartial: boolean
}

/** Bytes that the service wrote and that nobody could keep, for example because of a full disk. */
export interface LogGap {
  readonly kind: 'gap'
  readonly instance: string
  readonly timeUs: number
  /** Null when not known. */
  readonly bytes: number | null
}

export type LogItem = LogLine | LogGap

export interface LineAssemblerOptions {
  readonly instance: string
  readonly decode: (bytes: Uint8Array) => string
  readonly emit: (item: LogItem) => void
  readonly maxLineBytes?: number
  /** Streams whose first bytes are the rest of a line that is not wanted. */
  readonly skipFirst?: readonly LogStream[]
}

export interface LineAssembler extends RunSink {
  /** Gives out unfinished lines, as partial ones. */
  flush(): void
  /** The time of the oldest unfinished line; undefined when there is none. */
  pendingTimeUs(): number | undefined
}

const NEWLINE = 10

/** A sink for runs that gives out lines and gaps. */
export function createLineAssembler(options: LineAssemblerOptions): LineAssembler {
  const { instance, decode, emit, maxLineBytes = MAX_LOG_LINE_BYTES, skipFirst = [] } = options
  const open = (stream: LogStream): StreamAssembler => {
    const give: GiveLine = (timeUs, bytes, isPartial) =>
      emit({ kind: 'line', instance, timeUs, stream, text: decode(bytes), isPartial })
    return createStreamAssembler(give, maxLineBytes, skipFirst.includes(stream))
  }
  const streams = { stdout: open('stdout'), stderr: open('stderr') }

  function flush(): void {
    streams.stdout.end()
    streams.stderr.end()
  }

  return {
    run: (bytes, stream, timeUs) => streams[stream].run(bytes, timeUs),
    lineBreak: (stream) => streams[stream].end(),
    flush,
    gap(timeUs, bytes) {
      flush()
      emit({ kind: 'gap', instance, timeUs, bytes })
    },
    pendingTimeUs() {
      const [left, right] = [streams.stdout.pendingTimeUs(), streams.stderr.pendingTimeUs()]
      if (left === undefined || right === undefined) return left ?? right
      return Math.min(left, right)
    },
  }
}

type GiveLine = (timeUs: number, bytes: Uint8Array, isPartial: boolean) => void

interface StreamAssembler {
  run(bytes: Uint8Array, timeUs: number): void
  /** Gives what is unfinished as a part; the next byte begins a line. */
  end(): void
  pendingTimeUs(): number | undefined
}

interface Pending {
  bytes: Uint8Array
  length: number
  timeUs: number
}

function createStreamAssembler(
  give: GiveLine,
  maxBytes: number,
  isSkippingFirst: boolean,
): StreamAssembler {
  const pending: Pending = { bytes: new Uint8Array(0), length: 0, timeUs: 0 }
  let isSkipping = isSkippingFirst

  /** Adds bytes without a newline; gives out parts while there are more than a line may have. */
  function hold(bytes: Uint8Array, timeUs: number): void {
    let rest = bytes
    while (rest.length > 0) {
      if (pending.length === 0) pending.timeUs = timeUs
      const taken = Math.min(rest.length, maxBytes - pending.length)
      append(pending, rest.subarray(0, taken), maxBytes)
      rest = rest.subarray(taken)
      if (rest.length === 0) return
      const cut = characterStart(pending.bytes, pending.length)
      give(pending.timeUs, pending.bytes.subarray(0, cut), true)
      pending.bytes.copyWithin(0, cut, pending.length)
      pending.length -= cut
      pending.timeUs = timeUs
    }
  }

  function giveHeld(isPartial: boolean): void {
    give(pending.timeUs, pending.bytes.subarray(0, pending.length), isPartial)
    pending.length = 0
  }

  function finish(bytes: Uint8Array, timeUs: number): void {
    if (isSkipping) isSkipping = false
    else if (pending.length === 0 && bytes.length <= maxBytes) give(timeUs, bytes, false)
    else {
      hold(bytes, timeUs)
      giveHeld(false)
    }
  }

  return {
    run(bytes, timeUs) {
      let start = 0
      for (;;) {
        const newline = bytes.indexOf(NEWLINE, start)
        if (newline === -1) break
        finish(bytes.subarray(start, newline), timeUs)
        start = newline + 1
      }
      if (!isSkipping) hold(bytes.subarray(start), timeUs)
    },
    end() {
      isSkipping = false
      if (pending.length > 0) giveHeld(true)
    },
    pendingTimeUs: () => (pending.length === 0 ? undefined : pending.timeUs),
  }
}

function append(state: Pending, bytes: Uint8Array, maxBytes: number): void {
  const needed = state.length + bytes.length
  if (needed > state.bytes.length) {
    const larger = new Uint8Array(Math.min(maxBytes, Math.max(256, needed, 2 * state.length)))
    larger.set(state.bytes.subarray(0, state.length))
    state.bytes = larger
  }
  state.bytes.set(bytes, state.length)
  state.length = needed
}

/** Where to cut before `end` so that no UTF-8 character is torn; `end` itself when it is none. */
function characterStart(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= 3 && back < end; back += 1) {
    const byte = bytes[end - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? end - back : end
  }
  return end
}

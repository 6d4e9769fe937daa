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

interface StreamState {
  pending: Uint8Array
  length: number
  timeUs: number
  isSkipping: boolean
}

const NEWLINE = 10

/** A sink for runs that gives out lines and gaps. */
export function createLineAssembler(options: LineAssemblerOptions): LineAssembler {
  const { instance, decode, emit, maxLineBytes = MAX_LOG_LINE_BYTES, skipFirst = [] } = options
  const newState = (stream: LogStream): StreamState => ({
    pending: new Uint8Array(0),
    length: 0,
    timeUs: 0,
    isSkipping: skipFirst.includes(stream),
  })
  const states = { stdout: newState('stdout'), stderr: newState('stderr') }

  function give(stream: LogStream, timeUs: number, bytes: Uint8Array, isPartial: boolean): void {
    emit({ kind: 'line', instance, timeUs, stream, text: decode(bytes), isPartial })
  }

  /** Adds bytes without a newline; gives out parts while there are more than a line may have. */
  function hold(stream: LogStream, bytes: Uint8Array, timeUs: number): void {
    const state = states[stream]
    let rest = bytes
    while (rest.length > 0) {
      if (state.length === 0) state.timeUs = timeUs
      const taken = Math.min(rest.length, maxLineBytes - state.length)
      append(state, rest.subarray(0, taken), maxLineBytes)
      rest = rest.subarray(taken)
      if (rest.length === 0) return
      const cut = characterStart(state.pending, state.length)
      give(stream, state.timeUs, state.pending.subarray(0, cut), true)
      state.pending.copyWithin(0, cut, state.length)
      state.length -= cut
      state.timeUs = timeUs
    }
  }

  function finish(stream: LogStream, bytes: Uint8Array, timeUs: number): void {
    const state = states[stream]
    if (state.isSkipping) {
      state.isSkipping = false
      return
    }
    if (state.length === 0 && bytes.length <= maxLineBytes) {
      give(stream, timeUs, bytes, false)
      return
    }
    hold(stream, bytes, timeUs)
    give(stream, state.timeUs, state.pending.subarray(0, state.length), false)
    state.length = 0
  }

  function run(bytes: Uint8Array, stream: LogStream, timeUs: number): void {
    let start = 0
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, start)
      if (newline === -1) break
      finish(stream, bytes.subarray(start, newline), timeUs)
      start = newline + 1
    }
    if (!states[stream].isSkipping) hold(stream, bytes.subarray(start), timeUs)
  }

  function lineBreak(stream: LogStream): void {
    const state = states[stream]
    state.isSkipping = false
    if (state.length === 0) return
    give(stream, state.timeUs, state.pending.subarray(0, state.length), true)
    state.length = 0
  }

  function flush(): void {
    lineBreak('stdout')
    lineBreak('stderr')
  }

  function gap(timeUs: number, bytes: number): void {
    flush()
    emit({ kind: 'gap', instance, timeUs, bytes })
  }

  function pendingTimeUs(): number | undefined {
    const times = [states.stdout, states.stderr]
      .filter((state) => state.length > 0)
      .map((state) => state.timeUs)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  return { run, gap, lineBreak, flush, pendingTimeUs }
}

function append(state: StreamState, bytes: Uint8Array, maxBytes: number): void {
  const needed = state.length + bytes.length
  if (needed > state.pending.length) {
    const larger = new Uint8Array(Math.min(maxBytes, Math.max(256, needed, 2 * state.length)))
    larger.set(state.pending.subarray(0, state.length))
    state.pending = larger
  }
  state.pending.set(bytes, state.length)
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

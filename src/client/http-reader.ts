// Reads one HTTP/1.1 answer (RFC 9112) from bytes that come in pieces: head, then a body by length,
// by chunks, or until the end. Only what our own server sends; node:http costs 20 ms to load.

import { MAX_HTTP_HEAD_BYTES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'

export interface AnswerHead {
  readonly status: number
  /** Names in lower case; of a repeated one the last. */
  readonly headers: ReadonlyMap<string, string>
}

export interface AnswerReader {
  /** Throws ERR_BAD_ANSWER for what is no HTTP. */
  feed(bytes: Uint8Array): void
  /** The connection has ended; throws ERR_BAD_ANSWER when that is in the middle of an answer. */
  end(): void
  readonly isDone: boolean
  /** The answer has no length: the end of the connection is its end. */
  readonly endsWithConnection: boolean
}

export interface AnswerSink {
  onHead(head: AnswerHead): void
  /** A view that is only valid during the call. */
  onBody(bytes: Uint8Array): void
  onEnd(): void
}

type State =
  | 'head'
  | 'length'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailer'
  | 'rest'
  | 'done'

const NEWLINE = 10
const MAX_SIZE_LINE = 256

export function createAnswerReader(sink: AnswerSink): AnswerReader {
  let state: State = 'head'
  let left = 0
  let line: number[] = []
  let head: string[] = []
  let headBytes = 0

  function finish(): void {
    state = 'done'
    sink.onEnd()
  }

  /** True when a whole line has been collected; it is in `line` without its ending. */
  function collect(byte: number, limit: number): boolean {
    if (byte === NEWLINE) {
      if (line.at(-1) === 13) line.pop()
      return true
    }
    line.push(byte)
    if (line.length > limit) throw badAnswer('a line is too long')
    return false
  }

  function takeLine(): string {
    const text = String.fromCharCode(...line)
    line = []
    return text
  }

  function onHeadLine(text: string): void {
    if (text !== '') {
      headBytes += text.length
      if (headBytes > MAX_HTTP_HEAD_BYTES) throw badAnswer('its head is too long')
      head.push(text)
      return
    }
    const parsed = parseHead(head)
    head = []
    sink.onHead(parsed)
    if (parsed.headers.get('transfer-encoding') === 'chunked') {
      state = 'chunk-size'
      return
    }
    const length = parsed.headers.get('content-length')
    if (length === undefined) {
      state = parsed.status === 204 ? 'done' : 'rest'
      if (state === 'done') sink.onEnd()
      return
    }
    if (!/^\d{1,12}$/.test(length)) throw badAnswer('its length is no number')
    left = Number(length)
    state = 'length'
    if (left === 0) finish()
  }

  function onSizeLine(text: string): void {
    const size = /^([0-9a-f]{1,8})(?:;.*)?$/i.exec(text)?.[1]
    if (size === undefined) throw badAnswer('a chunk has no size')
    left = Number.parseInt(size, 16)
    state = left === 0 ? 'trailer' : 'chunk-data'
  }

  function onLine(text: string): void {
    if (state === 'head') onHeadLine(text)
    else if (state === 'chunk-size') onSizeLine(text)
    else if (state === 'chunk-end') {
      if (text !== '') throw badAnswer('a chunk is longer than its size')
      state = 'chunk-size'
    } else if (text === '') finish()
  }

  function feed(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length && state !== 'done') {
      if (state === 'length' || state === 'chunk-data') {
        const part = bytes.subarray(at, at + left)
        at += part.length
        left -= part.length
        sink.onBody(part)
        if (left > 0) return
        if (state === 'length') finish()
        else state = 'chunk-end'
      } else if (state === 'rest') {
        sink.onBody(bytes.subarray(at))
        return
      } else {
        const limit = state === 'head' ? MAX_HTTP_HEAD_BYTES : MAX_SIZE_LINE
        if (collect(bytes[at] ?? 0, limit)) onLine(takeLine())
        at += 1
      }
    }
  }

  function end(): void {
    if (state === 'rest') finish()
    else if (state !== 'done') throw badAnswer('it was cut off')
  }

  return {
    feed,
    end,
    get isDone() {
      return state === 'done'
    },
    get endsWithConnection() {
      return state === 'rest'
    },
  }
}

function parseHead(lines: readonly string[]): AnswerHead {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(lines[0] ?? '')?.[1]
  if (status === undefined) throw badAnswer('it does not begin like HTTP')
  const headers = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon <= 0) throw badAnswer('a header has no colon')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { status: Number(status), headers }
}

function badAnswer(what: string): ToolkitError {
  return new ToolkitError('ERR_BAD_ANSWER', `the answer over the control socket is broken: ${what}`)
}

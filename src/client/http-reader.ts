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

type Step =
  | 'head'
  | 'length'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailer'
  | 'rest'
  | 'done'

interface State {
  step: Step
  /** Bytes of the body or chunk that are still to come. */
  left: number
  /** The bytes of the line that has begun. */
  line: number[]
  head: string[]
  headBytes: number
  readonly sink: AnswerSink
}

const NEWLINE = 10
const CARRIAGE_RETURN = 13
const MAX_SIZE_LINE = 256

export function createAnswerReader(sink: AnswerSink): AnswerReader {
  const state: State = { step: 'head', left: 0, line: [], head: [], headBytes: 0, sink }

  function feed(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length && state.step !== 'done') at += take(state, bytes.subarray(at))
  }

  function end(): void {
    if (state.step === 'rest') finish(state)
    else if (state.step !== 'done') throw badAnswer('it was cut off')
  }

  return {
    feed,
    end,
    get isDone() {
      return state.step === 'done'
    },
    get endsWithConnection() {
      return state.step === 'rest'
    },
  }
}

/** Takes one line, or as much of the body as there is; gives how many bytes that were. */
function take(state: State, bytes: Uint8Array): number {
  if (state.step === 'rest') {
    state.sink.onBody(bytes)
    return bytes.length
  }
  if (state.step === 'length' || state.step === 'chunk-data') return takeBody(state, bytes)
  const limit = state.step === 'head' ? MAX_HTTP_HEAD_BYTES : MAX_SIZE_LINE
  const newline = bytes.indexOf(NEWLINE)
  const part = newline === -1 ? bytes : bytes.subarray(0, newline)
  if (state.line.length + part.length > limit) throw badAnswer('a line is too long')
  for (const byte of part) state.line.push(byte)
  if (newline === -1) return bytes.length
  if (state.line.at(-1) === CARRIAGE_RETURN) state.line.pop()
  const text = String.fromCharCode(...state.line)
  state.line = []
  onLine(state, text)
  return newline + 1
}

function takeBody(state: State, bytes: Uint8Array): number {
  const part = bytes.subarray(0, state.left)
  state.left -= part.length
  state.sink.onBody(part)
  if (state.left > 0) return part.length
  if (state.step === 'length') finish(state)
  else state.step = 'chunk-end'
  return part.length
}

function onLine(state: State, text: string): void {
  if (state.step === 'head') onHeadLine(state, text)
  else if (state.step === 'chunk-size') onSizeLine(state, text)
  else if (state.step === 'chunk-end') {
    if (text !== '') throw badAnswer('a chunk is longer than its size')
    state.step = 'chunk-size'
  } else if (text === '') finish(state)
}

function onHeadLine(state: State, text: string): void {
  // Told at once: somebody else on the socket may not go on to send a whole head.
  if (state.head.length === 0) parseStatus(text)
  if (text !== '') {
    state.headBytes += text.length
    if (state.headBytes > MAX_HTTP_HEAD_BYTES) throw badAnswer('its head is too long')
    state.head.push(text)
    return
  }
  const head = parseHead(state.head)
  state.sink.onHead(head)
  if (head.headers.get('transfer-encoding') === 'chunked') {
    state.step = 'chunk-size'
    return
  }
  const length = head.headers.get('content-length')
  if (length === undefined) {
    if (head.status === 204) finish(state)
    else state.step = 'rest'
    return
  }
  if (!/^\d{1,12}$/.test(length)) throw badAnswer('its length is no number')
  state.left = Number(length)
  state.step = 'length'
  if (state.left === 0) finish(state)
}

function onSizeLine(state: State, text: string): void {
  const size = /^([0-9a-f]{1,8})(?:;.*)?$/i.exec(text)?.[1]
  if (size === undefined) throw badAnswer('a chunk has no size')
  state.left = Number.parseInt(size, 16)
  state.step = state.left === 0 ? 'trailer' : 'chunk-data'
}

function finish(state: State): void {
  state.step = 'done'
  state.sink.onEnd()
}

function parseHead(lines: readonly string[]): AnswerHead {
  const status = parseStatus(lines[0] ?? '')
  const headers = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon <= 0) throw badAnswer('a header has no colon')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { status, headers }
}

function parseStatus(line: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1]
  if (status === undefined) throw badAnswer('it does not begin like HTTP')
  return Number(status)
}

function badAnswer(what: string): ToolkitError {
  return new ToolkitError('ERR_BAD_ANSWER', `the answer over the control socket is broken: ${what}`)
}

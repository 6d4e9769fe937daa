// One request over the Unix socket, one connection each: sent whole, answered as a whole or as a
// stream of pieces. A socket that refuses is tried again for a short time: a supervisor that died
// is started again by its guardian within a moment.

import type { Socket } from 'node:net'
import { ToolkitError } from '../base/toolkit-error.ts'
import {
  isUnderstood,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  VERSION_HEADER,
} from '../protocol/version.ts'
import { type AnswerHead, createAnswerReader } from './http-reader.ts'

export interface RawRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** JSON text; undefined for none. */
  readonly body?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** What may be sent again when the connection breaks. */
  readonly again: Again
}

/**
 * `unsent`: only what was never sent; `unanswered`: also what was sent and had no answer yet;
 * `always`: even when the answer has begun.
 */
export type Again = 'unsent' | 'unanswered' | 'always'

export interface RawSink {
  onHead(head: AnswerHead): void
  onBody(bytes: Uint8Array): void
}

const RETRY_DELAY_MS = 50

type Reached = 'nothing' | 'sent' | 'answering'

interface Failure {
  readonly reached: Reached
  readonly error: ToolkitError
}

const allowed: Readonly<Record<Again, readonly Reached[]>> = {
  unsent: ['nothing'],
  unanswered: ['nothing', 'sent'],
  always: ['nothing', 'sent', 'answering'],
}

/** Resolves when the answer has been read; tries to connect until `patienceMs` have passed. */
export async function exchange(
  socketPath: string,
  request: RawRequest,
  sink: RawSink,
  patienceMs: number,
): Promise<void> {
  // Not performance.now(): the first touch of that global loads 2 ms of modules.
  const endMs = process.uptime() * 1_000 + patienceMs
  for (;;) {
    const failure = await attempt(socketPath, request, sink)
    if (failure === null) return
    const { reached, error } = failure
    const mayRepeat = allowed[request.again].includes(reached) && canRecover(error)
    if (!mayRepeat || request.signal?.aborted === true || process.uptime() * 1_000 >= endMs)
      throw error
    await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS))
  }
}

/** A refused connection may be a supervisor that is being started again. */
function canRecover(error: ToolkitError): boolean {
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAGAIN'].includes(String(error.context['code']))
}

/** An `import` of node:net would touch all of its exports, which takes longer than to connect. */
function connectTo(path: string): Socket {
  return process.getBuiltinModule('node:net').connect({ path })
}

function attempt(path: string, request: RawRequest, sink: RawSink): Promise<Failure | null> {
  return new Promise((resolve) => {
    let reached: Reached = 'nothing'
    let socket: Socket | null = null
    const finish = (result: Failure | null): void => {
      request.signal?.removeEventListener('abort', onAbort)
      socket?.destroy()
      resolve(result)
    }
    const fail = (error: ToolkitError): void => finish({ reached, error })
    const guard = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        if (error instanceof ToolkitError) fail(error)
        else throw error
      }
    }
    const onAbort = (): void =>
      fail(toConnectionError(path, Object.assign(new Error(), { code: 'ABORTED' })))
    if (request.signal?.aborted === true) return onAbort()
    request.signal?.addEventListener('abort', onAbort, { once: true })
    const reader = createAnswerReader({
      onHead: (head) => {
        reached = 'answering'
        assertVersion(head)
        sink.onHead(head)
      },
      onBody: sink.onBody,
      onEnd: () => finish(null),
    })
    socket = connectTo(path)
    socket.on('connect', () => {
      reached = 'sent'
    })
    socket.on('data', (bytes: Buffer) => guard(() => reader.feed(bytes)))
    socket.on('error', (error: NodeJS.ErrnoException) => fail(toConnectionError(path, error)))
    socket.on('end', () => {
      if (reached === 'answering' && reader.endsWithConnection) guard(() => reader.end())
      else fail(toConnectionError(path, Object.assign(new Error(), { code: 'ECONNRESET' })))
    })
    socket.write(printRequest(request))
  })
}

/** True when something accepts connections there. */
export function canConnect(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function printRequest({ method, target, body }: RawRequest): string {
  const length = body === undefined ? 0 : Buffer.byteLength(body)
  const head =
    `${method} ${target} HTTP/1.1\r\nhost: eudaemon\r\nconnection: close\r\n` +
    `${PROTOCOL_HEADER}: ${PROTOCOL_VERSION}\r\ncontent-length: ${length}\r\n\r\n`
  return body === undefined ? head : head + body
}

function assertVersion({ headers }: AnswerHead): void {
  const theirs = headers.get(PROTOCOL_HEADER)
  if (isUnderstood(theirs)) return
  const version = headers.get(VERSION_HEADER) ?? 'of another version'
  throw new ToolkitError(
    'ERR_VERSION_MISMATCH',
    `the running supervisor is eudaemon ${version} and speaks protocol ${theirs}, ` +
      `this command speaks ${PROTOCOL_VERSION}`,
    { hint: 'Use the command of that version, or stop everything and start the new supervisor.' },
  )
}

/** What a failed connection means, and what to do. */
export function toConnectionError(path: string, error: NodeJS.ErrnoException): ToolkitError {
  const code = error.code ?? 'unknown'
  const details = { context: { code, path }, cause: error }
  if (code === 'ENOENT') {
    return new ToolkitError('ERR_SUPERVISOR_NOT_RUNNING', 'no supervisor is running', {
      ...details,
      hint: '`eudaemon up` starts one.',
    })
  }
  if (code === 'ECONNREFUSED') {
    const message = `no supervisor listens on '${path}', which one left behind`
    const hint = '`eudaemon up` starts a new one, which takes over what still runs.'
    return new ToolkitError('ERR_SUPERVISOR_NOT_RUNNING', message, { ...details, hint })
  }
  const hints: Readonly<Record<string, string>> = {
    EACCES: 'Only the user who owns the supervisor, and root, may talk to it.',
    ECONNRESET: 'It ended or refused the connection; `eudaemon doctor` tells more.',
  }
  const hint = hints[code] ?? 'Run `eudaemon doctor`.'
  const message = `cannot talk to the supervisor at '${path}': ${code}`
  return new ToolkitError('ERR_SUPERVISOR_UNREACHABLE', message, { ...details, hint })
}

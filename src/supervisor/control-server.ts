// The control API over its Unix socket: who may connect, how much may be sent, and errors as
// answers. What a route does is in control-answers.ts.
// node:http and no framework: the supervisor's start-up time and memory are counted.

import { chmodSync, renameSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import { MAX_CONTROL_CONNECTIONS } from '../base/limits.ts'
import { hasCode, ToolkitError } from '../base/toolkit-error.ts'
import { MAX_SOCKET_PATH_BYTES } from '../protocol/directories.ts'
import { type ErrorAnswer, httpStatusOf } from '../protocol/response.ts'
import { matchRoute } from '../protocol/routes.ts'
import {
  isUnderstood,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  SEQUENCE_HEADER,
  VERSION_HEADER,
} from '../protocol/version.ts'
import { answerers, DefinitionRefused } from './control-answers.ts'
import type { ControlTarget } from './control-target.ts'
import { type EventStreams, openEventStreams } from './event-streams.ts'
import { streamLogs } from './log-streams.ts'
import { type BodyReader, createBodyReader } from './request-body.ts'

export interface ControlServerOptions {
  /** Where clients find the socket; an old one is replaced. */
  readonly path: string
  readonly target: ControlTarget
}

export interface ControlServer {
  /** Answers what it was asked, ends streams, closes. The socket's name is left to the caller. */
  close(): Promise<void>
}

/** A request must be whole within this time, its head within a third of it. */
const REQUEST_TIMEOUT_MS = 30_000
/** What is still being answered when the server closes has this long. */
const CLOSE_GRACE_MS = 1_000

interface Context {
  readonly target: ControlTarget
  readonly streams: EventStreams
  readonly bodies: BodyReader
  readonly version: string
}

/** Listens. Throws what bind(2) throws, and ERR_BAD_HOME when the path is too long. */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { path, target } = options
  const streams = openEventStreams(target)
  const { version } = target
  const context: Context = { target, streams, bodies: createBodyReader(), version }
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS / 3 },
    (request, response) => void answer(context, request, response),
  )
  limitConnections(server, target)
  await listen(server, path)
  return { close: () => close(server, streams) }
}

/** Under another name first: the socket appears when it has its mode, and replaces an old one. */
async function listen(server: Server, path: string): Promise<void> {
  const hidden = `${dirname(path)}/.ctl${process.pid}`
  const tooLong = [path, hidden].find((name) => Buffer.byteLength(name) > MAX_SOCKET_PATH_BYTES)
  if (tooLong !== undefined) {
    const message = `'${tooLong}' is too long for a socket (${MAX_SOCKET_PATH_BYTES} bytes)`
    throw new ToolkitError('ERR_BAD_HOME', message, { hint: 'Set a shorter EUDAEMON_HOME.' })
  }
  rmSync(hidden, { force: true })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(hidden, resolve)
  await promise
  chmodSync(hidden, 0o600)
  renameSync(hidden, path)
}

function limitConnections(server: Server, target: ControlTarget): void {
  let count = 0
  server.on('connection', (socket: Socket) => {
    count += 1
    socket.once('close', () => {
      count -= 1
    })
    // Node logs nothing and ends the process for an unheard error of a socket.
    socket.on('error', () => socket.destroy())
    const fd = fdOf(socket)
    if (fd === null || !target.checkPeer(fd)) {
      refuseSocket(socket, new ToolkitError('ERR_REQUEST_REFUSED', 'another user is not served'))
    } else if (count > MAX_CONTROL_CONNECTIONS) {
      const message = `more than ${MAX_CONTROL_CONNECTIONS} connections at a time`
      refuseSocket(socket, new ToolkitError('ERR_TOO_MANY_REQUESTS', message))
    }
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    refuseSocket(socket, new ToolkitError('ERR_BAD_REQUEST', `not a request: ${error.message}`))
  })
}

function fdOf(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null) return null
  const fd: unknown = Reflect.get(handle, 'fd')
  return typeof fd === 'number' && fd >= 0 ? fd : null
}

/** An answer outside of node:http, which has not seen a request yet. */
function refuseSocket(socket: Socket, error: ToolkitError): void {
  const text = JSON.stringify(toErrorAnswer(error))
  const status = httpStatusOf(error.code)
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    () => socket.destroy(),
  )
}

async function answer(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { target } = context
  response.sendDate = false
  response.setHeader(PROTOCOL_HEADER, String(PROTOCOL_VERSION))
  response.setHeader(VERSION_HEADER, context.version)
  response.setHeader(SEQUENCE_HEADER, String(target.sequence()))
  try {
    await route(context, request, response)
  } catch (error) {
    if (!(error instanceof ToolkitError)) throw error
    if (response.headersSent) {
      response.destroy()
      return
    }
    if (hasCode(error, 'ERR_REQUEST_TOO_LARGE')) response.setHeader('connection', 'close')
    sendJson(response, httpStatusOf(error.code), JSON.stringify(toErrorAnswer(error)))
  }
}

async function route(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { target } = context
  if (request.headers.origin !== undefined) {
    throw new ToolkitError('ERR_REQUEST_REFUSED', 'requests of web pages are refused')
  }
  const theirs = request.headers[PROTOCOL_HEADER]
  if (!isUnderstood(typeof theirs === 'string' ? theirs : undefined)) {
    const message = `protocol ${theirs} is not understood; this is ${PROTOCOL_VERSION}`
    throw new ToolkitError('ERR_VERSION_MISMATCH', message)
  }
  const [path = '', search = ''] = (request.url ?? '').split('?', 2)
  const match = matchRoute(request.method ?? '', path)
  if (match === undefined) throw new ToolkitError('ERR_NO_ROUTE', `there is no '${path}'`)
  if (!('name' in match)) {
    response.setHeader('allow', match.join(', '))
    throw new ToolkitError('ERR_NO_ROUTE', `'${path}' has no ${request.method}`)
  }
  const query = new URLSearchParams(search)
  const body = await context.bodies.read(request)
  if (match.name === 'events') {
    openStream(context, query, response)
    return
  }
  if (match.name === 'logs') {
    await streamLogs(target, query, response)
    return
  }
  const answered = answerers[match.name](target, { parameters: match.parameters, query, body })
  for (const [name, value] of Object.entries(answered.headers ?? {}))
    response.setHeader(name, value)
  if (answered.isRequest === true) await decided(target)
  sendJson(response, 200, answered.text)
}

/** Rejects with what the request was refused for. */
function decided(target: ControlTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    target.onDecided((refusal) => (refusal === null ? resolve() : reject(refusal)))
  })
}

function openStream(context: Context, query: URLSearchParams, response: ServerResponse): void {
  const since = query.get('since')
  if (since !== null && !/^\d{1,16}$/.test(since)) {
    throw new ToolkitError('ERR_BAD_REQUEST', "'since' must be a sequence number")
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  context.streams.open(
    {
      since: since === null ? null : Number(since),
      isFollowing: query.get('follow') === '1',
      project: query.get('project'),
    },
    response,
  )
}

function sendJson(response: ServerResponse, status: number, text: string): void {
  if (response.destroyed) return
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

function toErrorAnswer(error: ToolkitError): ErrorAnswer {
  const { code, message, hint } = error
  const diagnostics = error instanceof DefinitionRefused ? { diagnostics: error.diagnostics } : {}
  return { error: { code, message, hint, ...diagnostics } }
}

async function close(server: Server, streams: EventStreams): Promise<void> {
  streams.close()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
  await promise
  clearTimeout(timer)
}

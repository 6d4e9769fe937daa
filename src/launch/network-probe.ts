// One question over the network to a service or a daemon: asked, answered or given up, within its
// time. Node's network modules are loaded at the first question. Nothing is remembered here, and
// when the signal says stop, nothing is left.

import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Milliseconds } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { MAX_PROBE_BODY_BYTES, MAX_PROBE_FAILURE_LENGTH } from '../base/limits.ts'

export interface Peer {
  /** The address that answered, IPv4 or IPv6, in numbers. */
  readonly address: string
  readonly port: number
}

export type AttemptResult =
  | { readonly isGood: true /** Who answered; null for a command. */; readonly peer: Peer | null }
  | { readonly isGood: false /** One line for people. */; readonly reason: string }

export interface NetworkAttempt {
  readonly timeoutMs: Milliseconds
  /** Ends the attempt: its result is of no more interest. */
  readonly signal: AbortSignal
}

export type NetworkQuestion =
  | {
      readonly kind: 'http'
      readonly url: string
      /** The lowest and the highest status that is good. */
      readonly status: readonly [number, number]
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/** Asks once. Never rejects: what goes wrong is an answer. */
export async function askNetwork(
  question: NetworkQuestion,
  attempt: NetworkAttempt,
): Promise<AttemptResult> {
  try {
    return question.kind === 'http'
      ? await askHttp(question, attempt)
      : await askTcp(question, attempt)
  } catch (error) {
    return bad(error instanceof Error ? error.message : String(error))
  }
}

type HttpAction = Extract<NetworkQuestion, { kind: 'http' }>
type TcpAction = Extract<NetworkQuestion, { kind: 'tcp' }>

/** Only the status counts: redirects are not followed, the body is thrown away. */
async function askHttp(action: HttpAction, context: NetworkAttempt): Promise<AttemptResult> {
  const { get } = process.getBuiltinModule('node:http')
  const url = new URL(action.url)
  const port = url.port === '' ? 80 : Number(url.port)
  const shown = withoutPassword(url)
  const [low, high] = action.status
  return ask<ClientRequest>(context, shown, (settle) => {
    const request = get(url, {
      // No agent: a connection that is kept would hide that nobody accepts new ones.
      agent: false,
      headers: { 'User-Agent': 'eudaemon-probe', Accept: '*/*', Connection: 'close' },
    })
    request.on('response', (response) => {
      const status = response.statusCode ?? 0
      const isGood = status >= low && status <= high
      settle(isGood ? good(response.socket) : bad(`${shown}: ${status}`))
      // A server may complain when nobody takes its answer: a short body is read to its end.
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_PROBE_BODY_BYTES) request.destroy()
      })
      response.on('error', () => {})
    })
    request.on('error', (error) => settle(bad(explain(error, shown, url.hostname, port))))
    request.on('close', () => settle(bad(`${shown}: the connection was closed without an answer`)))
    return request
  })
}

async function askTcp({ host, port }: TcpAction, context: NetworkAttempt): Promise<AttemptResult> {
  const { connect } = process.getBuiltinModule('node:net')
  return ask<Socket>(context, `port ${port}`, (settle) => {
    const socket = connect({ host, port })
    socket.on('connect', () => {
      // Asking a free port of the ephemeral range can connect a socket to itself.
      const { localPort, localAddress, remoteAddress } = socket
      const isOwn = localPort === port && localAddress === remoteAddress
      settle(isOwn ? bad(`port ${port} refused the connection`) : good(socket))
      socket.destroy()
    })
    socket.on('error', (error) => settle(bad(explain(error, `port ${port}`, host, port))))
    return socket
  })
}

/** The frame of a network question: time-out, abort, one answer, nothing left behind. */
function ask<Handle extends Socket | ClientRequest>(
  { timeoutMs, signal }: NetworkAttempt,
  shown: string,
  start: (settle: (result: AttemptResult) => void) => Handle,
): Promise<AttemptResult> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(bad('given up'))
    const handle = start(resolve)
    const stop = (): void => {
      clearTimeout(timer)
      handle.destroy()
    }
    const timer = setTimeout(() => {
      resolve(bad(`${shown}: no answer within ${printDuration(timeoutMs)}`))
      stop()
    }, clampTimeout(timeoutMs))
    const onAbort = (): void => {
      resolve(bad('given up'))
      stop()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    handle.once('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    })
  })
}

/** setTimeout takes 31 bits and makes a longer time 1 ms. */
export function clampTimeout(ms: Milliseconds): Milliseconds {
  return Math.min(ms, 2_000_000_000)
}

function good({ remoteAddress, remotePort }: Socket): AttemptResult {
  if (remoteAddress === undefined || remotePort === undefined) return { isGood: true, peer: null }
  return { isGood: true, peer: { address: remoteAddress, port: remotePort } }
}

/** An answer that is none, as one clean line. */
export function bad(reason: string): AttemptResult {
  // What a service prints must not reach a terminal as more than text.
  const clean = reason.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return { isGood: false, reason: clean.slice(0, MAX_PROBE_FAILURE_LENGTH) }
}

function explain(error: Error, shown: string, host: string, port: number): string {
  const { code } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ECONNREFUSED':
      return `port ${port} refused the connection`
    case 'ECONNRESET':
    case 'EPIPE':
      return `${shown}: the connection was closed without an answer`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${shown}: there is no host '${host}'`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${shown}: host '${host}' is not reachable`
    default:
      if (code?.startsWith('HPE_') === true) return `${shown}: the answer is not HTTP`
      return `${shown}: ${code === undefined ? error.message : code}`
  }
}

function withoutPassword(url: URL): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  return shown.href
}

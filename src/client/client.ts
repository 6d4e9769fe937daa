// The typed client of the control API. Knows routes and errors; bytes are in connection.ts. An
// error that the supervisor answers becomes a ToolkitError with the same code.

import { type ErrorCode, errorCodes } from '../base/error-codes.ts'
import { MAX_ANSWER_BYTES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import type { ApplyRequest, ScaleRequest, SignalRequest, WantRequest } from '../protocol/request.ts'
import type {
  ApplyAnswer,
  EventLine,
  StatusRow,
  SupervisorInfo,
  WantAnswer,
  WhyAnswer,
} from '../protocol/response.ts'
import { pathOf, type RouteName, routes } from '../protocol/routes.ts'
import { DEFINITION_HEADER, HOLD_HEADER, SEQUENCE_HEADER } from '../protocol/version.ts'
import { type Again, exchange } from './connection.ts'
import type { AnswerHead } from './http-reader.ts'

export interface StatusQuery {
  readonly project?: string | null
  readonly services?: readonly string[]
}

export interface StatusAnswer {
  readonly rows: readonly StatusRow[]
  /** The last event that the rows already show. */
  readonly sequence: number
  /** Of the project that was asked for, when it runs. */
  readonly definitionDigest: string | null
  /** Why the supervisor holds; null: it does not. */
  readonly holdReason: string | null
}

export interface EventsQuery {
  readonly since?: number | null
  readonly isFollowing: boolean
  readonly project?: string | null
  readonly signal?: AbortSignal
  /** The stream stands: nothing that happens from now on will be missed. */
  readonly onOpen?: () => void
}

export interface Client {
  readonly socketPath: string
  describe(): Promise<SupervisorInfo>
  status(query?: StatusQuery): Promise<StatusAnswer>
  apply(request: ApplyRequest): Promise<ApplyAnswer>
  remove(project: string): Promise<WantAnswer>
  /** Environment values are hashes; see protocol/redact-definition.ts. */
  project(name: string): Promise<ProjectDefinition>
  want(request: WantRequest): Promise<WantAnswer>
  signal(request: SignalRequest): Promise<WantAnswer>
  scale(request: ScaleRequest): Promise<WantAnswer>
  why(project: string, instance: string): Promise<WhyAnswer>
  shutdown(): Promise<void>
  /** Resolves when the stream ends; rejects when it breaks or is aborted. */
  events(query: EventsQuery, onLine: (line: EventLine) => void): Promise<void>
}

/** How long a supervisor that was just killed is waited for. */
const PATIENCE_MS = 3_000

interface Call {
  readonly name: RouteName
  readonly parameters?: Readonly<Record<string, string>>
  readonly query?: string
  readonly body?: string
  readonly again?: Again
}

/** Connects for each request; nothing is kept open between them. */
export function createClient(socketPath: string, patienceMs = PATIENCE_MS): Client {
  const call = <Answer>(options: Call) => callOnce<Answer>(socketPath, patienceMs, options)

  async function ask<Answer>(options: Call): Promise<Answer> {
    return (await call<Answer>(options)).answer
  }

  async function status(query: StatusQuery = {}): Promise<StatusAnswer> {
    const { answer, head } = await call<readonly StatusRow[]>({
      name: 'status',
      query: printQuery([
        ['project', query.project],
        ...(query.services ?? []).map((service) => ['service', service] as const),
      ]),
    })
    return {
      rows: answer,
      sequence: Number(head.headers.get(SEQUENCE_HEADER) ?? 0),
      definitionDigest: head.headers.get(DEFINITION_HEADER) ?? null,
      holdReason: decodeHeader(head.headers.get(HOLD_HEADER)),
    }
  }

  return {
    socketPath,
    describe: () => ask({ name: 'supervisor' }),
    status,
    apply: async ({ definition, services, environment }) => {
      const { encodeDefinition } = await import('../model/definition-json.ts')
      const rest = JSON.stringify({ services, environment })
      const body = `{"definition":${encodeDefinition(definition)},${rest.slice(1)}`
      return ask({ name: 'apply', body })
    },
    remove: (project) => ask({ name: 'remove', parameters: { project } }),
    project: (project) => ask({ name: 'project', parameters: { project } }),
    want: (request) => ask({ name: 'want', body: JSON.stringify(request) }),
    // Sent twice, a signal arrives twice.
    signal: (request) => ask({ name: 'signal', body: JSON.stringify(request), again: 'unsent' }),
    scale: (request) => ask({ name: 'scale', body: JSON.stringify(request) }),
    why: (project, instance) => ask({ name: 'why', parameters: { project, instance } }),
    shutdown: async () => void (await ask({ name: 'shutdown' })),
    events: (query, onLine) => followEvents(socketPath, query, onLine, patienceMs),
  }
}

/** Null without one, and for what is no percent-encoding. */
function decodeHeader(text: string | undefined): string | null {
  if (text === undefined) return null
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    return null
  }
}

async function callOnce<Answer>(
  socketPath: string,
  patienceMs: number,
  options: Call,
): Promise<{ readonly answer: Answer; readonly head: AnswerHead }> {
  const { name, parameters = {}, query = '', body, again = 'always' } = options
  const target = `${pathOf(name, parameters)}${query}`
  let head: AnswerHead | null = null
  let chunks: Uint8Array[] = []
  let size = 0
  const sink = {
    onHead: (found: AnswerHead) => {
      head = found
      chunks = []
      size = 0
    },
    onBody: (bytes: Uint8Array) => {
      size += bytes.length
      if (size > MAX_ANSWER_BYTES) throw new ToolkitError('ERR_BAD_ANSWER', 'it is too large')
      chunks.push(Uint8Array.from(bytes))
    },
  }
  await exchange(socketPath, { method: routes[name].method, target, body, again }, sink, patienceMs)
  const found = head as AnswerHead | null
  if (found === null) throw new ToolkitError('ERR_BAD_ANSWER', 'the answer has no head')
  const answer = parseJson(Buffer.concat(chunks).toString('utf8'))
  if (found.status !== 200) throw toRefusal(answer, found.status)
  return { answer: answer as Answer, head: found }
}

async function followEvents(
  socketPath: string,
  query: EventsQuery,
  onLine: (line: EventLine) => void,
  patienceMs: number,
): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  let refused: number | null = null
  const since = query.since ?? null
  const search = printQuery([
    ['since', since === null ? null : String(since)],
    ['follow', query.isFollowing ? '1' : null],
    ['project', query.project],
  ])
  const sink = {
    onHead: ({ status }: AnswerHead) => {
      if (status === 200) query.onOpen?.()
      else refused = status
    },
    onBody: (bytes: Uint8Array) => {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_ANSWER_BYTES)
        throw new ToolkitError('ERR_BAD_ANSWER', 'a line is too long')
      if (refused === null) for (const line of lines) onLine(parseJson(line) as EventLine)
    },
  }
  const target = `${pathOf('events')}${search}`
  const { signal } = query
  await exchange(
    socketPath,
    { method: 'GET', target, signal, again: 'unanswered' },
    sink,
    patienceMs,
  )
  if (refused !== null) throw toRefusal(parseJson(rest), refused)
}

function printQuery(entries: readonly (readonly [string, string | null | undefined])[]): string {
  const parts = entries
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notJson(error)
  }
}

function notJson(cause: unknown): ToolkitError {
  return new ToolkitError('ERR_BAD_ANSWER', 'the answer is no JSON', { cause })
}

/** Diagnostics of a refused definition travel in `cause`. */
function toRefusal(answer: unknown, status: number): ToolkitError {
  const error = fieldOf(answer, 'error')
  const code = fieldOf(error, 'code')
  const message = fieldOf(error, 'message')
  if (typeof code !== 'string' || typeof message !== 'string') {
    return new ToolkitError('ERR_BAD_ANSWER', `the supervisor answered with status ${status}`)
  }
  const hint = fieldOf(error, 'hint')
  const isKnown = Object.hasOwn(errorCodes, code)
  return new ToolkitError(isKnown ? (code as ErrorCode) : 'ERR_BAD_ANSWER', message, {
    ...(typeof hint === 'string' ? { hint } : {}),
    cause: fieldOf(error, 'diagnostics'),
  })
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

// The table of the control API: server, client and the OpenAPI document are made from it. A path
// segment that begins with `:` is a parameter.

import type { SchemaName } from './schemas.ts'

export interface Parameter {
  readonly name: string
  readonly doc: string
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly summary: string
  readonly query: readonly Parameter[]
  readonly request: SchemaName | null
  readonly response: SchemaName | null
  /** `lines`: a stream of JSON objects, one a line. */
  readonly form: 'json' | 'lines'
}

const project = { name: 'project', doc: 'Only this project.' }
const service = { name: 'service', doc: 'A selector such as `web` or `web@2`; may be repeated.' }

export const routes = {
  supervisor: {
    method: 'GET',
    path: '/v1/supervisor',
    summary: 'The supervisor itself: process, version, mode, projects, counters, problems.',
    query: [],
    request: null,
    response: 'SupervisorInfo',
    form: 'json',
  },
  status: {
    method: 'GET',
    path: '/v1/status',
    summary: 'Every instance and its phase. The header `eudaemon-sequence` dates the answer.',
    query: [project, service],
    request: null,
    response: 'StatusRows',
    form: 'json',
  },
  apply: {
    method: 'POST',
    path: '/v1/projects',
    summary: 'Apply a definition: start what is new, stop what is gone, restart what changed.',
    query: [],
    request: 'ApplyRequest',
    response: 'ApplyAnswer',
    form: 'json',
  },
  project: {
    method: 'GET',
    path: '/v1/projects/:project',
    summary: 'The definition that runs. Values of environment variables are replaced by hashes.',
    query: [],
    request: null,
    response: 'ProjectDefinition',
    form: 'json',
  },
  remove: {
    method: 'DELETE',
    path: '/v1/projects/:project',
    summary: 'Stop everything of a project and forget it.',
    query: [],
    request: null,
    response: 'WantAnswer',
    form: 'json',
  },
  want: {
    method: 'POST',
    path: '/v1/want',
    summary: 'Want services up, down, restarted or reloaded.',
    query: [],
    request: 'WantRequest',
    response: 'WantAnswer',
    form: 'json',
  },
  signal: {
    method: 'POST',
    path: '/v1/signal',
    summary: 'Send a signal to the main processes of services.',
    query: [],
    request: 'SignalRequest',
    response: 'WantAnswer',
    form: 'json',
  },
  scale: {
    method: 'POST',
    path: '/v1/scale',
    summary: 'Change the number of instances of a service, until the project is removed.',
    query: [],
    request: 'ScaleRequest',
    response: 'WantAnswer',
    form: 'json',
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    summary: 'Changes of phase, oldest first; a notice instead of events that are lost.',
    query: [
      { name: 'since', doc: 'Only events after this sequence number; absent: only new ones.' },
      { name: 'follow', doc: '`1`: stay and send events as they happen.' },
      project,
    ],
    request: null,
    response: 'EventRow',
    form: 'lines',
  },
  logs: {
    method: 'GET',
    path: '/v1/logs',
    summary: 'Lines of logs, merged by time.',
    query: [
      project,
      service,
      { name: 'lines', doc: 'Only the last so many.' },
      { name: 'since', doc: 'From this time on: `10min` (ago), `14:30`, ISO 8601, `@` seconds.' },
      { name: 'until', doc: 'Up to this time.' },
      { name: 'stream', doc: '`stdout` or `stderr`.' },
      { name: 'follow', doc: '`1`: stay and send what comes.' },
    ],
    request: null,
    response: 'LogItem',
    form: 'lines',
  },
  why: {
    method: 'GET',
    path: '/v1/why/:project/:instance',
    summary: 'Why an instance is in its phase: causes, history, last exit, what comes next.',
    query: [],
    request: null,
    response: 'WhyAnswer',
    form: 'json',
  },
  shutdown: {
    method: 'POST',
    path: '/v1/shutdown',
    summary: 'End the supervisor and its guardian. Refused with 409 while anything runs.',
    query: [],
    request: null,
    response: 'Empty',
    form: 'json',
  },
  openapi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This description.',
    query: [],
    request: null,
    response: null,
    form: 'json',
  },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof routes

export interface RouteMatch {
  readonly name: RouteName
  readonly parameters: Readonly<Record<string, string>>
}

const split = Object.entries(routes).map(([name, route]) => ({
  name: name as RouteName,
  method: route.method as string,
  segments: route.path.split('/'),
}))

/** `undefined`: no such path; a list: the methods that the path does have. */
export function matchRoute(
  method: string,
  path: string,
): RouteMatch | readonly string[] | undefined {
  const segments = path.split('/')
  const others: string[] = []
  for (const route of split) {
    const parameters = matchSegments(route.segments, segments)
    if (parameters === undefined) continue
    if (route.method === method) return { name: route.name, parameters }
    others.push(route.method)
  }
  return others.length === 0 ? undefined : others
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== segments.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, expected] of pattern.entries()) {
    const found = segments[index] ?? ''
    if (expected.startsWith(':')) {
      const value = decodePart(found)
      if (value === undefined || value === '') return undefined
      parameters[expected.slice(1)] = value
    } else if (expected !== found) return undefined
  }
  return parameters
}

/** Undefined for broken percent signs. */
function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The path of a route with its parameters filled in. */
export function pathOf(name: RouteName, parameters: Readonly<Record<string, string>> = {}): string {
  return routes[name].path.replace(/:(\w+)/g, (_, parameter: string) =>
    encodeURIComponent(parameters[parameter] ?? ''),
  )
}

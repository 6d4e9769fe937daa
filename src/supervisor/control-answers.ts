// One function a route: the request as it came in, the answer as it goes out. Neither HTTP nor
// sockets here; streams are in event-streams.ts.

import type { InstanceId } from '../base/brands.ts'
import type { Diagnostic } from '../base/diagnostic.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { digestDefinition } from '../model/definition-digest.ts'
import { encodeDefinition, parseProjectDefinition } from '../model/definition-json.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import { parseInstanceId, parseSelector } from '../model/service-name.ts'
import { openApiDocument } from '../protocol/openapi.ts'
import { redactDefinition } from '../protocol/redact-definition.ts'
import { type Reading, readApply, readScale, readSignal, readWant } from '../protocol/request.ts'
import type { StatusRow } from '../protocol/response.ts'
import type { RouteName } from '../protocol/routes.ts'
import { DEFINITION_HEADER, HOLD_HEADER } from '../protocol/version.ts'
import type { ControlTarget } from './control-target.ts'

export interface ControlRequest {
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** What JSON.parse made of the body; undefined when there was none. */
  readonly body: unknown
}

export interface ControlAnswer {
  /** JSON text. */
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
  /** True: answer only when the supervisor has decided on it. */
  readonly isRequest?: boolean
}

/** A definition that was sent has errors; carries them to the answer. */
export class DefinitionRefused extends ToolkitError {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    super('ERR_INVALID_DEFINITION', 'the definition has errors and was not applied')
    this.diagnostics = diagnostics
  }
}

type Answerer = (target: ControlTarget, request: ControlRequest) => ControlAnswer

export const answerers: Readonly<Record<Exclude<RouteName, 'events' | 'logs'>, Answerer>> = {
  supervisor: (target) => plain(target.describe()),
  status: answerStatus,
  apply: answerApply,
  project: (target, { parameters }) => {
    const definition = runningProject(target, parameters['project'] ?? '')
    return { text: encodeDefinition(redactDefinition(definition)) }
  },
  remove: (target, { parameters }) => done(target.removeProject(parameters['project'] ?? '')),
  want: (target, { body }) => done(target.want(accept(readWant(body)))),
  signal: (target, { body }) => done(target.signal(accept(readSignal(body)))),
  scale: (target, { body }) => done(target.scale(accept(readScale(body)))),
  why: (target, { parameters }) =>
    plain(target.why(`${parameters['project']}/${parameters['instance']}`)),
  shutdown: (target) => {
    target.shutdown()
    return plain({})
  },
  openapi: () => plain(openApiDocument()),
}

function plain(value: unknown): ControlAnswer {
  return { text: JSON.stringify(value) }
}

function done(value: unknown): ControlAnswer {
  return { text: JSON.stringify(value), isRequest: true }
}

function accept<Request>(reading: Reading<Request>): Request {
  if ('problem' in reading) throw new ToolkitError('ERR_BAD_REQUEST', reading.problem)
  return reading.request
}

function answerApply(target: ControlTarget, { body }: ControlRequest): ControlAnswer {
  const request = accept(readApply(body))
  const { project, diagnostics } = parseProjectDefinition(request.definition)
  if (project === null) throw new DefinitionRefused(diagnostics)
  return done(target.applyProject({ ...request, definition: project }))
}

function runningProject(target: ControlTarget, name: string): ProjectDefinition {
  const definition = target.project(name)
  if (definition !== null) return definition
  throw new ToolkitError('ERR_NO_PROJECT', `no project '${name}' is running`)
}

function answerStatus(target: ControlTarget, { query }: ControlRequest): ControlAnswer {
  const project = query.get('project')
  const rows = selectRows(target, query)
  const running = project === null ? null : target.project(project)
  const held = target.holdReason()
  const headers = {
    ...(running === null ? {} : { [DEFINITION_HEADER]: digestOf(running) }),
    ...(held === null ? {} : { [HOLD_HEADER]: encodeURIComponent(held) }),
  }
  return { ...plain(rows), headers }
}

/** Those of `?project=` and `?service=`; all without them. */
export function selectRows(target: ControlTarget, query: URLSearchParams): readonly StatusRow[] {
  const project = query.get('project')
  const wanted = query.getAll('service').map(toFilter)
  return target.status((id) => {
    if (project !== null && !id.startsWith(`${project}/`)) return false
    return wanted.length === 0 || wanted.some((isWanted) => isWanted(id))
  })
}

function toFilter(text: string): (id: InstanceId) => boolean {
  const selector = parseSelector(text)
  if (selector === undefined) return () => false
  const { project, service, index } = selector
  return (id) => {
    // To take a thousand names apart costs more than the answer about one.
    if (!id.includes(`/${service}@`)) return false
    const name = parseInstanceId(id)
    return (
      name?.service === service &&
      (project === null || name.project === project) &&
      (index === null || name.index === index)
    )
  }
}

// A definition is replaced as a whole, never changed: its digest is computed once.
const digests = new WeakMap<ProjectDefinition, string>()

function digestOf(definition: ProjectDefinition): string {
  const known = digests.get(definition)
  if (known !== undefined) return known
  const digest = digestDefinition(definition)
  digests.set(definition, digest)
  return digest
}

// What the control API is asked: types, and the reading of bodies that came from outside. Reading
// never throws: it gives the request, or a sentence that says which field is wrong.

import { parseSignal } from '../base/signal.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'

export type WantVerb = 'up' | 'down' | 'restart' | 'reload'

export interface WantRequest {
  readonly verb: WantVerb
  /** What selectors without a project mean; null: any project. */
  readonly project: string | null
  /** `web`, `web@2`, `shop/web`; empty: all of the project. */
  readonly services: readonly string[]
  /** With `down`: SIGKILL at once. */
  readonly force: boolean
}

export interface SignalRequest {
  /** A number of signal(7). */
  readonly signal: number
  readonly project: string | null
  readonly services: readonly string[]
}

export interface ScaleRequest {
  readonly project: string
  readonly service: string
  readonly count: number
}

export interface ApplyRequest {
  readonly definition: ProjectDefinition
  /** Only these are started; null: all that start at boot. */
  readonly services: readonly string[] | null
  /** The caller's environment: the base for the services' own. Shown to nobody. */
  readonly environment: Readonly<Record<string, string>>
}

/** A request, or what is wrong with it. */
export type Reading<Request> = { readonly request: Request } | { readonly problem: string }

type Fields = Readonly<Record<string, unknown>>

/** Undefined unless the value is an object of JSON. */
function toFields(value: unknown): Fields | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Fields) : undefined
}

const verbs: readonly WantVerb[] = ['up', 'down', 'restart', 'reload']

export function readWant(body: unknown): Reading<WantRequest> {
  const fields = toFields(body)
  if (fields === undefined) return notAnObject
  const verb = verbs.find((known) => known === fields['verb'])
  if (verb === undefined) return { problem: `'verb' must be one of ${verbs.join(', ')}` }
  const target = readTarget(fields)
  if ('problem' in target) return target
  const force = fields['force'] ?? false
  if (typeof force !== 'boolean') return { problem: "'force' must be true or false" }
  if (force && verb !== 'down') return { problem: "'force' goes with the verb 'down' only" }
  return { request: { verb, ...target.request, force } }
}

export function readSignal(body: unknown): Reading<SignalRequest> {
  const fields = toFields(body)
  if (fields === undefined) return notAnObject
  const asked = fields['signal']
  const isText = typeof asked === 'string' || typeof asked === 'number'
  const signal = isText ? parseSignal(String(asked)) : undefined
  if (signal === undefined) return { problem: "'signal' must be a name or number of signal(7)" }
  const target = readTarget(fields)
  return 'problem' in target ? target : { request: { signal, ...target.request } }
}

export function readScale(body: unknown): Reading<ScaleRequest> {
  const fields = toFields(body)
  if (fields === undefined) return notAnObject
  const { project, service, count } = fields
  if (typeof project !== 'string') return { problem: "'project' must be text" }
  if (typeof service !== 'string') return { problem: "'service' must be text" }
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) {
    return { problem: "'count' must be a whole number from 0" }
  }
  return { request: { project, service, count } }
}

/** The definition itself is read by the model, which knows its form. */
export function readApply(body: unknown): Reading<
  Omit<ApplyRequest, 'definition'> & {
    readonly definition: unknown
  }
> {
  const fields = toFields(body)
  if (fields === undefined) return notAnObject
  const services = fields['services'] ?? null
  if (services !== null && !isTextList(services)) {
    return { problem: "'services' must be a list of names, or null" }
  }
  const environment = toFields(fields['environment'] ?? {})
  if (environment === undefined || !isTextList(Object.values(environment))) {
    return { problem: "'environment' must be an object of texts" }
  }
  const values = environment as Readonly<Record<string, string>>
  return { request: { definition: fields['definition'], services, environment: values } }
}

function readTarget(
  fields: Fields,
): Reading<{ readonly project: string | null; readonly services: readonly string[] }> {
  const project = fields['project'] ?? null
  if (project !== null && typeof project !== 'string') {
    return { problem: "'project' must be text, or null" }
  }
  const services = fields['services'] ?? []
  if (!isTextList(services)) return { problem: "'services' must be a list of texts" }
  return { request: { project, services } }
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

const notAnObject = { problem: 'the body must be a JSON object' }

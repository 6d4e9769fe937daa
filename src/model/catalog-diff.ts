// What a new definition changes, service by service. Only says what differs and whether a running
// process can take it; what is done about it is the core's decision (core/reload.ts).

import type { ProjectDefinition, ServiceDefinition } from './service-definition.ts'

export type ChangeKind = 'added' | 'removed' | 'restart-needed' | 'live' | 'unchanged'

export interface ServiceChange {
  readonly service: string
  readonly kind: ChangeKind
  /** The settings that differ; empty for services that are new or gone. */
  readonly settings: readonly string[]
}

/** Settings that the running process does not see: only we act on them. */
const liveSettings: ReadonlySet<string> = new Set<keyof ServiceDefinition>([
  'description',
  'instances',
  'isStartedAtBoot',
  'requires',
  'wants',
  'after',
  'before',
  'restart',
  'stop',
  'reload',
  'finish',
  'log',
])

/** One entry for each service of either side; `before` is null when the project is new. */
export function diffProjects(
  before: ProjectDefinition | null,
  after: ProjectDefinition,
): readonly ServiceChange[] {
  const changes: ServiceChange[] = []
  for (const service of Object.keys(before?.services ?? {})) {
    if (!Object.hasOwn(after.services, service)) {
      changes.push({ service, kind: 'removed', settings: [] })
    }
  }
  for (const [service, definition] of Object.entries(after.services)) {
    const old = before?.services[service]
    if (old === undefined) changes.push({ service, kind: 'added', settings: [] })
    else changes.push({ service, ...diffServices(old, definition) })
  }
  return changes
}

function diffServices(
  before: ServiceDefinition,
  after: ServiceDefinition,
): { readonly kind: ChangeKind; readonly settings: readonly string[] } {
  const names = Object.keys(after) as (keyof ServiceDefinition)[]
  const settings = names.filter((name) => !isSame(before[name], after[name]))
  if (settings.length === 0) return { kind: 'unchanged', settings }
  const isLive = settings.every((name) => liveSettings.has(name))
  return { kind: isLive ? 'live' : 'restart-needed', settings }
}

/** Plain data by value; the order of keys does not matter. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false
  const keys = Object.keys(one)
  if (keys.length !== Object.keys(other).length || Array.isArray(one) !== Array.isArray(other)) {
    return false
  }
  return keys.every((key) =>
    isSame(Reflect.get(one, key) as unknown, Reflect.get(other, key) as unknown),
  )
}

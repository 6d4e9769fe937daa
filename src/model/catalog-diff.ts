// What a reload changes, for `up`, for `plan` and for the drift that `status` shows. A change is
// live when it concerns the supervisor only: it counts from the next decision on and the process
// does not notice. All else needs a restart of the service.

import { printCanonical } from './definition-digest.ts'
import type { ProjectDefinition, ServiceDefinition } from './service-definition.ts'
import { settingOfField } from './service-fields.ts'

export type ChangeKind = 'added' | 'removed' | 'restart-needed' | 'live' | 'unchanged'

export interface ServiceChange {
  readonly service: string
  readonly kind: ChangeKind
  /** The settings that differ, in words of the native file; empty unless both sides exist. */
  readonly settings: readonly string[]
  /** Those of them that need the restart. */
  readonly restartSettings: readonly string[]
}

type Effect = 'restart' | 'live'

/** A new part of the model must be judged here, or it will not compile. */
const effects: Readonly<Record<keyof ServiceDefinition, Effect>> = {
  name: 'restart',
  description: 'live',
  kind: 'restart',
  command: 'restart',
  directory: 'restart',
  environment: 'restart',
  environmentFiles: 'restart',
  instanceEnvironment: 'restart',
  user: 'restart',
  group: 'restart',
  supplementaryGroups: 'restart',
  umask: 'restart',
  nice: 'restart',
  limits: 'restart',
  instances: 'live',
  isStartedAtBoot: 'live',
  requires: 'live',
  wants: 'live',
  after: 'live',
  before: 'live',
  // How the *next* start is judged; see isReadinessLive for the exception.
  readiness: 'live',
  liveness: 'live',
  restart: 'live',
  stop: 'live',
  reload: 'live',
  setup: 'live',
  finish: 'live',
  log: 'live',
}

const fields = Object.keys(effects) as (keyof ServiceDefinition)[]

/** Null: the project is not there. Services come in the order of `after`, then the removed. */
export function diffProjects(
  before: ProjectDefinition | null,
  after: ProjectDefinition | null,
): readonly ServiceChange[] {
  const old = new Map(Object.entries(before?.services ?? {}))
  const changes: ServiceChange[] = []
  for (const [name, service] of Object.entries(after?.services ?? {})) {
    const previous = old.get(name)
    old.delete(name)
    if (previous === undefined) changes.push(plainChange(name, 'added'))
    else changes.push(diffServices(previous, service))
  }
  for (const name of old.keys()) changes.push(plainChange(name, 'removed'))
  return changes
}

function plainChange(service: string, kind: ChangeKind): ServiceChange {
  return { service, kind, settings: [], restartSettings: [] }
}

/** Compares two definitions of the same service. */
function diffServices(before: ServiceDefinition, after: ServiceDefinition): ServiceChange {
  const changed = fields.filter(
    (field) => printCanonical(before[field]) !== printCanonical(after[field]),
  )
  const restarting = changed.filter(
    (field) =>
      effects[field] === 'restart' || (field === 'readiness' && !isReadinessLive(before, after)),
  )
  const kind = restarting.length > 0 ? 'restart-needed' : changed.length > 0 ? 'live' : 'unchanged'
  return {
    service: after.name,
    kind,
    settings: toSettings(changed),
    restartSettings: toSettings(restarting),
  }
}

/** The descriptor of notify-fd is given to the process when it starts. */
function isReadinessLive(before: ServiceDefinition, after: ServiceDefinition): boolean {
  const fdOf = ({ readiness }: ServiceDefinition): number | null =>
    readiness.kind === 'notify-fd' ? readiness.fd : null
  return fdOf(before) === fdOf(after)
}

function toSettings(changed: readonly (keyof ServiceDefinition)[]): readonly string[] {
  return [...new Set(changed.map((field) => settingOfField[field]))]
}

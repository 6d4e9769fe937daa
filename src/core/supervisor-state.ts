// All that the core knows: projects with their links, instances, generator, mode. The containers
// are owned by this folder and changed in place; the values in them are replaced, never changed.

import { assert } from '../base/assert.ts'
import type { InstanceId, InvocationId } from '../base/brands.ts'
import { toInvocationId } from '../base/brands.ts'
import type { PrngState } from '../base/prng.ts'
import type { ServiceDefinition } from '../model/service-definition.ts'
import { parseInstanceId, printInstanceId } from '../model/service-name.ts'
import type { DefinitionChange, ProjectRecord } from './effect.ts'
import type { InstanceState } from './instance-state.ts'
import type { ProjectLinks } from './project-links.ts'

/** `hold`: after repeated crashes of the supervisor: adopt and watch, begin nothing. */
export type Mode = 'normal' | 'hold'

export interface ProjectState {
  readonly record: ProjectRecord
  readonly links: ProjectLinks
}

export interface SupervisorState {
  readonly projects: Map<string, ProjectState>
  readonly instances: Map<InstanceId, InstanceState>
  mode: Mode
  prng: PrngState
  /** 16 hexadecimal digits, random for each life of the supervisor. */
  readonly invocationPrefix: string
  invocationCount: number
}

/** An empty supervisor. `invocationPrefix` makes its invocation names unlike any other's. */
export function newSupervisorState(
  mode: Mode,
  seed: PrngState,
  invocationPrefix: string,
): SupervisorState {
  assert(/^[0-9a-f]{16}$/.test(invocationPrefix), 'the prefix has 16 hexadecimal digits')
  return {
    projects: new Map(),
    instances: new Map(),
    mode,
    prng: seed,
    invocationPrefix,
    invocationCount: 0,
  }
}

/**
 * Remembers the state as it is; the returned function takes everything back that was decided since.
 * For a request that is refused because what it asks for cannot be stored.
 */
export function rememberState(state: SupervisorState): () => void {
  const { mode, prng, invocationCount } = state
  const projects = [...state.projects]
  const instances = [...state.instances]
  return () => {
    Object.assign(state, { mode, prng, invocationCount })
    state.projects.clear()
    state.instances.clear()
    for (const [name, project] of projects) state.projects.set(name, project)
    for (const [id, instance] of instances) state.instances.set(id, instance)
  }
}

export function nextInvocation(state: SupervisorState): InvocationId {
  return toInvocationId(
    state.invocationPrefix + state.invocationCount.toString(16).padStart(16, '0'),
  )
}

/** The definition of an instance; that of a removed service stays until its last one is down. */
export function definitionOf(state: SupervisorState, id: InstanceId): ServiceDefinition {
  const name = parseInstanceId(id)
  assert(name, `instance name '${id}'`)
  const record = state.projects.get(name.project)?.record
  const definition = record?.definition.services[name.service] ?? record?.retired[name.service]
  assert(definition, `${id} has a definition`)
  return definition
}

const unchanged: DefinitionChange = { revision: 0, settings: [] }

/** The last change of its definition that only a new invocation can take. */
export function revisionOf(state: SupervisorState, id: InstanceId): DefinitionChange {
  const name = parseInstanceId(id)
  const changes = name && state.projects.get(name.project)?.record.changes
  return (name && changes?.[name.service]) ?? unchanged
}

export function instanceCount(record: ProjectRecord, service: string): number {
  const definition = record.definition.services[service]
  return definition === undefined ? 0 : (record.scale[service] ?? definition.instances)
}

/**
 * All instances of a service that exist, those on their way out included. There are no gaps: those
 * that are dismissed are forgotten from the last one down.
 */
export function instancesOf(
  state: SupervisorState,
  project: string,
  service: string,
): readonly InstanceState[] {
  const found: InstanceState[] = []
  for (let index = 1; ; index += 1) {
    const instance = state.instances.get(printInstanceId({ project, service, index }))
    if (instance === undefined) return found
    found.push(instance)
  }
}

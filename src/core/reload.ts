// A new definition, as a difference to the old one: what is new is added and started, what is gone
// is stopped and forgotten, what changed is restarted only where a running process cannot take the
// change. Written once for first application, change, scaling, removal and recovery.
//
// The project is stored first, and everything else follows from it: a supervisor that dies half-way
// does the rest when it is back (resumeProjects, and the revisions that propagation.ts compares).

import type { InstanceId } from '../base/brands.ts'
import { diffProjects, type ServiceChange } from '../model/catalog-diff.ts'
import type { ProjectDefinition, ServiceDefinition } from '../model/service-definition.ts'
import { printInstanceId } from '../model/service-name.ts'
import { watchesOf } from './adoption.ts'
import type { DefinitionChange, ProjectRecord } from './effect.ts'
import { type InstanceState, mainProcessOf, newInstance } from './instance-state.ts'
import { linkProject } from './project-links.ts'
import { instanceCount, instancesOf } from './supervisor-state.ts'
import type { Turn } from './supervisor-step.ts'

/** Applies a definition and wants up `services`, or all that start at boot. */
export function applyProject(
  turn: Turn,
  definition: ProjectDefinition,
  services: readonly string[] | null,
): void {
  const { name } = definition
  const old = turn.state.projects.get(name)?.record ?? null
  const changes = diffProjects(old?.definition ?? null, definition)
  const record = changedRecord(old, definition, changes)
  saveProject(turn, record)
  const all = [...changes.map(({ service }) => service), ...Object.keys(record.retired)]
  for (const service of new Set(all)) resize(turn, record, service)
  pruneRetired(turn, name)
  const wanted = new Set<InstanceId>()
  for (const { service, kind, settings } of changes) {
    const changed = definition.services[service]
    if (changed === undefined) continue
    if (kind === 'live' || settings.includes('log')) updateLogs(turn, name, changed)
    if (kind === 'live') watchAnew(turn, name, service)
    // What it newly needs is wanted too.
    for (const { id, desired } of instancesOf(turn.state, name, service)) {
      if (settings.length > 0 && desired === 'up') wanted.add(id)
    }
  }
  for (const service of services ?? Object.keys(definition.services)) {
    if (services === null && definition.services[service]?.isStartedAtBoot !== true) continue
    for (const id of turn.idsOf(name, service)) wanted.add(id)
  }
  for (const id of turn.withNeeds([...wanted])) turn.tell(id, { type: 'want-up' })
  turn.touchAll()
}

function changedRecord(
  old: ProjectRecord | null,
  definition: ProjectDefinition,
  differences: readonly ServiceChange[],
): ProjectRecord {
  const retired: Record<string, ServiceDefinition> = { ...old?.retired }
  const changes: Record<string, DefinitionChange> = { ...old?.changes }
  const scale: Record<string, number> = {}
  for (const { service, kind, settings } of differences) {
    const before = old?.definition.services[service]
    // One that comes back while its former instances are still there is a changed one.
    if (kind === 'restart-needed' || retired[service] !== undefined) {
      changes[service] = { revision: (changes[service]?.revision ?? 0) + 1, settings }
    }
    if (kind === 'removed' && before) retired[service] = before
    else delete retired[service]
    const scaled = old?.scale[service]
    // A new count in the file wins over what was set by hand before.
    const isCounted = settings.includes('instances')
    if (scaled !== undefined && kind !== 'removed' && !isCounted) scale[service] = scaled
  }
  return { definition, scale, retired, changes, isRemoved: false }
}

function saveProject(turn: Turn, record: ProjectRecord): void {
  const links = linkProject(record)
  turn.state.projects.set(record.definition.name, { record, links })
  turn.effects.push({ type: 'store-project', project: record })
}

/** Forgets the definitions of services that are gone, once their last instance is. */
export function pruneRetired(turn: Turn, project: string): void {
  const record = turn.state.projects.get(project)?.record
  if (record === undefined) return
  const isGone = (service: string) => instancesOf(turn.state, project, service).length === 0
  const gone = Object.keys(record.retired).filter(isGone)
  if (gone.length === 0) return
  const without = <T>(table: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(table).filter(([service]) => !gone.includes(service)))
  const { retired, changes } = record
  saveProject(turn, { ...record, retired: without(retired), changes: without(changes) })
}

/**
 * Makes the instances that are missing and dismisses those that are too many. New ones are wanted
 * when the service is: in one record, so that no half of it can be found after a crash.
 */
function resize(turn: Turn, record: ProjectRecord, service: string): void {
  const project = record.definition.name
  const count = record.isRemoved ? 0 : instanceCount(record, service)
  const isWanted = instancesOf(turn.state, project, service).some(
    ({ desired, isRemoved }) => desired === 'up' && !isRemoved,
  )
  for (let index = 1; ; index += 1) {
    const id = printInstanceId({ project, service, index })
    const instance = turn.state.instances.get(id)
    if (instance === undefined && index > count) return
    if (instance === undefined) {
      const fresh = newInstance(id, turn.time.wallMs)
      turn.add(isWanted ? { ...fresh, desired: 'up', phase: { name: 'waiting' } } : fresh)
    } else if (index > count) dismiss(turn, instance)
    else if (instance.isRemoved) recall(turn, instance, isWanted)
  }
}

function dismiss(turn: Turn, instance: InstanceState): void {
  if (!instance.isRemoved) turn.replace(instance, { ...instance, isRemoved: true })
  turn.tell(instance.id, { type: 'want-down' })
}

function recall(turn: Turn, instance: InstanceState, isWanted: boolean): void {
  if (isWanted) turn.tell(instance.id, { type: 'want-up' })
  const wanted = turn.state.instances.get(instance.id) ?? instance
  turn.replace(wanted, { ...wanted, isRemoved: false })
}

function updateLogs(turn: Turn, project: string, definition: ServiceDefinition): void {
  for (const id of turn.idsOf(project, definition.name)) {
    turn.effects.push({ type: 'update-log', id, definition })
  }
}

/** What is watched of a running process is watched as the new definition says. */
function watchAnew(turn: Turn, project: string, service: string): void {
  for (const instance of instancesOf(turn.state, project, service)) {
    if (!['starting', 'up', 'reloading'].includes(instance.phase.name)) continue
    if (mainProcessOf(instance) === null) continue
    const watches = watchesOf(turn.state, instance).filter(({ type }) => type !== 'arm-timer')
    turn.effects.push({ type: 'unwatch', id: instance.id }, ...watches)
  }
}

/** Stops everything of a project; the last instance that is forgotten takes the project along. */
export function applyRemoval(turn: Turn, project: string): void {
  const entry = turn.state.projects.get(project)
  if (entry === undefined) return
  saveProject(turn, { ...entry.record, isRemoved: true })
  resumeProject(turn, project)
}

/** Another number of instances; new ones are started when the service is wanted. */
export function applyScale(turn: Turn, project: string, service: string, count: number): void {
  const record = turn.state.projects.get(project)?.record
  if (record?.definition.services[service] === undefined || record.isRemoved) return
  const wasNone = instancesOf(turn.state, project, service).every(({ isRemoved }) => isRemoved)
  saveProject(turn, { ...record, scale: { ...record.scale, [service]: count } })
  resumeProject(turn, project)
  // From none there is nobody to tell whether it is wanted: who asks for some wants them.
  if (!wasNone) return
  for (const id of turn.withNeeds(turn.idsOf(project, service))) {
    turn.tell(id, { type: 'want-up' })
  }
}

/** After adoption: what a project's record asks for and the former supervisor did not get to. */
export function resumeProjects(turn: Turn): void {
  for (const project of [...turn.state.projects.keys()]) resumeProject(turn, project)
}

function resumeProject(turn: Turn, project: string): void {
  const record = turn.state.projects.get(project)?.record
  if (record === undefined) return
  const services = [...Object.keys(record.definition.services), ...Object.keys(record.retired)]
  for (const service of services) resize(turn, record, service)
  pruneRetired(turn, project)
  turn.touchAll()
  turn.forgetIfEmpty(project)
}

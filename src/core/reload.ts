// A new definition, as a difference to the old one: what is new is added and started, what is gone
// is stopped and forgotten, what changed is restarted only where a running process cannot take the
// change. Written once for first application, change, scaling and removal.

import { toInstanceId } from '../base/brands.ts'
import { diffProjects } from '../model/catalog-diff.ts'
import type { ProjectDefinition, ServiceDefinition } from '../model/service-definition.ts'
import { printInstanceId } from '../model/service-name.ts'
import type { ProjectRecord } from './effect.ts'
import { type InstanceState, isActive, newInstance } from './instance-state.ts'
import { linkProject } from './project-links.ts'
import { instanceCount } from './supervisor-state.ts'
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
  const retired: Record<string, ServiceDefinition> = { ...old?.retired }
  const scale: Record<string, number> = {}
  for (const change of changes) {
    const before = old?.definition.services[change.service]
    if (change.kind === 'removed' && before) retired[change.service] = before
    else delete retired[change.service]
    const scaled = old?.scale[change.service]
    // A new count in the file wins over what was set by hand before.
    const isCounted = change.settings.includes('instances')
    if (scaled !== undefined && change.kind !== 'removed' && !isCounted)
      scale[change.service] = scaled
  }
  const record: ProjectRecord = { definition, scale, retired, isRemoved: false }
  saveProject(turn, record)
  for (const change of changes) {
    resize(turn, record, change.service)
    const changed = definition.services[change.service]
    if (changed === undefined) continue
    if (change.kind === 'restart-needed')
      restartForChange(turn, name, change.service, change.settings)
    else if (change.kind === 'live') updateLogs(turn, name, changed)
  }
  const wanted =
    services ??
    Object.keys(definition.services).filter((service) => {
      return definition.services[service]?.isStartedAtBoot === true
    })
  const ids = wanted.flatMap((service) => turn.idsOf(name, service))
  for (const id of turn.withNeeds(ids)) turn.tell(id, { type: 'want-up' })
  turn.touchAll()
}

function saveProject(turn: Turn, record: ProjectRecord): void {
  const links = linkProject(record.definition)
  turn.state.projects.set(record.definition.name, { record, links })
  turn.effects.push({ type: 'store-project', project: record })
}

/** Makes the instances that are missing and dismisses those that are too many. */
function resize(turn: Turn, record: ProjectRecord, service: string): void {
  const project = record.definition.name
  const count = record.isRemoved ? 0 : instanceCount(record, service)
  for (let index = 1; ; index += 1) {
    const id = printInstanceId({ project, service, index })
    const instance = turn.state.instances.get(id)
    if (instance === undefined && index > count) return
    if (instance === undefined) turn.add(newInstance(id, turn.time.wallMs))
    else if (index > count) dismiss(turn, instance)
    else if (instance.isRemoved) turn.replace(instance, { ...instance, isRemoved: false })
  }
}

function dismiss(turn: Turn, instance: InstanceState): void {
  if (!instance.isRemoved) turn.replace(instance, { ...instance, isRemoved: true })
  turn.tell(instance.id, { type: 'want-down' })
}

function restartForChange(
  turn: Turn,
  project: string,
  service: string,
  settings: readonly string[],
): void {
  const reason = `its definition changed (${settings.join(', ')})`
  for (const id of turn.idsOf(project, service)) {
    const instance = turn.state.instances.get(id)
    if (instance === undefined) continue
    const fresh = { ...instance, restarts: 0, failures: 0, restartTimesMs: [] }
    turn.replace(instance, fresh)
    const { desired, phase } = fresh
    if (desired === 'up' && (isActive(fresh) || phase.name === 'up')) {
      turn.tell(id, { type: 'want-restart', reason })
    } else if (desired === 'up') turn.tell(id, { type: 'want-up' })
  }
}

function updateLogs(turn: Turn, project: string, definition: ServiceDefinition): void {
  for (const id of turn.idsOf(project, definition.name)) {
    turn.effects.push({ type: 'update-log', id, definition })
  }
}

/** Stops everything of a project; the last instance that is forgotten takes the project along. */
export function applyRemoval(turn: Turn, project: string): void {
  const entry = turn.state.projects.get(project)
  if (entry === undefined) return
  const record = { ...entry.record, isRemoved: true }
  turn.state.projects.set(project, { ...entry, record })
  turn.effects.push({ type: 'store-project', project: record })
  for (const service of Object.keys(record.definition.services)) resize(turn, record, service)
  if (![...turn.state.instances.keys()].some((id) => id.startsWith(`${project}/`))) {
    turn.state.projects.delete(project)
    turn.effects.push({ type: 'forget-project', name: project })
  }
  turn.touchAll()
}

/** Another number of instances; new ones are started when the service is wanted. */
export function applyScale(turn: Turn, project: string, service: string, count: number): void {
  const entry = turn.state.projects.get(project)
  if (entry === undefined || entry.record.definition.services[service] === undefined) return
  const record = { ...entry.record, scale: { ...entry.record.scale, [service]: count } }
  turn.state.projects.set(project, { ...entry, record })
  turn.effects.push({ type: 'store-project', project: record })
  resize(turn, record, service)
  for (const id of turn.idsOf(project, service)) {
    const instance = turn.state.instances.get(toInstanceId(id))
    if (instance?.desired === 'down') turn.tell(id, { type: 'want-up' })
  }
  turn.touchAll()
}

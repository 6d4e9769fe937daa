// What a restart of the supervisor means: records found and processes observed become a state, the
// effects that watch again what was watched, and the events that happened while nobody looked.
// The observation is the runtime's work; here it is only judged.

import type { InstanceId, Milliseconds } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import type { Effect, ProjectRecord } from './effect.ts'
import type { InstanceEvent } from './instance-event.ts'
import {
  hookRole,
  type InstanceState,
  isActive,
  newInstance,
  type ProcessRef,
  type Role,
  type Slot,
} from './instance-state.ts'
import { linkProject } from './project-links.ts'
import { definitionOf, type SupervisorState } from './supervisor-state.ts'

/** What became of one process that a record speaks of. */
export type Observation =
  | { readonly kind: 'alive'; readonly process: ProcessRef; readonly logMark: string | null }
  | { readonly kind: 'ended'; readonly status: ExitStatus }
  /** Proven: the intent was recorded and the spawn never happened. */
  | { readonly kind: 'never-spawned' }

export interface ObservedInstance {
  readonly roles: Partial<Readonly<Record<Role, Observation>>>
  /** Other processes of the invocation are there. */
  readonly hasLeftovers: boolean
}

export interface Adoption {
  readonly effects: readonly Effect[]
  /** To be told in this order, after the effects. */
  readonly events: readonly { readonly id: InstanceId; readonly event: InstanceEvent }[]
}

/** Puts projects and records into an empty state. Records without a project are left out. */
export function restoreState(
  state: SupervisorState,
  projects: readonly ProjectRecord[],
  records: readonly InstanceState[],
): readonly InstanceId[] {
  for (const record of projects) {
    state.projects.set(record.definition.name, { record, links: linkProject(record.definition) })
  }
  const strays: InstanceId[] = []
  for (const record of records) {
    const [project = '', rest = ''] = record.id.split('/')
    const service = rest.slice(0, rest.lastIndexOf('@'))
    const known = state.projects.get(project)?.record
    const isKnown = known?.definition.services[service] ?? known?.retired[service]
    if (isKnown) state.instances.set(record.id, record)
    else strays.push(record.id)
  }
  return strays
}

/** After a reboot nothing of any record runs: what was wanted up starts afresh. */
export function restoreAfterBoot(record: InstanceState, wallMs: number): InstanceState {
  const { id, desired, lastExit, isRemoved } = record
  const fresh = { ...newInstance(id, wallMs), desired, lastExit, isRemoved }
  return desired === 'up' ? { ...fresh, phase: { name: 'waiting' } } : fresh
}

/** Compares one instance with what was observed of it. */
export function adopt(
  state: SupervisorState,
  instance: InstanceState,
  observed: ObservedInstance,
  nowMs: Milliseconds,
): Adoption {
  const { phase, id, deadlineMs } = instance
  const effects: Effect[] = []
  const events: InstanceEvent[] = []
  if (deadlineMs !== null)
    effects.push({ type: 'arm-timer', id, atMs: Math.max(deadlineMs, nowMs) })
  if (!('invocation' in phase)) return { effects, events: [] }
  const slots = slotsOf(instance)
  // Hooks first: the end of the main process then finds none that is not accounted for.
  for (const [role, slot] of slots) {
    const observation = observed.roles[role] ?? { kind: 'ended', status: { kind: 'unknown' } }
    adoptSlot(state, instance, role, slot, observation, observed.hasLeftovers, effects, events)
  }
  watchAgain(state, instance, observed, effects)
  return { effects, events: events.map((event) => ({ id, event })) }
}

function slotsOf({ phase }: InstanceState): readonly (readonly [Role, Slot])[] {
  const slots: [Role, Slot][] = []
  const role = hookRole(phase)
  if (role !== null && 'hook' in phase && phase.hook !== null) slots.push([role, phase.hook])
  if ('main' in phase && phase.main !== null) slots.push(['main', phase.main])
  return slots
}

function adoptSlot(
  state: SupervisorState,
  instance: InstanceState,
  role: Role,
  slot: Slot,
  observation: Observation,
  hasLeftovers: boolean,
  effects: Effect[],
  events: InstanceEvent[],
): void {
  const { phase, id } = instance
  if (!('invocation' in phase)) return
  const { invocation } = phase
  if (observation.kind === 'alive') {
    const { process, logMark } = observation
    if (slot === 'spawning') events.push({ type: 'spawned', role, invocation, process, logMark })
    return
  }
  if (observation.kind === 'ended') {
    if (slot === 'spawning') {
      // It ran and ended before its number was recorded: the number is of no more use.
      const process = { pid: 0 as ProcessRef['pid'], startTime: 0 }
      events.push({ type: 'spawned', role, invocation, process, logMark: null })
    }
    events.push({ type: 'exited', role, invocation, status: observation.status, hasLeftovers })
    return
  }
  const exit = 'ending' in phase ? phase.ending.exit : null
  effects.push({ type: 'spawn', id, invocation, role, definition: definitionOf(state, id), exit })
}

/** The watches that lived only in the memory of the one that died. */
function watchAgain(
  state: SupervisorState,
  instance: InstanceState,
  observed: ObservedInstance,
  effects: Effect[],
): void {
  const { phase, id } = instance
  const definition = definitionOf(state, id)
  const { readiness, liveness } = definition
  const isMainAlive = observed.roles.main?.kind === 'alive'
  const isWatched =
    !['immediate', 'delay'].includes(readiness.kind) && definition.kind === 'longrun'
  if (phase.name === 'starting' && phase.main !== 'spawning' && isMainAlive && isWatched) {
    const { invocation, logMark } = phase
    effects.push({ type: 'watch-ready', id, invocation, readiness, definition, logMark })
  }
  if ((phase.name === 'up' || phase.name === 'reloading') && isMainAlive && liveness !== null) {
    const { invocation } = phase
    effects.push({ type: 'watch-live', id, invocation, liveness, definition })
  }
  const isEnding = phase.name === 'stopping' || phase.name === 'killing'
  if (isEnding && phase.main === null) {
    effects.push({ type: 'watch-empty', id, invocation: phase.invocation })
  }
  // The signal may or may not have been sent before the death: it is sent again.
  if (phase.name === 'stopping' && phase.hook === null && isActive(instance)) {
    const { signal, kill } = definition.stop
    const scope =
      phase.main === null || kill === 'cgroup' ? 'all' : kill === 'group' ? 'group' : 'main'
    effects.push({ type: 'signal', id, invocation: phase.invocation, signal, scope })
  }
}

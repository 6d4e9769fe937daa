// What a restart of the supervisor means: records found and processes observed become a state, the
// effects that watch again what was watched, and the events that happened while nobody looked.
// The observation is the runtime's work; here it is only judged.

import type { InstanceId } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import { askToEnd } from './ask-to-end.ts'
import type { Effect, ProjectRecord } from './effect.ts'
import type { InstanceEvent, InstanceNews } from './instance-event.ts'
import {
  type InstanceState,
  newInstance,
  type ProcessRef,
  type Role,
  slotsOf,
} from './instance-state.ts'
import { killFinish } from './on-over.ts'
import { isByTime } from './on-start.ts'
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
  /** For `resumed`, which tells those of all instances before anything is decided. */
  readonly events: readonly InstanceNews[]
}

/** Puts projects and records into an empty state. Records without a project are left out. */
export function restoreState(
  state: SupervisorState,
  projects: readonly ProjectRecord[],
  records: readonly InstanceState[],
): readonly InstanceId[] {
  for (const record of projects) {
    state.projects.set(record.definition.name, { record, links: linkProject(record) })
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

/**
 * After a reboot nothing of any record runs: what was wanted up starts afresh. A service that had
 * finished starts again when its definition says that it starts at boot.
 */
export function restoreAfterBoot(
  projects: readonly ProjectRecord[],
  records: readonly InstanceState[],
  wallMs: number,
): readonly InstanceState[] {
  const atBoot = new Set<string>()
  for (const { definition } of projects) {
    for (const { name, isStartedAtBoot } of Object.values(definition.services)) {
      if (isStartedAtBoot) atBoot.add(`${definition.name}/${name}`)
    }
  }
  return records.map((record) => {
    const { id, lastExit, isRemoved, phase } = record
    const isFinished = phase.name === 'down' && phase.isFinished
    const isDue = isFinished && !isRemoved && atBoot.has(id.slice(0, id.lastIndexOf('@')))
    const desired = isDue ? 'up' : record.desired
    const fresh = { ...newInstance(id, wallMs), desired, lastExit, isRemoved }
    if (desired === 'up') return { ...fresh, phase: { name: 'waiting' } }
    return isFinished ? { ...fresh, phase } : fresh
  })
}

/** Compares one instance with what was observed of it. */
export function adopt(
  state: SupervisorState,
  instance: InstanceState,
  observed: ObservedInstance,
): Adoption {
  const { phase, id } = instance
  const effects = watchesOf(state, instance)
  if (!('invocation' in phase)) return { effects, events: [] }
  const { invocation } = phase
  const { hasLeftovers } = observed
  const events: InstanceEvent[] = []
  for (const [role, slot] of slotsOf(phase)) {
    const seen = observed.roles[role] ?? { kind: 'ended', status: { kind: 'unknown' } }
    const isLie = seen.kind === 'never-spawned' && hasLeftovers && mustHaveRun(state, instance)
    if (isLie) {
      const status = { kind: 'unknown' } as const
      events.push({ type: 'exited', role, invocation, status, hasLeftovers })
    } else if (seen.kind === 'never-spawned') {
      events.push({ type: 'never-spawned', role, invocation })
    } else if (seen.kind === 'ended') {
      // Also one whose number was never recorded: it was not ready for a moment, as far as we know.
      events.push({ type: 'exited', role, invocation, status: seen.status, hasLeftovers })
    } else if (slot === 'spawning') {
      const { process, logMark } = seen
      events.push({ type: 'spawned', role, invocation, process, logMark })
    }
  }
  return { effects, events: events.map((event) => ({ id, event })) }
}

/** Its children are there, and nobody else can have left them: the process ran and ended. */
function mustHaveRun(state: SupervisorState, { phase, id }: InstanceState): boolean {
  if (phase.name === 'setup') return true
  if (phase.name === 'finish') return definitionOf(state, id).stop.kill !== 'process'
  return phase.name === 'starting' && !phase.hadSetup
}

/**
 * What lived only in the memory of the one that died, or was not acted upon while the supervisor
 * held: the timer, the watches, and the signals that may or may not have been sent.
 */
export function watchesOf(state: SupervisorState, instance: InstanceState): readonly Effect[] {
  const { phase, id, deadlineMs } = instance
  const effects: Effect[] = []
  if (deadlineMs !== null) effects.push({ type: 'arm-timer', id, atMs: deadlineMs })
  if (!('invocation' in phase)) return effects
  const { invocation } = phase
  const definition = definitionOf(state, id)
  const { readiness, liveness } = definition
  switch (phase.name) {
    case 'starting': {
      const isWatched = definition.kind === 'longrun' && !isByTime(readiness)
      if (!isWatched || phase.main === 'spawning') return effects
      const { logMark } = phase
      effects.push({ type: 'watch-ready', id, invocation, readiness, definition, logMark })
      return effects
    }
    case 'up':
    case 'reloading':
      if (phase.main !== null && liveness !== null) {
        effects.push({ type: 'watch-live', id, invocation, liveness, definition })
      }
      return effects
    case 'stopping':
    case 'killing':
      effects.push(...askToEnd({ ...instance, phase }, { definition }))
      return effects
    case 'finish':
      if (phase.hook === null) effects.push(...killFinish({ id, phase }))
      return effects
    default:
      return effects
  }
}

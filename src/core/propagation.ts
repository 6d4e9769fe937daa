// The settle phase: along the dependencies, who may start, who may stop, who must stop. Asked for
// one instance at a time, after something changed near it; the answer is an event for the grid or
// a reason why it waits.

import { parseInstanceId } from '../model/service-name.ts'
import type { InstanceEvent } from './instance-event.ts'
import { type InstanceState, isReady, isSpawning } from './instance-state.ts'
import type { ServiceLinks } from './project-links.ts'
import { instancesOf, type SupervisorState } from './supervisor-state.ts'

export type SettleAnswer =
  | { readonly kind: 'event'; readonly event: InstanceEvent }
  | { readonly kind: 'waits'; readonly reason: string }
  | { readonly kind: 'nothing' }

const nothing: SettleAnswer = { kind: 'nothing' }

interface Place {
  readonly state: SupervisorState
  readonly project: string
  readonly links: ServiceLinks
}

/** What has to happen to this instance now. */
export function settle(state: SupervisorState, instance: InstanceState): SettleAnswer {
  const name = parseInstanceId(instance.id)
  const links = name && state.projects.get(name.project)?.links.get(name.service)
  if (!name || !links) return nothing
  const place = { state, project: name.project, links }
  const phase = instance.phase.name
  if (phase === 'waiting') return settleWaiting(place, instance)
  if (phase === 'backoff' || phase === 'failed') return settleBlocked(place, instance)
  const isRunning = ['setup', 'starting', 'up', 'reloading'].includes(phase)
  if (!isRunning || isSpawning(instance)) return nothing
  if (instance.desired === 'down') return settleStop(place)
  const stopped = stoppedRequirement(place)
  if (stopped !== null && state.mode === 'normal') {
    const reason = `'${stopped}', which it requires, was stopped`
    return { kind: 'event', event: { type: 'must-stop', reason } }
  }
  if (instance.restartAsked === null) return nothing
  const reason = instance.restartAsked
  return { kind: 'event', event: { type: 'want-restart', reason } }
}

function settleWaiting({ state, project, links }: Place, instance: InstanceState): SettleAnswer {
  if (instance.desired === 'down') return { kind: 'event', event: { type: 'want-down' } }
  if (state.mode === 'hold') return { kind: 'waits', reason: 'the supervisor is in hold mode' }
  for (const required of links.requires) {
    const blocker = instancesOf(state, project, required).find((other) => !isReady(other))
    if (blocker !== undefined) return { kind: 'waits', reason: waitReason(required, blocker) }
  }
  for (const earlier of links.order) {
    const unsettled = instancesOf(state, project, earlier).find((other) => isSettling(state, other))
    if (unsettled !== undefined) return { kind: 'waits', reason: waitReason(earlier, unsettled) }
  }
  return { kind: 'event', event: { type: 'may-start' } }
}

function waitReason(service: string, blocker: InstanceState): string {
  const { phase, reason } = blocker
  const isStuck = ['failed', 'backoff', 'down'].includes(phase.name)
  const detail = reason === null ? phase.name : `${phase.name}: ${reason}`
  return isStuck
    ? `blocked by '${service}' (${detail})`
    : `waiting for '${service}' (${phase.name})`
}

/** On its way to being up, or to something else that is not the end of the story. */
function isSettling(state: SupervisorState, instance: InstanceState): boolean {
  if (instance.desired === 'down') return false
  const { name } = instance.phase
  if (name === 'waiting') return !isStuck(state, instance)
  return ['setup', 'starting', 'stopping', 'killing', 'finish'].includes(name)
}

/** Waits for something that is not on its way. Ends because dependencies have no cycle. */
function isStuck(state: SupervisorState, instance: InstanceState): boolean {
  const name = parseInstanceId(instance.id)
  const links = name && state.projects.get(name.project)?.links.get(name.service)
  if (!name || !links) return true
  return links.requires.some((required) =>
    instancesOf(state, name.project, required).some(
      (other) => !isReady(other) && !isSettling(state, other),
    ),
  )
}

/** Healing: it ended while something it requires was not up, so it waits for that instead. */
function settleBlocked({ state, project, links }: Place, instance: InstanceState): SettleAnswer {
  if (instance.desired === 'down') return { kind: 'event', event: { type: 'want-down' } }
  const isBlocked = links.requires.some((required) =>
    instancesOf(state, project, required).some((other) => !isReady(other)),
  )
  if (!isBlocked) return nothing
  const isBackoff = instance.phase.name === 'backoff'
  return { kind: 'event', event: isBackoff ? { type: 'timer-fired' } : { type: 'want-up' } }
}

/** Wanted down: first those that need it, then it. */
function settleStop({ state, project, links }: Place): SettleAnswer {
  for (const follower of links.followers) {
    const needsIt = links.requiredBy.includes(follower)
    const holdsBack = instancesOf(state, project, follower).some(
      (other) =>
        (needsIt || other.desired === 'down') &&
        !['down', 'waiting', 'backoff', 'failed'].includes(other.phase.name),
    )
    if (holdsBack) return nothing
  }
  return { kind: 'event', event: { type: 'may-stop' } }
}

/** A required service that somebody wants down. One that finished or is being scaled does not count. */
function stoppedRequirement({ state, project, links }: Place): string | null {
  for (const required of links.requires) {
    const isStopped = instancesOf(state, project, required).some(
      ({ desired, phase, isRemoved }) =>
        desired === 'down' && !isRemoved && !(phase.name === 'down' && phase.isFinished),
    )
    if (isStopped) return required
  }
  return null
}

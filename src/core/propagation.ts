// The settle phase: along the dependencies, who may start, who may stop, who must stop. Asked for
// one instance at a time, after something changed near it; the answer is an event for the grid or
// a reason why it waits.

import { parseInstanceId } from '../model/service-name.ts'
import type { InstanceEvent } from './instance-event.ts'
import { type InstanceState, isReady, isSpawning } from './instance-state.ts'
import type { ServiceLinks } from './project-links.ts'
import { definitionOf, instancesOf, revisionOf, type SupervisorState } from './supervisor-state.ts'

export type SettleAnswer =
  | { readonly kind: 'event'; readonly event: InstanceEvent }
  | { readonly kind: 'waits'; readonly reason: string }
  | { readonly kind: 'nothing' }

const nothing: SettleAnswer = { kind: 'nothing' }

interface Place {
  readonly state: SupervisorState
  readonly project: string
  readonly links: ServiceLinks
  readonly findings: Findings
}

/** What was found out about services, by `project/service`; true until any instance changes. */
export interface Findings {
  readonly stopped: Map<string, boolean>
  readonly stuck: Map<string, boolean>
}

/** What has to happen to this instance now. */
export function settle(
  state: SupervisorState,
  instance: InstanceState,
  findings: Findings,
): SettleAnswer {
  const name = parseInstanceId(instance.id)
  const links = name && state.projects.get(name.project)?.links.get(name.service)
  if (!name || !links) return nothing
  const place = { state, project: name.project, links, findings }
  switch (instance.phase.name) {
    case 'waiting':
      return settleWaiting(place)
    case 'backoff':
    case 'failed':
      return settleBlocked(place, instance)
    case 'setup':
    case 'starting':
    case 'up':
    case 'reloading':
      return isSpawning(instance) ? nothing : settleRunning(place, instance)
    default:
      return nothing
  }
}

function settleRunning(place: Place, instance: InstanceState): SettleAnswer {
  const { state } = place
  if (instance.desired === 'down') {
    return isHeldBack(place) ? nothing : { kind: 'event', event: { type: 'may-stop' } }
  }
  const stopped = stoppedRequirement(place, place.links)
  if (stopped !== null) {
    const reason = `'${stopped}', which it requires, was stopped`
    return isHeldBack(place) ? nothing : { kind: 'event', event: { type: 'must-stop', reason } }
  }
  const reason = restartReason(state, instance)
  if (reason !== null) return { kind: 'event', event: { type: 'want-restart', reason } }
  const ready = readyByDefinition(state, instance)
  if (ready !== null) return { kind: 'event', event: ready }
  const isReloadDue = instance.isReloadAsked && instance.phase.name === 'up'
  return isReloadDue ? { kind: 'event', event: { type: 'want-reload' } } : nothing
}

/** Its readiness was changed while it started, to one for which nothing will happen any more. */
function readyByDefinition(state: SupervisorState, instance: InstanceState): InstanceEvent | null {
  const { phase, deadlineMs } = instance
  const { kind, readiness } = definitionOf(state, instance.id)
  if (phase.name !== 'starting' || kind === 'oneshot') return null
  const isOver = readiness.kind === 'immediate' || (readiness.kind === 'delay' && !deadlineMs)
  return isOver ? { type: 'ready', invocation: phase.invocation } : null
}

/** Asked for, or its definition was changed in a way that only a new invocation can take. */
function restartReason(state: SupervisorState, instance: InstanceState): string | null {
  if (state.mode === 'hold') return null
  if (instance.restartAsked !== null) return instance.restartAsked
  const { revision, settings } = revisionOf(state, instance.id)
  if (instance.revision >= revision) return null
  const detail = settings.length === 0 ? '' : ` (${settings.join(', ')})`
  return `its definition changed${detail}`
}

function settleWaiting(place: Place): SettleAnswer {
  const { state, links } = place
  if (state.mode === 'hold') return { kind: 'waits', reason: 'the supervisor is in hold mode' }
  const blockers = links.requires.flatMap((service) => {
    const blocker = blockerIn(place, service)
    return blocker === undefined ? [] : [{ service, blocker }]
  })
  // What does not come by itself is the better answer to "why".
  const worst = blockers.find(({ service }) => isBlockedBy(place, service)) ?? blockers[0]
  if (worst !== undefined) {
    return { kind: 'waits', reason: waitReason(place, worst.service, worst.blocker) }
  }
  for (const service of links.order) {
    const earlier = membersOf(place, service).find((other) => isSettling(place, service, other))
    if (earlier !== undefined) {
      return { kind: 'waits', reason: waitReason(place, service, earlier) }
    }
  }
  return { kind: 'event', event: { type: 'may-start' } }
}

/** The instances that count: one that is being dismissed does not. */
function membersOf({ state, project }: Place, service: string): readonly InstanceState[] {
  return instancesOf(state, project, service).filter(({ isRemoved }) => !isRemoved)
}

function blockerIn(place: Place, service: string): InstanceState | undefined {
  const { state } = place
  const members = membersOf(place, service)
  return (
    members.find((other) => !isReady(other) || restartReason(state, other) !== null) ??
    (isStopped(place, service) ? members[0] : undefined)
  )
}

function waitReason(place: Place, service: string, blocker: InstanceState): string {
  const { phase, reason } = blocker
  if (!isBlockedBy(place, service)) {
    const what = isReady(blocker) ? 'it is to restart' : phase.name
    return `waiting for '${service}' (${what})`
  }
  if (isReady(blocker)) return `blocked by '${service}' (it is to stop)`
  const isDetailed = phase.name !== 'waiting' && reason !== null
  return `blocked by '${service}' (${isDetailed ? `${phase.name}: ${reason}` : phase.name})`
}

/** True when some instance of it is neither up nor on its way. */
function isBlockedBy(place: Place, service: string): boolean {
  const { stuck } = place.findings
  const key = `${place.project}/${service}`
  const known = stuck.get(key)
  if (known !== undefined) return known
  const isBlocked = membersOf(place, service).some(
    (other) => !isReady(other) && !isSettling(place, service, other),
  )
  const answer = isBlocked || isStopped(place, service)
  stuck.set(key, answer)
  return answer
}

/** On its way to being up, or to something else that is not the end of the story. */
function isSettling(place: Place, service: string, instance: InstanceState): boolean {
  if (instance.desired === 'down') return false
  const { name } = instance.phase
  if (name === 'waiting') return !isStuck(place, service)
  return ['setup', 'starting', 'stopping', 'killing', 'finish'].includes(name)
}

/** Waits for something that is not on its way. Ends because dependencies have no cycle. */
function isStuck(place: Place, service: string): boolean {
  const requires = place.state.projects.get(place.project)?.links.get(service)?.requires ?? []
  return requires.some((required) => isBlockedBy(place, required))
}

/** Healing: it ended while something it requires was not up, so it waits for that instead. */
function settleBlocked(place: Place, instance: InstanceState): SettleAnswer {
  const { state, links } = place
  if (state.mode === 'normal' && instance.revision < revisionOf(state, instance.id).revision) {
    return { kind: 'event', event: { type: 'want-up' } }
  }
  // Policy 'never' is a promise: not even an outage of something else starts it again.
  const isFinal =
    instance.phase.name === 'failed' && definitionOf(state, instance.id).restart.policy === 'never'
  if (isFinal) return nothing
  for (const service of links.requires) {
    const blocker = blockerIn(place, service)
    if (blocker === undefined) continue
    const reason = waitReason(place, service, blocker)
    return { kind: 'event', event: { type: 'must-wait', reason } }
  }
  return nothing
}

/** First those that need it or come after it, then it: they are there, and on their way out. */
function isHeldBack(place: Place): boolean {
  const { state, project, links } = place
  return links.followers.some((follower) =>
    instancesOf(state, project, follower).some(
      (other) => isHere(other) && (other.desired === 'down' || mustStop(place, follower)),
    ),
  )
}

function mustStop(place: Place, service: string): boolean {
  const links = place.state.projects.get(place.project)?.links.get(service)
  return links !== undefined && stoppedRequirement(place, links) !== null
}

function isHere({ phase }: InstanceState): boolean {
  return !['down', 'waiting', 'backoff', 'failed'].includes(phase.name)
}

/** The first required service that somebody wants down, itself or by what it requires in turn. */
function stoppedRequirement(place: Place, links: ServiceLinks): string | null {
  return links.requires.find((service) => isStopped(place, service)) ?? null
}

/** Those that require it have to stop, and may not start. */
function isStopped(place: Place, service: string): boolean {
  const { stopped } = place.findings
  const key = `${place.project}/${service}`
  const known = stopped.get(key)
  if (known !== undefined) return known
  const answer =
    membersOf(place, service).length > 0 &&
    (isWantedDown(place, service) || mustStop(place, service))
  stopped.set(key, answer)
  return answer
}

/** Somebody wants it down. One that has finished, or is being dismissed, does not count. */
function isWantedDown(place: Place, service: string): boolean {
  return membersOf(place, service).some(
    ({ desired, phase }) => desired === 'down' && !(phase.name === 'down' && phase.isFinished),
  )
}

// Handlers: from wanting a service up to its being ready.

import type { InvocationId } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { printExitStatus } from '../base/exit-status.ts'
import type { Effect } from './effect.ts'
import type { EventOf } from './instance-event.ts'
import type { InstanceState, PhaseOf, ProcessRef } from './instance-state.ts'
import { beginEnding, conclude } from './on-end.ts'
import { isCleanExit } from './restart-decision.ts'
import { type Context, enter, spawnEffect, type Transition, within } from './transition.ts'

/** Wanted up: wait for what it requires. A failed or backing-off service gets a fresh chance. */
export function onWantUp(instance: InstanceState, _event: unknown, context: Context): Transition {
  return {
    instance: enter(
      instance,
      context,
      { name: 'waiting' },
      {
        change: { desired: 'up', failures: 0, restartTimesMs: [], killed: [] },
      },
    ),
    effects: [],
  }
}

/** What it requires is up: begin an invocation. */
export function onMayStart(instance: InstanceState, _event: unknown, context: Context): Transition {
  const invocation = context.nextInvocation
  const { setup } = context.definition
  if (setup === null) return { ...startMain(instance, context, invocation), hasBegun: true }
  const begun = enter(
    instance,
    context,
    { name: 'setup', hook: 'spawning', invocation, startedMs: context.nowMs },
    { deadlineMs: context.nowMs + setup.timeoutMs },
  )
  return {
    instance: begun,
    effects: [spawnEffect(begun, context, 'setup', invocation)],
    hasBegun: true,
  }
}

function startMain(
  instance: InstanceState,
  context: Context,
  invocation: InvocationId,
): Transition {
  const begun = enter(
    instance,
    context,
    { name: 'starting', main: 'spawning', logMark: null, invocation, startedMs: context.nowMs },
    { deadlineMs: readyDeadline(context) },
  )
  return { instance: begun, effects: [spawnEffect(begun, context, 'main', invocation)] }
}

/** A delay is a deadline that means ready; all others are deadlines that mean too late. */
function readyDeadline({ definition, nowMs }: Context): number | null {
  const { readiness } = definition
  if (definition.kind === 'oneshot' || readiness.kind === 'immediate') return null
  return nowMs + (readiness.kind === 'delay' ? readiness.delayMs : readiness.timeoutMs)
}

export function onSetupSpawned(
  instance: InstanceState<PhaseOf<'setup'>>,
  event: EventOf<'spawned'>,
): Transition {
  const phase = { ...instance.phase, hook: event.process }
  return { instance: within(instance, { phase }), effects: [] }
}

export function onSetupExited(
  instance: InstanceState<PhaseOf<'setup'>>,
  event: EventOf<'exited'>,
  context: Context,
): Transition {
  const { status } = event
  if (status.kind === 'exited' && status.code === 0 && !event.hasLeftovers) {
    if (instance.desired === 'up') return startMain(instance, context, instance.phase.invocation)
    return conclude(instance, context, { cause: 'stop', exit: null, reason: 'stopped' }, 0)
  }
  const isWanted = instance.desired === 'up'
  return beginEnding(
    instance,
    context,
    {
      cause: isWanted ? 'setup-failed' : 'stop',
      exit: null,
      reason: `setup: ${printExitStatus(status)}`,
    },
    { hasLeftovers: event.hasLeftovers, main: null, hook: null },
  )
}

export function onSpawnFailed(
  instance: InstanceState<PhaseOf<'setup'> | PhaseOf<'starting'>>,
  event: EventOf<'spawn-failed'>,
  context: Context,
): Transition {
  const cause = instance.desired === 'up' ? 'spawn-failed' : 'stop'
  const prefix = event.role === 'main' ? 'cannot start' : `cannot run ${event.role}`
  return conclude(instance, context, { cause, exit: null, reason: `${prefix}: ${event.reason}` }, 0)
}

export function onMainSpawned(
  instance: InstanceState<PhaseOf<'starting'>>,
  event: EventOf<'spawned'>,
  context: Context,
): Transition {
  const { definition } = context
  const phase = { ...instance.phase, main: event.process, logMark: event.logMark }
  const spawned = within(instance, { phase })
  if (definition.kind === 'oneshot') return { instance: spawned, effects: [] }
  const { readiness } = definition
  if (readiness.kind === 'immediate') return becomeReady(instance, context, event.process)
  if (readiness.kind === 'delay') return { instance: spawned, effects: [] }
  return { instance: spawned, effects: [watchReady(spawned, context, event.logMark)] }
}

function watchReady(instance: InstanceState, context: Context, logMark: string | null): Effect {
  const { definition } = context
  const { phase } = instance
  const invocation = 'invocation' in phase ? phase.invocation : context.nextInvocation
  return {
    type: 'watch-ready',
    id: instance.id,
    invocation,
    readiness: definition.readiness,
    definition,
    logMark,
  }
}

export function becomeReady(
  instance: InstanceState<PhaseOf<'starting'>>,
  context: Context,
  main: ProcessRef | null,
): Transition {
  const { invocation, startedMs } = instance.phase
  const { definition } = context
  const up = enter(instance, context, {
    name: 'up',
    main,
    invocation,
    startedMs,
    readyMs: context.nowMs,
  })
  const effects: Effect[] = []
  const wasWatched = !['immediate', 'delay'].includes(definition.readiness.kind)
  if (wasWatched) effects.push({ type: 'unwatch', id: instance.id })
  if (main !== null && definition.liveness !== null) {
    const { liveness } = definition
    effects.push({ type: 'watch-live', id: instance.id, invocation, liveness, definition })
  }
  if (main === null) effects.push({ type: 'release', id: instance.id, invocation })
  return { instance: up, effects }
}

export function onReady(
  instance: InstanceState<PhaseOf<'starting'>>,
  _event: unknown,
  context: Context,
): Transition | null {
  const { main } = instance.phase
  return main === 'spawning' ? null : becomeReady(instance, context, main)
}

/** The deadline of `starting`: the delay is over, or it is too late. */
export function onStartTimer(
  instance: InstanceState<PhaseOf<'starting'>>,
  _event: unknown,
  context: Context,
): Transition | null {
  const { main } = instance.phase
  const { readiness } = context.definition
  if (main === 'spawning') return null
  if (readiness.kind === 'delay') return becomeReady(instance, context, main)
  if (context.isHeld) return null
  const limit = 'timeoutMs' in readiness ? ` within ${printDuration(readiness.timeoutMs)}` : ''
  return beginEnding(
    instance,
    context,
    {
      cause: 'ready-timeout',
      exit: null,
      reason: `not ready${limit}`,
    },
    { hasLeftovers: true, main, hook: null },
  )
}

/** The main process ended before it was ready; for a oneshot that is its work done. */
export function onStartingExited(
  instance: InstanceState<PhaseOf<'starting'>>,
  event: EventOf<'exited'>,
  context: Context,
): Transition {
  const { definition } = context
  const isDone = definition.kind === 'oneshot' && isCleanExit(definition.restart, event.status)
  const isWanted = instance.desired === 'up'
  if (isDone && isWanted && !event.hasLeftovers && definition.finish === null) {
    const lastExit = { status: event.status, atWallMs: context.wallMs }
    return becomeReady({ ...instance, lastExit }, context, null)
  }
  return beginEnding(
    instance,
    context,
    {
      cause: 'exited',
      exit: event.status,
      reason: printExitStatus(event.status),
    },
    { hasLeftovers: event.hasLeftovers, main: null, hook: null },
  )
}

export function onUnready(
  instance: InstanceState<PhaseOf<'starting'>>,
  event: EventOf<'unready'>,
  context: Context,
): Transition | null {
  const { main } = instance.phase
  if (main === 'spawning' || context.isHeld) return null
  return beginEnding(
    instance,
    context,
    {
      cause: 'ready-timeout',
      exit: null,
      reason: event.reason,
    },
    { hasLeftovers: true, main, hook: null },
  )
}

// Handlers: from wanting a service up to its being ready.

import type { InvocationId } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { isSuccess, printExitStatus } from '../base/exit-status.ts'
import type { Readiness } from '../model/service-definition.ts'
import type { Effect } from './effect.ts'
import type { EventOf } from './instance-event.ts'
import type { InstanceState, PhaseOf, ProcessRef } from './instance-state.ts'
import { beginEnding, killedBy, onHookTimer } from './on-end.ts'
import { decideNext } from './on-over.ts'
import { isCleanExit } from './restart-decision.ts'
import { type Context, enter, spawnEffect, type Transition, within } from './transition.ts'

/** A spawn whose outcome is not told within this time (a hanging file system) is killed. */
const SPAWN_TIMEOUT_MS = 60_000

/** Wanted up: wait for what it requires. A failed or backing-off service gets a fresh chance. */
export function onWantUp(instance: InstanceState, _event: unknown, context: Context): Transition {
  return {
    instance: enter(
      instance,
      context,
      { name: 'waiting' },
      {
        change: { desired: 'up', failures: 0, restartTimesMs: [], killed: [], restartAsked: null },
      },
    ),
    effects: [],
  }
}

/** What it requires is up: begin an invocation. */
export function onMayStart(before: InstanceState, _event: unknown, context: Context): Transition {
  const { revision } = context
  const restarts = before.revision === revision ? before.restarts : 0
  const instance = { ...before, revision, restarts }
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
    {
      name: 'starting',
      main: 'spawning',
      logMark: null,
      hadSetup: instance.phase.name === 'setup',
      invocation,
      startedMs: context.nowMs,
    },
    { deadlineMs: context.nowMs + SPAWN_TIMEOUT_MS },
  )
  return { instance: begun, effects: [spawnEffect(begun, context, 'main', invocation)] }
}

/** Ready by time alone: there is nothing to watch. */
export function isByTime({ kind }: Readiness): boolean {
  return kind === 'immediate' || kind === 'delay'
}

/** A delay is a deadline that means ready; all others are deadlines that mean too late. */
function readyDeadline({ definition, nowMs }: Context): number | null {
  const { readiness } = definition
  if (definition.kind === 'oneshot' || readiness.kind === 'immediate') return null
  const spanMs = readiness.kind === 'delay' ? readiness.delayMs : readiness.timeoutMs
  return spanMs === Number.POSITIVE_INFINITY ? null : nowMs + spanMs
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
  const isWanted = instance.desired === 'up'
  // What the hook leaves running belongs to the invocation, and ends with it.
  if (isSuccess(status) && isWanted) return startMain(instance, context, instance.phase.invocation)
  return beginEnding(
    instance,
    context,
    {
      cause: isWanted ? 'setup-failed' : 'stop',
      exit: null,
      reason: `setup: ${printExitStatus(status)}`,
    },
    { hasLeftovers: event.hasLeftovers, main: null, hook: null, ...killedBy(event) },
  )
}

export function onSpawnFailed(
  instance: InstanceState<PhaseOf<'setup'> | PhaseOf<'starting'>>,
  event: EventOf<'spawn-failed'>,
  context: Context,
): Transition {
  const cause = instance.desired === 'up' ? 'spawn-failed' : 'stop'
  const prefix = event.role === 'main' ? 'cannot start' : `cannot run ${event.role}`
  const ending = { cause, exit: null, reason: `${prefix}: ${event.reason}` } as const
  return beginEnding(instance, context, ending, whatSetupLeft(instance))
}

/** The setup hook may have left processes, when it was over before the main process was tried. */
function whatSetupLeft({ phase }: InstanceState) {
  const hasLeftovers = phase.name === 'starting' && phase.hadSetup
  return { main: null, hook: null, hasLeftovers }
}

/**
 * The former supervisor died before it did what it had recorded. Nothing of this process has ever
 * run, and what it requires may be gone meanwhile: back to the start, with a new invocation.
 */
export function onNeverSpawned(
  instance: InstanceState<PhaseOf<'setup'> | PhaseOf<'starting'>>,
  _event: unknown,
  context: Context,
): Transition {
  const ending = { cause: 'restart', exit: null, reason: 'not begun yet' } as const
  const remains = whatSetupLeft(instance)
  if (remains.hasLeftovers) return beginEnding(instance, context, ending, remains)
  return decideNext(instance, context, ending, false)
}

export function onMainSpawned(
  instance: InstanceState<PhaseOf<'starting'>>,
  event: EventOf<'spawned'>,
  context: Context,
): Transition {
  const { definition } = context
  const phase = { ...instance.phase, main: event.process, logMark: event.logMark }
  // The time until readiness counts from here: the delay of a slow spawn is not the service's.
  const spawned = within(instance, { phase, deadlineMs: readyDeadline(context) })
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

function becomeReady(
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
  // The definition may have changed since the spawn: what is watched is not asked of it.
  if (instance.phase.main !== 'spawning') effects.push({ type: 'unwatch', id: instance.id })
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
  if (main === 'spawning') return onHookTimer(instance, _event, context)
  if (readiness.kind === 'delay') return becomeReady(instance, context, main)
  if (context.isHeld) return null
  const limit = 'timeoutMs' in readiness ? ` within ${printDuration(readiness.timeoutMs)}` : ''
  return beginEnding(
    instance,
    context,
    { cause: 'ready-timeout', exit: null, reason: `not ready${limit}` },
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
    { hasLeftovers: event.hasLeftovers, main: null, hook: null, ...killedBy(event) },
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

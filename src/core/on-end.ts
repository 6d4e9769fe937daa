// Handlers: from the first sign of an end to the last process gone, the finish hook, and what comes
// after. Escalation follows the set of processes, not the leader: the deadline stands until nothing
// of the invocation is left.

import type { InstanceId, InvocationId } from '../base/brands.ts'
import { MAX_RESTART_HISTORY } from '../base/limits.ts'
import { signalNumbers } from '../base/signal.ts'
import type { KillMode } from '../model/service-definition.ts'
import type { Effect, SignalScope } from './effect.ts'
import type { EventOf } from './instance-event.ts'
import type { Ending, InstanceState, Phase, PhaseOf, ProcessRef } from './instance-state.ts'
import { decideRestart, endReason, isCleanExit } from './restart-decision.ts'
import { type Context, enter, spawnEffect, type Transition, within } from './transition.ts'

/** SIGKILL is repeated at this distance; a process in uninterruptible sleep may outlive many. */
const KILL_AGAIN_MS = 5_000

interface Remains {
  readonly main: ProcessRef | null
  readonly hook: ProcessRef | null
  readonly hasLeftovers: boolean
}

type RunningPhase = Extract<Phase, { readonly invocation: InvocationId }>
type EndingInstance = InstanceState<PhaseOf<'stopping'> | PhaseOf<'killing'>>
type Running = InstanceState<RunningPhase>

/** The invocation is to end, or its main process has. Asks what is left to end, or concludes. */
export function beginEnding(
  instance: Running,
  context: Context,
  ending: Ending,
  remains: Remains,
): Transition {
  const { phase, id } = instance
  const { invocation, startedMs } = phase
  const { stop, liveness, readiness } = context.definition
  const readyForMs = 'readyMs' in phase ? context.nowMs - phase.readyMs : 0
  const wasReady = 'readyMs' in phase
  const unwatch: Effect[] = []
  const watched = phase.name === 'starting' && !['immediate', 'delay'].includes(readiness.kind)
  if (watched || (wasReady && liveness !== null)) unwatch.push({ type: 'unwatch', id })
  const isLeftAlone = stop.kill === 'process' && remains.main === null
  if (remains.main === null && remains.hook === null && (!remains.hasLeftovers || isLeftAlone)) {
    const over = conclude(instance, context, ending, readyForMs)
    return { ...over, effects: [...unwatch, ...over.effects] }
  }
  const { main } = remains
  const counters = readyForMs >= context.definition.restart.stableMs ? { failures: 0 } : {}
  const hasStopCommand = main !== null && stop.command !== null && ending.cause !== 'ready-timeout'
  const stopping = enter(
    instance,
    context,
    {
      name: 'stopping',
      main,
      hook: hasStopCommand ? 'spawning' : null,
      ending,
      wasReady,
      invocation,
      startedMs,
    },
    {
      deadlineMs: context.nowMs + stop.timeoutMs,
      reason: ending.reason,
      change: { ...counters, killed: [] },
    },
  )
  const effects: Effect[] = [...unwatch]
  if (hasStopCommand) effects.push(spawnEffect(stopping, context, 'stop', invocation))
  else if (main === null && stop.kill === 'mixed') effects.push(kill(id, invocation, 'all'))
  else {
    const scope = main === null ? 'all' : scopeOf(stop.kill)
    effects.push({ type: 'signal', id, invocation, signal: stop.signal, scope })
  }
  if (main === null) effects.push({ type: 'watch-empty', id, invocation })
  return { instance: stopping, effects }
}

function scopeOf(mode: KillMode): SignalScope {
  if (mode === 'cgroup') return 'all'
  return mode === 'group' ? 'group' : 'main'
}

function kill(id: InstanceId, invocation: InvocationId, scope: SignalScope): Effect {
  return { type: 'signal', id, invocation, signal: signalNumbers.KILL, scope }
}

/** The main process of a running instance ended by itself. */
export function onMainExited(
  instance: InstanceState<PhaseOf<'up'> | PhaseOf<'reloading'>>,
  event: EventOf<'exited'>,
  context: Context,
): Transition {
  const hook = instance.phase.name === 'reloading' ? instance.phase.hook : null
  const remaining = hook === 'spawning' ? null : hook
  return beginEnding(
    instance,
    context,
    {
      cause: 'exited',
      exit: event.status,
      reason: endReason(event.status),
    },
    { hasLeftovers: event.hasLeftovers || hook !== null, main: null, hook: remaining },
  )
}

/** Something ended while the invocation is being ended. */
export function onEndingExited(
  instance: EndingInstance,
  event: EventOf<'exited'>,
  context: Context,
): Transition {
  const { phase, id } = instance
  const { stop } = context.definition
  if (event.role !== 'main') {
    const without = within(instance, { phase: { ...phase, hook: null } })
    if (phase.main === null) return overOrEmpty(without, context, event.hasLeftovers)
    if (phase.name === 'killing' || event.role !== 'stop') return { instance: without, effects: [] }
    const { signal } = stop
    const scope = scopeOf(stop.kill)
    const { invocation } = phase
    return { instance: without, effects: [{ type: 'signal', id, invocation, signal, scope }] }
  }
  const ending = { ...phase.ending, exit: event.status }
  const without = within(instance, { phase: { ...phase, main: null, ending } })
  return overOrEmpty(without, context, event.hasLeftovers || phase.hook !== null)
}

/** The stop command could not be run: then the signal does its work. */
export function onEndingSpawnFailed(
  instance: EndingInstance,
  event: EventOf<'spawn-failed'>,
  context: Context,
): Transition {
  const { role, invocation } = event
  const status = { kind: 'unknown' as const }
  return onEndingExited(
    instance,
    { type: 'exited', role, invocation, status, hasLeftovers: true },
    context,
  )
}

/** The leader is gone: either nothing is left, or the rest is told as well and watched. */
function overOrEmpty(
  instance: EndingInstance,
  context: Context,
  hasLeftovers: boolean,
): Transition {
  const { phase, id } = instance
  const { stop } = context.definition
  if (!hasLeftovers || stop.kill === 'process') return concludePhase(instance, context)
  const { invocation } = phase
  const isKill = phase.name === 'killing' || stop.kill === 'mixed'
  const signal = isKill ? signalNumbers.KILL : stop.signal
  return {
    instance,
    effects: [
      { type: 'signal', id, invocation, signal, scope: 'all' },
      { type: 'watch-empty', id, invocation },
    ],
  }
}

export function onEmptied(
  instance: EndingInstance,
  event: EventOf<'emptied'>,
  context: Context,
): Transition | null {
  // A main process that we know of is reported by `exited`; only its status may still be on its way.
  if (instance.phase.main !== null) return null
  return concludePhase(within(instance, { killed: event.killed }), context)
}

function concludePhase(instance: EndingInstance, context: Context): Transition {
  return conclude(instance, context, instance.phase.ending, null)
}

/** The stop timeout has passed: no more asking. Again and again, until nothing is left. */
export function onStopTimer(
  instance: EndingInstance,
  _event: unknown,
  context: Context,
): Transition {
  const { phase, id } = instance
  const isFirst = phase.name === 'stopping'
  const killing = enter(
    instance,
    context,
    { ...phase, name: 'killing' },
    {
      deadlineMs: context.nowMs + KILL_AGAIN_MS,
      reason: isFirst
        ? `${phase.ending.reason}; SIGKILL after the stop timeout`
        : `${instance.reason}`,
    },
  )
  const scope = context.definition.stop.kill === 'process' ? 'main' : 'all'
  const effects: Effect[] = [kill(id, phase.invocation, scope)]
  if (phase.main === null) effects.push({ type: 'watch-empty', id, invocation: phase.invocation })
  return { instance: killing, effects }
}

/**
 * The invocation is over: the finish hook, then what comes next. `readyForMs` is null when the
 * counters were settled on entering `stopping`.
 */
export function conclude(
  instance: Running,
  context: Context,
  ending: Ending,
  readyForMs: number | null,
): Transition {
  const { phase, id } = instance
  const { invocation, startedMs } = phase
  const wasReady = 'wasReady' in phase ? phase.wasReady : 'readyMs' in phase
  const { finish, restart } = context.definition
  const failures = (readyForMs ?? 0) >= restart.stableMs ? 0 : instance.failures
  const lastExit =
    ending.exit === null ? instance.lastExit : { status: ending.exit, atWallMs: context.wallMs }
  const ended = { ...instance, failures, lastExit }
  if (finish !== null && phase.name !== 'finish') {
    const finishing = enter(
      ended,
      context,
      { name: 'finish', hook: 'spawning', ending, wasReady, invocation, startedMs },
      { deadlineMs: context.nowMs + finish.timeoutMs, reason: ending.reason },
    )
    const { exit } = ending
    const spawn = spawnEffect(finishing, context, 'finish', invocation, exit)
    return { instance: finishing, effects: [spawn] }
  }
  const next = decideNext(ended, context, ending, wasReady)
  return { ...next, effects: [{ type: 'release', id, invocation }, ...next.effects] }
}

function decideNext(
  instance: Running,
  context: Context,
  ending: Ending,
  wasReady: boolean,
): Transition {
  const { definition, nowMs } = context
  const { reason } = ending
  if (instance.desired === 'down') {
    const down = enter(
      instance,
      context,
      { name: 'down', isFinished: false },
      {
        reason: stopReason(instance),
      },
    )
    return { instance: down, effects: [] }
  }
  if (ending.cause === 'stop' || ending.cause === 'restart' || ending.cause === 'blocked') {
    const change = { failures: 0 }
    return {
      instance: enter(instance, context, { name: 'waiting' }, { reason, change }),
      effects: [],
    }
  }
  const isClean = ending.cause === 'exited' && isCleanExit(definition.restart, ending.exit)
  if (definition.kind === 'oneshot' && isClean) {
    const { invocation, startedMs } = instance.phase
    const done = { name: 'up' as const, main: null, invocation, startedMs, readyMs: nowMs }
    return { instance: enter(instance, context, done), effects: [] }
  }
  // The counters already tell a stable run from a short one: `failures` was reset above.
  const run = { ending, wasReady, readyForMs: 0 }
  const { decision, prng } = decideRestart(definition.restart, instance, run, nowMs, context.prng)
  if (decision.kind === 'finished') {
    const finished = enter(
      instance,
      context,
      { name: 'down', isFinished: true },
      {
        reason: decision.reason,
        change: { desired: 'down' },
      },
    )
    return { instance: finished, effects: [] }
  }
  if (decision.kind === 'give-up') {
    const failed = enter(instance, context, { name: 'failed' }, { reason: decision.reason })
    return { instance: failed, effects: [] }
  }
  const change = {
    failures: decision.failures,
    restarts: instance.restarts + 1,
    restartTimesMs: [...instance.restartTimesMs, nowMs].slice(-MAX_RESTART_HISTORY),
  }
  if (decision.delayMs === 0) {
    const waiting = enter(instance, context, { name: 'waiting' }, { reason, change })
    return { instance: waiting, effects: [], prng }
  }
  const deadlineMs = nowMs + decision.delayMs
  const backoff = enter(instance, context, { name: 'backoff' }, { reason, deadlineMs, change })
  return { instance: backoff, effects: [], prng }
}

function stopReason(instance: InstanceState): string {
  if (instance.killed.length === 0) return 'stopped'
  return `stopped; had to be killed: ${instance.killed.join(', ')}`
}

/** The finish hook ended, or could not be run: its result is reported and changes nothing. */
export function onFinishOver(
  instance: InstanceState<PhaseOf<'finish'>>,
  event: EventOf<'exited'> | EventOf<'spawn-failed'>,
  context: Context,
): Transition {
  const { phase, id } = instance
  const over = conclude(instance, context, phase.ending, null)
  if (event.type !== 'exited' || !event.hasLeftovers) return over
  const { invocation } = phase
  return { ...over, effects: [kill(id, invocation, 'all'), ...over.effects] }
}

export function onFinishSpawned(
  instance: InstanceState<PhaseOf<'finish'>>,
  event: EventOf<'spawned'>,
): Transition {
  return {
    instance: within(instance, { phase: { ...instance.phase, hook: event.process } }),
    effects: [],
  }
}

/** A hook took too long: it is killed, and its end is reported as `exited`. */
export function onHookTimer(
  instance: InstanceState<PhaseOf<'setup'> | PhaseOf<'finish'> | PhaseOf<'reloading'>>,
  _event: unknown,
  context: Context,
): Transition {
  const { phase, id } = instance
  const deadlineMs = context.nowMs + KILL_AGAIN_MS
  const late = within(instance, { deadlineMs, reason: `${phase.name}: took too long; SIGKILL` })
  const scope = phase.name === 'reloading' ? 'hook' : 'all'
  return { instance: late, effects: [kill(id, phase.invocation, scope)] }
}

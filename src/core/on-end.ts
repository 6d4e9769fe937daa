// Handlers: from the first sign of an end to the last process gone. Escalation follows the set of
// processes, not the leader: the deadline stands until nothing of the invocation is left. What
// comes after it is in on-over.ts.

import { isSuccess } from '../base/exit-status.ts'
import {
  askToEnd,
  type EndingInstance,
  hookScope,
  kill,
  killReload,
  signalTo,
  watchIfLast,
} from './ask-to-end.ts'
import type { Effect } from './effect.ts'
import type { EventOf } from './instance-event.ts'
import type { Ending, InstanceState, PhaseOf, ProcessRef, Slot } from './instance-state.ts'
import { conclude, KILL_AGAIN_MS, type Running } from './on-over.ts'
import { endReason } from './restart-decision.ts'
import { type Context, enter, spawnEffect, type Transition, within } from './transition.ts'

interface Remains {
  readonly main: ProcessRef | null
  /** A setup or reload command that runs. */
  readonly hook: Slot | null
  readonly hasLeftovers: boolean
  /** What SIGKILL was sent to before: an operator may kill what nobody has asked to end yet. */
  readonly killed?: readonly string[]
}

type HookPhase = PhaseOf<'setup'> | PhaseOf<'starting'> | PhaseOf<'finish'> | PhaseOf<'reloading'>

/** The invocation is to end, or its main process has. Asks what is left to end, or concludes. */
export function beginEnding(
  instance: Running,
  context: Context,
  ending: Ending,
  remains: Remains,
): Transition {
  const { phase, id } = instance
  const { invocation, startedMs } = phase
  const { stop, restart } = context.definition
  const { main, hook, killed = [] } = remains
  const wasReady = 'readyMs' in phase
  const isStable = 'readyMs' in phase && context.nowMs - phase.readyMs >= restart.stableMs
  const settled = { ...instance, killed, ...(isStable ? { failures: 0 } : {}) }
  // A reload command has lost its object; a setup command is what is being stopped, and is asked.
  const reload = phase.name === 'reloading' ? hook : null
  const isWatched = phase.name !== 'setup' && !('main' in phase && phase.main === 'spawning')
  const unwatch: readonly Effect[] = isWatched ? [{ type: 'unwatch', id }] : []
  const isLeftAlone = stop.kill === 'process' || !remains.hasLeftovers
  if (main === null && hook === null && isLeftAlone) {
    const over = conclude(settled, context, ending)
    return { ...over, effects: [...unwatch, ...over.effects] }
  }
  const hasStopCommand = main !== null && stop.command !== null && ending.cause !== 'ready-timeout'
  const stopping = enter(
    settled,
    context,
    {
      name: 'stopping',
      main,
      hook: hasStopCommand ? 'spawning' : null,
      reload,
      isInGrace: false,
      ending,
      wasReady,
      invocation,
      startedMs,
    },
    {
      deadlineMs: context.nowMs + stop.timeoutMs,
      reason: ending.reason,
    },
  )
  if (hasStopCommand) {
    const spawn = spawnEffect(stopping, context, 'stop', invocation)
    return { instance: stopping, effects: [...unwatch, ...killReload(stopping), spawn] }
  }
  const isSetup = hook !== null && reload === null
  const asking = isSetup
    ? [signalTo(id, invocation, stop.signal, hookScope(stop.kill)), ...watchIfLast(stopping)]
    : askToEnd(stopping, context)
  return { instance: stopping, effects: [...unwatch, ...asking] }
}

/** What SIGKILL was sent to so far, as the event tells it. */
export function killedBy({ killed }: EventOf<'exited'>): Pick<Remains, 'killed'> {
  return killed === undefined ? {} : { killed }
}

/** The main process of a running instance ended by itself. */
export function onMainExited(
  instance: InstanceState<PhaseOf<'up'> | PhaseOf<'reloading'>>,
  event: EventOf<'exited'>,
  context: Context,
): Transition {
  const hook = instance.phase.name === 'reloading' ? instance.phase.hook : null
  return beginEnding(
    instance,
    context,
    { cause: 'exited', exit: event.status, reason: endReason(event.status) },
    {
      hasLeftovers: event.hasLeftovers || hook !== null,
      main: null,
      hook,
      ...killedBy(event),
    },
  )
}

/** Something ended while the invocation is being ended. */
export function onEndingExited(
  instance: EndingInstance,
  event: EventOf<'exited'>,
  context: Context,
): Transition | null {
  const { phase } = instance
  const { role, status, hasLeftovers } = event
  if (role === 'main') {
    const wasKilled = phase.name === 'killing' && phase.main !== null
    const named = event.killed ?? instance.killed
    const isNamed = named.length > 0
    const killed = wasKilled && !isNamed ? [`main process (${phase.main.pid})`] : named
    const ending = { ...phase.ending, exit: status }
    const after = { ...phase, main: null, isInGrace: false, ending }
    // What is told to end only now, because there was a grace, has the whole time-out for it.
    const deadlineMs = phase.isInGrace ? stopDeadline(context) : instance.deadlineMs
    const without = within(instance, { phase: after, killed, deadlineMs })
    const hasHooks = phase.hook !== null || phase.reload !== null
    return overOrEmpty(without, context, hasLeftovers || hasHooks)
  }
  // A setup command was asked to end with the rest and is not in the record.
  const isOfStop = role === 'stop' && phase.hook !== null
  const isReload = role === 'reload' && phase.reload !== null
  if (!isOfStop && !isReload && phase.main !== null) return null
  const rest = isReload ? { reload: null } : isOfStop ? { hook: null } : {}
  const without = within(instance, { phase: { ...phase, ...rest } })
  if (phase.main === null) return overOrEmpty(without, context, hasLeftovers)
  if (isOfStop && isSuccess(status) && phase.name === 'stopping')
    return beginGrace(without, context)
  return { instance: without, effects: isReload ? [] : askToEnd(without, context) }
}

/** What the stop command has asked for may take its time; without a grace the signal follows. */
function beginGrace(instance: EndingInstance, context: Context): Transition {
  const { commandGraceMs } = context.definition.stop
  if (commandGraceMs === 0) return { instance, effects: askToEnd(instance, context) }
  const phase = { ...instance.phase, isInGrace: true }
  const deadlineMs = inTime(context, commandGraceMs)
  return { instance: within(instance, { phase, deadlineMs }), effects: [] }
}

function stopDeadline(context: Context): number | null {
  return inTime(context, context.definition.stop.timeoutMs)
}

function inTime({ nowMs }: Context, spanMs: number): number | null {
  return Number.isFinite(spanMs) ? nowMs + spanMs : null
}

/** The stop command could not be run: then the signal does its work. */
export function onEndingSpawnFailed(
  instance: EndingInstance,
  event: EventOf<'spawn-failed'>,
  context: Context,
): Transition | null {
  const { role, invocation } = event
  const status = { kind: 'unknown' } as const
  const exited = { type: 'exited', role, invocation, status, hasLeftovers: true } as const
  return onEndingExited(instance, exited, context)
}

/** The former supervisor died before it ran the stop command. */
export function onStopNeverSpawned(
  instance: EndingInstance,
  event: EventOf<'never-spawned'>,
  context: Context,
): Transition | null {
  const { role, invocation } = event
  const isWanted = role === 'stop' && instance.phase.name === 'stopping'
  if (!isWanted || context.definition.stop.command === null) {
    const reason = 'not begun'
    return onEndingSpawnFailed(
      instance,
      { type: 'spawn-failed', role, invocation, reason },
      context,
    )
  }
  return { instance, effects: [spawnEffect(instance, context, 'stop', invocation)] }
}

/** The leader is gone: either nothing is left, or the rest is told as well and watched. */
function overOrEmpty(
  instance: EndingInstance,
  context: Context,
  hasLeftovers: boolean,
): Transition {
  const { phase } = instance
  const hasHooks = phase.hook !== null || phase.reload !== null
  const isLeftAlone = context.definition.stop.kill === 'process' && !hasHooks
  if (!hasLeftovers || isLeftAlone) return conclude(instance, context, phase.ending)
  return { instance, effects: askToEnd(instance, context) }
}

/** Nothing is left. A process that we know of is still reported by `exited`, with its status. */
export function onEmptied(
  instance: EndingInstance,
  event: EventOf<'emptied'>,
  context: Context,
): Transition | null {
  const { main, hook, reload, ending } = instance.phase
  const killed = event.killed.length === 0 ? instance.killed : event.killed
  const emptied = within(instance, { killed })
  const isAwaited = main !== null || hook !== null || reload !== null
  if (isAwaited) return { instance: emptied, effects: [] }
  return conclude(emptied, context, ending)
}

/**
 * The stop timeout has passed: no more asking. Again and again, until nothing is left. After a
 * grace nobody but the stop command has asked yet: that is done first.
 */
export function onStopTimer(
  instance: EndingInstance,
  _event: unknown,
  context: Context,
): Transition {
  const { phase } = instance
  if (phase.name === 'stopping' && phase.isInGrace) {
    const asked = within(instance, {
      phase: { ...phase, isInGrace: false },
      reason: `${phase.ending.reason}; still there after the stop command`,
      deadlineMs: stopDeadline(context),
    })
    return { instance: asked, effects: askToEnd(asked, context) }
  }
  const isFirst = phase.name === 'stopping'
  const killing = enter(
    instance,
    context,
    { ...phase, name: 'killing', isInGrace: false },
    {
      deadlineMs: context.nowMs + KILL_AGAIN_MS,
      reason: isFirst
        ? `${phase.ending.reason}; SIGKILL after the stop timeout`
        : `${instance.reason}`,
    },
  )
  return { instance: killing, effects: askToEnd(killing, context) }
}

/** The stop command runs. */
export function onStopHookSpawned(
  instance: EndingInstance,
  event: EventOf<'spawned'>,
  context: Context,
): Transition | null {
  const { role, process } = event
  const { phase } = instance
  const isStop = role === 'stop' && phase.hook !== null
  const isReload = role === 'reload' && phase.reload !== null
  // A setup command whose spawn was in flight ends with the rest.
  const now = isStop ? { hook: process } : isReload ? { reload: process } : {}
  const spawned = within(instance, { phase: { ...phase, ...now } })
  return { instance: spawned, effects: askToEnd(spawned, context) }
}

/** A hook took too long: it is killed, and its end is reported as `exited`. */
export function onHookTimer(
  instance: InstanceState<HookPhase>,
  _event: unknown,
  context: Context,
): Transition {
  const { phase, id } = instance
  const deadlineMs = context.nowMs + KILL_AGAIN_MS
  const late = within(instance, { deadlineMs, reason: `${phase.name}: took too long; SIGKILL` })
  const scope = phase.name === 'reloading' ? 'hook' : 'all'
  const effects: Effect[] = [kill(id, phase.invocation, scope)]
  if (phase.name === 'finish' && phase.hook === null) {
    effects.push({ type: 'watch-empty', id, invocation: phase.invocation })
  }
  return { instance: late, effects }
}

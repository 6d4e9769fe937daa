// Handlers: a service that is up: stop, restart, reload, and the liveness probe.

import { printExitStatus } from '../base/exit-status.ts'
import type { EventOf } from './instance-event.ts'
import type { InstanceState, PhaseOf, Slot } from './instance-state.ts'
import { beginEnding, conclude } from './on-end.ts'
import { type Context, enter, spawnEffect, type Transition, within } from './transition.ts'

/** How long a reload command may take before it is killed. */
const RELOAD_TIMEOUT_MS = 60_000

type Live = InstanceState<
  PhaseOf<'starting'> | PhaseOf<'up'> | PhaseOf<'reloading'> | PhaseOf<'setup'>
>

/** Only what is wanted changes; propagation says when. */
export function onWantDown(instance: InstanceState): Transition {
  return { instance: within(instance, { desired: 'down' }), effects: [] }
}

export function onWantUpAgain(instance: InstanceState): Transition {
  return { instance: within(instance, { desired: 'up' }), effects: [] }
}

/** Nothing of it runs: down at once. */
export function onGoDown(instance: InstanceState, _event: unknown, context: Context): Transition {
  const down = enter(
    instance,
    context,
    { name: 'down', isFinished: false },
    {
      reason: 'stopped',
      change: { desired: 'down', killed: [] },
    },
  )
  return { instance: down, effects: [] }
}

export function onMayStop(instance: Live, _event: unknown, context: Context): Transition | null {
  return end(instance, context, 'stop', 'stopped')
}

export function onMustStop(
  instance: Live,
  event: EventOf<'must-stop'>,
  context: Context,
): Transition | null {
  return end(instance, context, 'blocked', event.reason)
}

export function onWantRestart(
  instance: Live,
  event: EventOf<'want-restart'>,
  context: Context,
): Transition | null {
  const wanted = { ...instance, desired: 'up' as const, restartTimesMs: [], restartAsked: null }
  const ended = end(wanted, context, 'restart', event.reason)
  return ended ?? { instance: { ...wanted, restartAsked: event.reason }, effects: [] }
}

function end(
  instance: Live,
  context: Context,
  cause: 'stop' | 'blocked' | 'restart',
  reason: string,
): Transition | null {
  const { phase } = instance
  const ending = { cause, exit: null, reason }
  const hook = 'hook' in phase ? phase.hook : null
  const main = 'main' in phase ? phase.main : null
  // The outcome of a spawn must be known first; propagation and supervisor-step ask again.
  if (isInFlight(hook) || isInFlight(main)) return null
  if (main === null && hook === null) return conclude(instance, context, ending, 0)
  return beginEnding(instance, context, ending, { main, hook, hasLeftovers: true })
}

function isInFlight(slot: Slot | null): slot is 'spawning' {
  return slot === 'spawning'
}

export function onUnhealthy(
  instance: InstanceState<PhaseOf<'up'> | PhaseOf<'reloading'>>,
  event: EventOf<'unhealthy'>,
  context: Context,
): Transition | null {
  const { phase } = instance
  const hook = phase.name === 'reloading' ? phase.hook : null
  if (context.isHeld || isInFlight(hook)) return null
  const ending = { cause: 'unhealthy' as const, exit: null, reason: event.reason }
  return beginEnding(instance, context, ending, { main: phase.main, hook, hasLeftovers: true })
}

export function onWantReload(
  instance: InstanceState<PhaseOf<'up'>>,
  _event: unknown,
  context: Context,
): Transition | null {
  const { phase, id } = instance
  const { reload } = context.definition
  const { main, invocation } = phase
  if (reload === null || main === null) return null
  if (reload.kind === 'signal') {
    const { signal } = reload
    return { instance, effects: [{ type: 'signal', id, invocation, signal, scope: 'main' }] }
  }
  const reloading = enter(
    instance,
    context,
    { ...phase, name: 'reloading', main, hook: 'spawning' },
    {
      deadlineMs: context.nowMs + RELOAD_TIMEOUT_MS,
    },
  )
  return { instance: reloading, effects: [spawnEffect(reloading, context, 'reload', invocation)] }
}

/** The reload command is over; the service stays up whatever it said. */
export function onReloadOver(
  instance: InstanceState<PhaseOf<'reloading'>>,
  event: EventOf<'exited'> | EventOf<'spawn-failed'>,
  context: Context,
): Transition {
  const { hook: _, ...phase } = instance.phase
  const isDone =
    event.type === 'exited' && event.status.kind === 'exited' && event.status.code === 0
  const what = event.type === 'exited' ? printExitStatus(event.status) : event.reason
  const reason = isDone ? 'reloaded' : `reload failed: ${what}`
  return { instance: enter(instance, context, { ...phase, name: 'up' }, { reason }), effects: [] }
}

export function onReloadSpawned(
  instance: InstanceState<PhaseOf<'reloading'>>,
  event: EventOf<'spawned'>,
): Transition {
  const phase = { ...instance.phase, hook: event.process }
  return { instance: within(instance, { phase }), effects: [] }
}

/** The stop command was spawned, or could not be: then the signal does its work. */
export function onStopHookSpawned(
  instance: InstanceState<PhaseOf<'stopping'> | PhaseOf<'killing'>>,
  event: EventOf<'spawned'>,
): Transition {
  const phase = { ...instance.phase, hook: event.process }
  return { instance: within(instance, { phase }), effects: [] }
}

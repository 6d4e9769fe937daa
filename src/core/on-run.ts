// Handlers: a service that is up: stop, restart, reload, and the liveness probe.

import { printExitStatus } from '../base/exit-status.ts'
import type { EventOf } from './instance-event.ts'
import type { InstanceState, PhaseOf, Slot } from './instance-state.ts'
import { beginEnding } from './on-end.ts'
import { decideNext } from './on-over.ts'
import { type Context, enter, spawnEffect, type Transition, within } from './transition.ts'

/** How long a reload command may take before it is killed. */
const RELOAD_TIMEOUT_MS = 60_000

type Live = InstanceState<
  PhaseOf<'starting'> | PhaseOf<'up'> | PhaseOf<'reloading'> | PhaseOf<'setup'>
>

/** Only what is wanted changes; propagation says when. */
export function onWantDown(instance: InstanceState): Transition {
  return { instance: within(instance, { desired: 'down', restartAsked: null }), effects: [] }
}

export function onWantUpAgain(instance: InstanceState): Transition | null {
  if (instance.desired === 'up') return null
  return { instance: within(instance, { desired: 'up' }), effects: [] }
}

/** Wanted while it is ending: it starts again whatever its restart policy says of the end. */
export function onWantAfterEnd(
  instance: InstanceState,
  event: EventOf<'want-up'> | EventOf<'want-restart'>,
): Transition {
  const restartAsked = event.type === 'want-restart' ? event.reason : 'start was asked for'
  return { instance: within(instance, { desired: 'up', restartAsked }), effects: [] }
}

/** Nothing of it runs: down at once. */
export function onGoDown(instance: InstanceState, _event: unknown, context: Context): Transition {
  const down = enter(
    instance,
    context,
    { name: 'down', isFinished: false },
    {
      reason: 'stopped',
      change: { desired: 'down', killed: [], restartAsked: null },
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
  // In hold mode nothing could be begun after the end: it is remembered.
  const ended = context.isHeld ? null : end(wanted, context, 'restart', event.reason)
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
  // A oneshot that has done its work: its invocation, finish hook included, is long over.
  if (main === null && hook === null) return decideNext(instance, context, ending, true)
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
  if (context.isHeld || phase.main === null) return null
  if (isInFlight(hook)) {
    return { instance: within(instance, { restartAsked: event.reason }), effects: [] }
  }
  const ending = { cause: 'unhealthy' as const, exit: null, reason: event.reason }
  return beginEnding(instance, context, ending, { main: phase.main, hook, hasLeftovers: true })
}

/** Not now: what it reads at this moment may be older than what is to be read. */
export function onWantReloadLater(instance: InstanceState): Transition {
  return { instance: within(instance, { isReloadAsked: true }), effects: [] }
}

export function onWantReload(
  before: InstanceState<PhaseOf<'up'>>,
  _event: unknown,
  context: Context,
): Transition | null {
  const instance = within(before, { isReloadAsked: false })
  const { phase, id } = instance
  const { reload } = context.definition
  const { main, invocation } = phase
  if (reload === null || main === null) return { instance, effects: [] }
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

/** The former supervisor died before it ran the reload command. */
export function onReloadNeverSpawned(
  instance: InstanceState<PhaseOf<'reloading'>>,
  event: EventOf<'never-spawned'>,
  context: Context,
): Transition {
  const { role, invocation } = event
  if (context.definition.reload?.kind === 'command') {
    return { instance, effects: [spawnEffect(instance, context, role, invocation)] }
  }
  const failed = { type: 'spawn-failed', role, invocation, reason: 'not defined any more' } as const
  return onReloadOver(instance, failed, context)
}

// How an invocation that is to end is told so: which signal, to whom, and who is watched until
// nothing is left. Asked for the first time, and again after a restart of ours, because nobody
// knows whether the former supervisor got that far.

import type { InstanceId, InvocationId } from '../base/brands.ts'
import { signalNumbers } from '../base/signal.ts'
import type { KillMode } from '../model/service-definition.ts'
import type { Effect, SignalScope } from './effect.ts'
import type { InstanceState, PhaseOf } from './instance-state.ts'
import type { Context } from './transition.ts'

export type EndingInstance = InstanceState<PhaseOf<'stopping'> | PhaseOf<'killing'>>

/** What is done to end what is there: first in `stopping`, and again after a restart of ours. */
export function askToEnd(
  { id, phase }: EndingInstance,
  { definition }: Pick<Context, 'definition'>,
): readonly Effect[] {
  const { invocation, main, hook } = phase
  const { stop } = definition
  const effects: Effect[] = [...killReload({ id, phase })]
  // The stop command does the asking, and what it has asked for may be done in peace.
  if ((hook !== null || phase.isInGrace) && phase.name === 'stopping') return effects
  if (phase.name === 'killing') {
    const isMainOnly = stop.kill === 'process' && main !== null
    effects.push(kill(id, invocation, isMainOnly ? 'main' : 'all'))
    if (isMainOnly && hook !== null) effects.push(kill(id, invocation, 'hook'))
  } else if (main !== null) {
    effects.push(signalTo(id, invocation, stop.signal, scopeOf(stop.kill)))
  } else {
    // `mixed` asks the main process only; what outlives it is killed.
    const signal = stop.kill === 'mixed' ? signalNumbers.KILL : stop.signal
    effects.push(signalTo(id, invocation, signal, 'all'))
  }
  return [...effects, ...watchIfLast({ id, phase })]
}

/** Also in kill mode `process`, which leaves alone what the service started: this is ours. */
export function killReload({ id, phase }: Pick<EndingInstance, 'id' | 'phase'>): readonly Effect[] {
  const { reload, invocation } = phase
  const isRunning = reload !== null && reload !== 'spawning'
  return isRunning ? [kill(id, invocation, 'reload')] : []
}

export function watchIfLast({
  id,
  phase,
}: Pick<EndingInstance, 'id' | 'phase'>): readonly Effect[] {
  if (phase.main !== null) return []
  return [{ type: 'watch-empty', id, invocation: phase.invocation }]
}

function scopeOf(mode: KillMode): SignalScope {
  if (mode === 'cgroup') return 'all'
  return mode === 'group' ? 'group' : 'main'
}

export function hookScope(mode: KillMode): SignalScope {
  return mode === 'process' ? 'hook' : 'all'
}

export function signalTo(
  id: InstanceId,
  invocation: InvocationId,
  signal: number,
  scope: SignalScope,
): Effect {
  return { type: 'signal', id, invocation, signal, scope }
}

export function kill(id: InstanceId, invocation: InvocationId, scope: SignalScope): Effect {
  return signalTo(id, invocation, signalNumbers.KILL, scope)
}

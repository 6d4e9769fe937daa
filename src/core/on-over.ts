// The invocation is over, nothing of it is left: the finish hook, and then what comes next. The
// restart itself is decided in restart-decision.ts.

import type { InvocationId } from '../base/brands.ts'
import { MAX_RESTART_HISTORY } from '../base/limits.ts'
import { signalNumbers } from '../base/signal.ts'
import type { Effect } from './effect.ts'
import type { EventOf } from './instance-event.ts'
import type { Ending, InstanceState, Phase, PhaseOf } from './instance-state.ts'
import { decideRestart, isCleanExit } from './restart-decision.ts'
import { type Context, enter, spawnEffect, type Transition, within } from './transition.ts'

/** SIGKILL is repeated at this distance; a process in uninterruptible sleep may outlive many. */
export const KILL_AGAIN_MS = 5_000

type RunningPhase = Extract<Phase, { readonly invocation: InvocationId }>
export type Running = InstanceState<RunningPhase>

/** Nothing of the invocation is left: the finish hook, if there is one, else what comes next. */
export function conclude(instance: Running, context: Context, ending: Ending): Transition {
  const { phase } = instance
  const { invocation, startedMs } = phase
  const wasReady = 'wasReady' in phase ? phase.wasReady : 'readyMs' in phase
  const { finish } = context.definition
  const lastExit =
    ending.exit === null ? instance.lastExit : { status: ending.exit, atWallMs: context.wallMs }
  const ended = { ...instance, lastExit }
  if (finish === null || phase.name === 'finish') {
    return decideNext(ended, context, ending, wasReady)
  }
  const finishing = enter(
    ended,
    context,
    { name: 'finish', hook: 'spawning', ending, wasReady, invocation, startedMs },
    { deadlineMs: context.nowMs + finish.timeoutMs, reason: ending.reason },
  )
  const spawn = spawnEffect(finishing, context, 'finish', invocation, ending.exit)
  return { instance: finishing, effects: [spawn] }
}

/** The invocation is forgotten: down, again, later, or never. */
export function decideNext(
  instance: Running,
  context: Context,
  ending: Ending,
  wasReady: boolean,
): Transition {
  const { invocation } = instance.phase
  const next = choose({ ...instance, restartAsked: null, isReloadAsked: false }, context, ending, {
    wasReady,
    isAsked: instance.restartAsked !== null,
  })
  return { ...next, effects: [{ type: 'release', id: instance.id, invocation }] }
}

interface Circumstances {
  readonly wasReady: boolean
  /** Somebody asked for it again while it was ending. */
  readonly isAsked: boolean
}

function choose(
  instance: Running,
  context: Context,
  ending: Ending,
  { wasReady, isAsked }: Circumstances,
): Transition {
  const { definition, nowMs } = context
  const { reason, cause } = ending
  if (instance.desired === 'down') {
    const down = { name: 'down', isFinished: false } as const
    const entry = { reason: stopReason(instance) }
    return { instance: enter(instance, context, down, entry), effects: [] }
  }
  if (isAsked || cause === 'stop' || cause === 'restart' || cause === 'blocked') {
    const change = { failures: 0, ...(isAsked ? { restartTimesMs: [] } : {}) }
    const entry = { reason, change }
    return { instance: enter(instance, context, { name: 'waiting' }, entry), effects: [] }
  }
  const isClean = cause === 'exited' && isCleanExit(definition.restart, ending.exit)
  if (definition.kind === 'oneshot' && isClean) {
    const { invocation, startedMs } = instance.phase
    const done = { name: 'up', main: null, invocation, startedMs, readyMs: nowMs } as const
    return { instance: enter(instance, context, done), effects: [] }
  }
  // The counters already tell a stable run from a short one: beginEnding reset `failures`.
  const run = { ending, wasReady, readyForMs: 0 }
  const { decision, prng } = decideRestart(definition.restart, instance, run, nowMs, context.prng)
  if (decision.kind === 'finished') {
    const finished = { name: 'down', isFinished: true } as const
    const entry = { reason: decision.reason, change: { desired: 'down' } } as const
    return { instance: enter(instance, context, finished, entry), effects: [] }
  }
  if (decision.kind === 'give-up') {
    const entry = { reason: decision.reason }
    return { instance: enter(instance, context, { name: 'failed' }, entry), effects: [] }
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

export function onFinishSpawned(
  instance: InstanceState<PhaseOf<'finish'>>,
  event: EventOf<'spawned'>,
): Transition | null {
  if (event.role !== 'finish') return null
  const phase = { ...instance.phase, hook: event.process }
  return { instance: within(instance, { phase }), effects: [] }
}

/** The former supervisor died before it ran the finish hook. */
export function onFinishNeverSpawned(
  instance: InstanceState<PhaseOf<'finish'>>,
  event: EventOf<'never-spawned'>,
  context: Context,
): Transition {
  const { ending, invocation } = instance.phase
  if (context.definition.finish === null) return conclude(instance, context, ending)
  const spawn = spawnEffect(instance, context, event.role, invocation, ending.exit)
  return { instance, effects: [spawn] }
}

/** The finish hook ended, or could not be run: its result is reported and changes nothing. */
export function onFinishOver(
  instance: InstanceState<PhaseOf<'finish'>>,
  event: EventOf<'exited'> | EventOf<'spawn-failed'>,
  context: Context,
): Transition | null {
  const { phase } = instance
  if (event.role !== 'finish') return null
  const isLeftAlone = context.definition.stop.kill === 'process'
  const killed = (event.type === 'exited' && event.killed) || instance.killed
  if (event.type !== 'exited' || !event.hasLeftovers || isLeftAlone) {
    return conclude(within(instance, { killed }), context, phase.ending)
  }
  const deadlineMs = context.nowMs + KILL_AGAIN_MS
  const late = within(instance, { phase: { ...phase, hook: null }, deadlineMs, killed })
  return { instance: late, effects: killFinish(late) }
}

/** Ends what the finish hook left behind; also after a restart of ours. */
export function killFinish({
  id,
  phase,
}: Pick<InstanceState<PhaseOf<'finish'>>, 'id' | 'phase'>): readonly Effect[] {
  const { invocation } = phase
  return [
    { type: 'signal', id, invocation, signal: signalNumbers.KILL, scope: 'all' },
    { type: 'watch-empty', id, invocation },
  ]
}

export function onFinishEmptied(
  instance: InstanceState<PhaseOf<'finish'>>,
  _event: unknown,
  context: Context,
): Transition | null {
  const { hook, ending } = instance.phase
  return hook === null ? conclude(instance, context, ending) : null
}

/** The delay of the backoff is over. The counters stay: they are about deaths, not about delays. */
export function onBackoffOver(
  instance: InstanceState,
  _event: unknown,
  context: Context,
): Transition {
  return { instance: enter(instance, context, { name: 'waiting' }), effects: [] }
}

/** Healing: it waits for what it requires instead, and starts as soon as that is up. */
export function onMustWait(
  instance: InstanceState<PhaseOf<'backoff'> | PhaseOf<'failed'>>,
  event: EventOf<'must-wait'>,
  context: Context,
): Transition {
  const { reason } = event
  if (instance.phase.name === 'backoff') {
    return { instance: enter(instance, context, { name: 'waiting' }, { reason }), effects: [] }
  }
  // One try for each outage of what it requires, and it counts: the burst limit still stands.
  const times = [...instance.restartTimesMs, context.nowMs].slice(-MAX_RESTART_HISTORY)
  const change = { restarts: instance.restarts + 1, restartTimesMs: times }
  return {
    instance: enter(instance, context, { name: 'waiting' }, { reason, change }),
    effects: [],
  }
}

// Readiness and liveness of instances: asks them, or listens to them, and says what came of it as
// events. After a restart of the supervisor the same calls take it up again. Each watch is owned
// by one AbortController; when that is told to stop, no question, no timer and no listener is left.

import type { Fd, InstanceId } from '../base/brands.ts'
import type { EffectOf } from '../core/effect.ts'
import type { InstanceEvent } from '../core/instance-event.ts'
import type { Poller } from '../kernel/poll.ts'
import type { AttemptResult } from '../launch/network-probe.ts'
import type { Probe, Readiness } from '../model/service-definition.ts'
import type { CommandRequest, CommandResult } from './exec-command.ts'
import type { LogPosition } from './log-watch.ts'
import { watchNotify } from './notify-watch.ts'
import { type PortOwnerDeps, whoElseListens } from './port-owner.ts'
import { type AttemptContext, attemptProbe } from './probe-attempt.ts'
import { phaseOf, repeat } from './probe-repeat.ts'

type ReadyEffect = EffectOf<'watch-ready'>
type LiveEffect = EffectOf<'watch-live'>

export interface LogPattern {
  readonly pattern: RegExp
  readonly stream: 'stdout' | 'stderr' | 'any'
  /** Null: the mark was lost with the last supervisor; from what is captured next. */
  readonly from: LogPosition | null
}

export interface ProbePortDeps extends PortOwnerDeps {
  readonly poller: Poller
  readonly runCommand: (request: CommandRequest) => Promise<CommandResult>
  readonly watchLog: (id: InstanceId, watch: LogPattern, onMatch: () => void) => { stop(): void }
  readonly emit: (happening: { readonly id: InstanceId; readonly event: InstanceEvent }) => void
}

export interface ProbePort {
  /** Replaces the watch of the instance. `notifyReader` stays open and belongs to the caller. */
  watchReady(effect: ReadyEffect, notifyReader: Fd | null): void
  watchLive(effect: LiveEffect): void
  unwatch(id: InstanceId): void
  /** What the last probe saw, if it failed; kept after the watch, until the next begins. */
  lastFailure(id: InstanceId): string | null
  /** The instance is gone for good. */
  forget(id: InstanceId): void
  close(): void
}

/** So often in a row another process must be found on the port before that is the answer. */
const OTHER_LISTENER_ATTEMPTS = 3

export function createProbePort(deps: ProbePortDeps): ProbePort {
  const watches = new Map<InstanceId, AbortController>()
  const failures = new Map<InstanceId, string>()

  const unwatch = (id: InstanceId): void => {
    watches.get(id)?.abort()
    watches.delete(id)
  }
  const begin = (id: InstanceId): AbortSignal => {
    unwatch(id)
    failures.delete(id)
    const controller = new AbortController()
    watches.set(id, controller)
    return controller.signal
  }
  const note = (id: InstanceId, result: AttemptResult): void => {
    if (result.isGood) failures.delete(id)
    else failures.set(id, result.reason)
  }

  return {
    watchReady(effect, notifyReader) {
      const signal = begin(effect.id)
      const { id, readiness } = effect
      if (readiness.kind === 'immediate') return deps.emit({ id, event: readyOf(effect) })
      // The timer of the phase is all that a delay needs.
      if (readiness.kind === 'delay') return
      if (readiness.kind === 'notify-fd') return awaitNotify(deps, effect, notifyReader, signal)
      if (readiness.kind === 'log') return awaitLine(deps, effect, readiness, signal)
      askUntilReady(deps, effect, readiness.probe, signal, (result) => note(id, result))
    },
    watchLive(effect) {
      const signal = begin(effect.id)
      askWhileLive(deps, effect, signal, (result) => note(effect.id, result))
    },
    unwatch,
    lastFailure: (id) => failures.get(id) ?? null,
    forget(id) {
      unwatch(id)
      failures.delete(id)
    },
    close() {
      for (const id of [...watches.keys()]) unwatch(id)
    },
  }
}

function readyOf({ invocation }: ReadyEffect): InstanceEvent {
  return { type: 'ready', invocation }
}

/** An attempt that was given up has no result: null. */
async function attempt(
  deps: ProbePortDeps,
  { id, definition }: ReadyEffect | LiveEffect,
  probe: Probe,
  signal: AbortSignal,
): Promise<AttemptResult | null> {
  const runCommand: AttemptContext['runCommand'] = (command, timeoutMs) => {
    const mainPid = deps.mainProcess(id)?.pid ?? null
    return deps.runCommand({ id, definition, command, timeoutMs, mainPid, signal })
  }
  const context = { timeoutMs: probe.attemptTimeoutMs, signal, runCommand }
  const result = await attemptProbe(probe.action, context)
  return signal.aborted ? null : result
}

function askUntilReady(
  deps: ProbePortDeps,
  effect: ReadyEffect,
  probe: Probe,
  signal: AbortSignal,
  note: (result: AttemptResult) => void,
): void {
  const { id, invocation } = effect
  let others = 0
  repeat({ firstMs: 0, pauseMs: probe.intervalMs, signal }, async () => {
    const result = await attempt(deps, effect, probe, signal)
    if (result === null) return 'enough'
    if (!result.isGood) {
      others = 0
      note(result)
      return 'again'
    }
    const reason = result.peer === null ? null : whoElseListens(id, result.peer, deps)
    if (reason === null) {
      note(result)
      deps.emit({ id, event: readyOf(effect) })
      return 'enough'
    }
    note({ isGood: false, reason })
    others += 1
    if (others < OTHER_LISTENER_ATTEMPTS) return 'again'
    deps.emit({ id, event: { type: 'unready', invocation, reason } })
    return 'enough'
  })
}

/**
 * Instances that became ready together do not ask together: each begins elsewhere in the period.
 */
function askWhileLive(
  deps: ProbePortDeps,
  effect: LiveEffect,
  signal: AbortSignal,
  note: (result: AttemptResult) => void,
): void {
  const {
    id,
    invocation,
    liveness: { probe, failures },
  } = effect
  let inRow = 0
  const firstMs = probe.intervalMs * phaseOf(id)
  repeat({ firstMs, pauseMs: probe.intervalMs, signal }, async () => {
    const result = await attempt(deps, effect, probe, signal)
    if (result === null) return 'enough'
    note(result)
    inRow = result.isGood ? 0 : inRow + 1
    if (result.isGood || inRow < failures) return 'again'
    // Told again after as many more: whoever was told may have been told to hold.
    inRow = 0
    const often = failures === 1 ? '' : ` ${failures} times in a row`
    const reason = `the liveness probe failed${often}: ${result.reason}`
    deps.emit({ id, event: { type: 'unhealthy', invocation, reason } })
    return 'again'
  })
}

function awaitNotify(
  deps: ProbePortDeps,
  effect: ReadyEffect,
  reader: Fd | null,
  signal: AbortSignal,
): void {
  const { id, invocation } = effect
  if (reader === null) {
    const reason = 'its notify descriptor was lost together with a former supervisor'
    return deps.emit({ id, event: { type: 'unready', invocation, reason } })
  }
  const watch = watchNotify(deps.poller, reader, (outcome) => {
    const reason = 'closed its notify descriptor without saying ready'
    const event: InstanceEvent =
      outcome === 'ready' ? readyOf(effect) : { type: 'unready', invocation, reason }
    deps.emit({ id, event })
  })
  signal.addEventListener('abort', watch.stop, { once: true })
}

function awaitLine(
  deps: ProbePortDeps,
  effect: ReadyEffect,
  readiness: Extract<Readiness, { kind: 'log' }>,
  signal: AbortSignal,
): void {
  const { id, logMark } = effect
  const { stream } = readiness
  const from = logMark ? (JSON.parse(logMark) as LogPosition) : null
  let isOver = false
  const watch = deps.watchLog(id, { pattern: new RegExp(readiness.pattern), stream, from }, () => {
    if (isOver) return
    isOver = true
    watch.stop()
    deps.emit({ id, event: readyOf(effect) })
  })
  const stop = (): void => {
    if (!isOver) watch.stop()
    isOver = true
  }
  signal.addEventListener('abort', stop, { once: true })
}

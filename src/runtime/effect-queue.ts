// Events in, effects out, one at a time and fair to the rest of the loop: after a slice of work the
// loop gets its turn (control requests, log pipes, other instances), then the queue goes on.

import type { ToolkitError } from '../base/toolkit-error.ts'
import type { Effect } from '../core/effect.ts'
import type { SupervisorEvent } from '../core/supervisor-event.ts'

/** How long the queue may work before the loop gets its turn, in milliseconds. */
const SLICE_MS = 8

export interface EffectQueue {
  /** Facts are never refused. */
  push(event: SupervisorEvent): void
  /** What is to be done before the next event, for example after adoption. */
  pushEffects(effects: readonly Effect[]): void
  readonly length: number
  /** How many events have been decided on. */
  readonly decided: number
  /** Calls back once, after the next time that nothing is left to do. */
  onIdle(callback: () => void): void
  /**
   * Calls back once when every event that was pushed so far has been decided on, before anything
   * that follows from the last of them is done; with what it was refused for, or null.
   */
  onDecided(callback: DecidedCallback): void
}

export type DecidedCallback = (refusal: ToolkitError | null) => void

export interface Decision {
  readonly effects: readonly Effect[]
  /** Nothing was changed, because of this; null: it was accepted. */
  readonly refusal: ToolkitError | null
}

/**
 * `decide` answers an event with effects; `perform` carries one out. Effects of an event are
 * carried out before the next event is decided: what comes back is then about the present.
 */
export function createEffectQueue(
  decide: (event: SupervisorEvent) => Decision,
  perform: (effect: Effect) => void,
  now: () => number,
): EffectQueue {
  let events: SupervisorEvent[] = []
  let nextEvent = 0
  let effects: readonly Effect[] = []
  let nextEffect = 0
  let isScheduled = false
  let isWorking = false
  let idleCallbacks: (() => void)[] = []
  let decisions: { readonly after: number; readonly callback: DecidedCallback }[] = []
  let pushed = 0
  let decided = 0

  const work = (): void => {
    isScheduled = false
    isWorking = true
    const endMs = now() + SLICE_MS
    while (now() < endMs) {
      const effect = effects[nextEffect]
      if (effect !== undefined) {
        nextEffect += 1
        perform(effect)
        continue
      }
      const event = events[nextEvent]
      if (event === undefined) break
      nextEvent += 1
      const decision = decide(event)
      effects = decision.effects
      nextEffect = 0
      decided += 1
      if (decisions.length > 0) tellDecided(decision.refusal)
    }
    isWorking = false
    if (nextEvent === events.length) {
      events = []
      nextEvent = 0
    }
    if (nextEffect < effects.length || events.length > 0) schedule()
    else tellIdle()
  }

  const tellDecided = (refusal: ToolkitError | null): void => {
    const due = decisions.filter(({ after }) => after <= decided)
    decisions = decisions.filter(({ after }) => after > decided)
    for (const { callback } of due) callback(refusal)
  }

  const tellIdle = (): void => {
    const callbacks = idleCallbacks
    idleCallbacks = []
    for (const callback of callbacks) callback()
  }

  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(work)
  }

  return {
    push: (event) => {
      events.push(event)
      pushed += 1
      // At once when idle: a restart should not wait for a turn of the loop.
      if (isWorking || isScheduled) return
      if (event.type === 'instance') work()
      else schedule()
    },
    pushEffects: (more) => {
      effects = [...effects.slice(nextEffect), ...more]
      nextEffect = 0
      schedule()
    },
    onIdle: (callback) => void idleCallbacks.push(callback),
    onDecided: (callback) => {
      if (decided === pushed) callback(null)
      else decisions.push({ after: pushed, callback })
    },
    get decided() {
      return decided
    },
    get length() {
      return events.length - nextEvent
    },
  }
}

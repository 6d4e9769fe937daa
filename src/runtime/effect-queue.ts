// Events in, effects out, one at a time and fair to the rest of the loop: after a slice of work the
// loop gets its turn (control requests, log pipes, other instances), then the queue goes on.

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
}

/**
 * `decide` answers an event with effects; `perform` carries one out. Effects of an event are
 * carried out before the next event is decided: what comes back is then about the present.
 */
export function createEffectQueue(
  decide: (event: SupervisorEvent) => readonly Effect[],
  perform: (effect: Effect) => void,
  now: () => number,
): EffectQueue {
  let events: SupervisorEvent[] = []
  let nextEvent = 0
  let effects: readonly Effect[] = []
  let nextEffect = 0
  let isScheduled = false
  let isWorking = false

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
      effects = decide(event)
      nextEffect = 0
    }
    isWorking = false
    if (nextEvent === events.length) {
      events = []
      nextEvent = 0
    }
    if (nextEffect < effects.length || events.length > 0) schedule()
  }

  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(work)
  }

  return {
    push: (event) => {
      events.push(event)
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
    get length() {
      return events.length - nextEvent
    },
  }
}

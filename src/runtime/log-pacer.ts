// Lets busy pipes fill a little before they are emptied again: a reader that comes for every line
// costs the writer a context switch a line. One timer for all; none while nobody is busy.

/** How long a busy pipe is left alone, in milliseconds: the shortest timer of Node. */
const REST_MS = 1

/** When to come again: after a rest, in the next turn of the loop, or never. */
export type PacerAnswer = 'rest' | 'now' | 'stop'
export type PacerTick = () => PacerAnswer

export interface LogPacer {
  /** Calls `tick` after a rest, and again as it answers. */
  add(tick: PacerTick): void
  remove(tick: PacerTick): void
}

export function createLogPacer(): LogPacer {
  const ticks = new Set<PacerTick>()
  let isArmed = false

  function fire(): void {
    isArmed = false
    let isUrgent = false
    try {
      for (const tick of ticks) {
        const answer = tick()
        if (answer === 'stop') ticks.delete(tick)
        isUrgent ||= answer === 'now'
      }
    } finally {
      arm(isUrgent)
    }
  }

  function arm(isUrgent: boolean): void {
    if (ticks.size === 0 || isArmed) return
    isArmed = true
    if (isUrgent) setImmediate(fire)
    else setTimeout(fire, REST_MS).unref()
  }

  return {
    add(tick) {
      ticks.add(tick)
      arm(false)
    },
    remove(tick) {
      ticks.delete(tick)
    },
  }
}

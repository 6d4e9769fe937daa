// Lets busy pipes fill a little before they are emptied again: a reader that comes for every line
// costs the writer a context switch a line. One timer for all; none while nobody is busy.

/** How long a busy pipe is left alone, in milliseconds: the shortest timer of Node. */
const REST_MS = 1

export interface LogPacer {
  /** Calls `tick` after each rest until it answers false. */
  add(tick: () => boolean): void
  remove(tick: () => boolean): void
}

export function createLogPacer(): LogPacer {
  const ticks = new Set<() => boolean>()
  let timer: NodeJS.Timeout | undefined

  function fire(): void {
    timer = undefined
    try {
      for (const tick of ticks) if (!tick()) ticks.delete(tick)
    } finally {
      arm()
    }
  }

  function arm(): void {
    if (ticks.size === 0 || timer !== undefined) return
    timer = setTimeout(fire, REST_MS).unref()
  }

  return {
    add(tick) {
      ticks.add(tick)
      arm()
    },
    remove(tick) {
      ticks.delete(tick)
    },
  }
}

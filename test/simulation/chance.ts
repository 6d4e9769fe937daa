// The simulation's source of chance: one seeded generator, so that a seed is a whole history.

import { nextRandom } from '../../src/base/prng.ts'

export interface Chance {
  /** In [0, 1). */
  next(): number
  /** An integer in [low, high]. */
  between(low: number, high: number): number
  /** True with this probability. */
  is(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** Small times are likely, large ones happen: up to `high` milliseconds. */
  time(high: number): number
}

export function createChance(seed: number): Chance {
  let state = Math.imul(seed, 0x9e3779b1) | 0
  const next = (): number => {
    const random = nextRandom(state)
    state = random.state
    return random.value
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    is: (probability) => next() < probability,
    pick: (items) => {
      const item = items[between(0, items.length - 1)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
    time: (high) => Math.floor(high * next() ** 4),
  }
}

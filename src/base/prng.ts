// A small seeded generator whose state is a value (mulberry32), so that jitter can be replayed.

export type PrngState = number

/** The next number in [0, 1) and the state after it. */
export function nextRandom(state: PrngState): {
  readonly value: number
  readonly state: PrngState
} {
  const next = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(next ^ (next >>> 15), 1 | next)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return { value: ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296, state: next }
}

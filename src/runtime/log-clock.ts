// The wall clock in microseconds, for the index of logs.

const toleranceMs = 2
let anchorMs = Date.now() - performance.now()

/** Microseconds since the epoch. Follows the wall clock when that is set or was suspended. */
export function wallClockUs(): number {
  const monotonic = performance.now()
  const wall = Date.now()
  if (Math.abs(anchorMs + monotonic - wall) > toleranceMs) anchorMs = wall - monotonic
  return Math.round((anchorMs + monotonic) * 1000)
}

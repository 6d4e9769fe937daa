// The two clocks. Everything that measures a span uses the monotonic one; the wall clock is for
// people.

import type { Milliseconds } from '../base/brands.ts'

/**
 * CLOCK_MONOTONIC in milliseconds, with microseconds behind the point. Comparable between the
 * processes of one boot, and stands still while the machine sleeps (clock_gettime(2)).
 */
export function monotonicMs(): Milliseconds {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + Math.floor(nanoseconds / 1_000) / 1_000
}

/** Milliseconds since 1970 in UTC. Jumps when somebody sets the clock. */
export function wallClockMs(): Milliseconds {
  return Date.now()
}

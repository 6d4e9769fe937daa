// Remembers answers for a moment, so that a thousand services that start together look up the same
// user, program or directory once. Bounded: when it is full it forgets everything.

import type { Milliseconds } from '../base/brands.ts'
import { MAX_LAUNCH_CACHE_ENTRIES } from '../base/limits.ts'

/**
 * How old an answer may be. What changed meanwhile is found by exec itself, which fails by name.
 */
const LAUNCH_CACHE_MS: Milliseconds = 1_000

export interface LaunchCache<Value> {
  /** The remembered answer, or a new one, which is remembered when `isKept` says so. */
  get(key: string, find: () => Value, isKept: (value: Value) => boolean): Value
}

/** `nowMs` is the monotonic clock. */
export function createLaunchCache<Value>(nowMs: () => Milliseconds): LaunchCache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly untilMs: Milliseconds }>()
  return {
    get(key, find, isKept) {
      const now = nowMs()
      const known = entries.get(key)
      if (known !== undefined && now < known.untilMs) return known.value
      const value = find()
      if (entries.size >= MAX_LAUNCH_CACHE_ENTRIES) entries.clear()
      if (isKept(value)) entries.set(key, { value, untilMs: now + LAUNCH_CACHE_MS })
      else entries.delete(key)
      return value
    },
  }
}

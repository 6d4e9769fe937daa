// Waiting for a condition in the real world. There is one limit, generous enough for a loaded
// machine: reaching it is a failure, never a way to continue.

import { setTimeout as pause } from 'node:timers/promises'

export const LIMIT_MS = 60_000

type Falsy = false | 0 | '' | null | undefined

/** Resolves to what the condition gives, as soon as that is true; rejects after the limit. */
export async function until<T>(
  what: string,
  condition: () => T | Falsy | Promise<T | Falsy>,
  limitMs: number = LIMIT_MS,
): Promise<T> {
  const started = performance.now()
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 1.5, 50)) {
    const found = await condition()
    if (found) return found
    if (performance.now() - started > limitMs) throw new Error(`not in ${limitMs} ms: ${what}`)
    await pause(waitMs)
  }
}

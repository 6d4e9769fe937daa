// Does something again and again until it says enough or its owner stops it: one at a time, with a
// pause between the end of one and the start of the next. No timer is left after the stop.

import type { Milliseconds } from '../base/brands.ts'
import { clampTimeout } from '../launch/network-probe.ts'

export interface Repetition {
  /** Before the first; 0 is now, in the next turn of the loop. */
  readonly firstMs: Milliseconds
  readonly pauseMs: Milliseconds
  readonly signal: AbortSignal
}

/** `once` tells whether to go on. It must not reject. */
export function repeat(
  { firstMs, pauseMs, signal }: Repetition,
  once: () => Promise<'again' | 'enough'>,
): void {
  let timer: NodeJS.Timeout | undefined
  const later = (ms: Milliseconds): void => {
    if (!signal.aborted) timer = setTimeout(() => void turn(), clampTimeout(ms))
  }
  const turn = async (): Promise<void> => {
    timer = undefined
    const next = await once()
    if (next === 'again') later(pauseMs)
    else signal.removeEventListener('abort', stop)
  }
  const stop = (): void => clearTimeout(timer)
  signal.addEventListener('abort', stop, { once: true })
  later(firstMs)
}

/** Where in a period something begins, in [0, 1): the same for the same name, spread over names. */
export function phaseOf(name: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  }
  // FNV leaves the last characters in the low bits: mixed, as murmur does at its end.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

// When a segment has had enough, by size and by age. One timer for all instances, armed only while
// some segment with bytes in it can become too old: at rest nothing wakes up.

import { MAX_LOG_SEGMENT_BYTES } from '../base/limits.ts'
import type { LogPlan } from '../model/service-definition.ts'

/** The longest time that setTimeout takes. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** True when a segment of that size is to be rotated. */
export function isFull(plan: LogPlan, bytes: number): boolean {
  return bytes >= Math.min(plan.maxSizeBytes, MAX_LOG_SEGMENT_BYTES)
}

/** When a segment that began then is due, in milliseconds since the epoch, or Infinity. */
export function rotationDueMs(plan: LogPlan, firstTimeUs: number | undefined): number {
  if (firstTimeUs === undefined) return Number.POSITIVE_INFINITY
  return firstTimeUs / 1000 + plan.maxAgeMs
}

export interface RotationTimer {
  /** Somebody's segment is due then. */
  expect(dueMs: number): void
  close(): void
}

/** `onDue` rotates what is due and returns the next time, or Infinity. */
export function createRotationTimer(
  nowMs: () => number,
  onDue: (nowMs: number) => number,
): RotationTimer {
  let armedFor = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  function expect(dueMs: number): void {
    if (dueMs >= armedFor) return
    clearTimeout(timer)
    armedFor = dueMs
    const delay = Math.min(MAX_TIMER_MS, Math.max(0, Math.ceil(dueMs - nowMs())))
    timer = setTimeout(fire, delay).unref()
  }

  function fire(): void {
    armedFor = Number.POSITIVE_INFINITY
    expect(onDue(nowMs()))
  }

  return {
    expect,
    close() {
      clearTimeout(timer)
      armedFor = Number.NEGATIVE_INFINITY
    },
  }
}

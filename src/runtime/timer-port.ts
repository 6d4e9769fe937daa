// One timer per instance, on the monotonic clock. What fires comes back as an event.

import type { InstanceId, Milliseconds } from '../base/brands.ts'
import { monotonicMs } from '../kernel/clock.ts'

/** setTimeout takes 31 bits; longer waits are taken in parts. */
const MAX_TIMEOUT_MS = 2_000_000_000

export interface TimerPort {
  /** Replaces the instance's timer. */
  arm(id: InstanceId, atMs: Milliseconds): void
  cancel(id: InstanceId): void
  close(): void
}

export function createTimerPort(onFired: (id: InstanceId) => void): TimerPort {
  const timers = new Map<InstanceId, NodeJS.Timeout>()
  const cancel = (id: InstanceId) => {
    clearTimeout(timers.get(id))
    timers.delete(id)
  }
  const arm = (id: InstanceId, atMs: Milliseconds) => {
    cancel(id)
    const waitMs = Math.max(0, Math.ceil(atMs - monotonicMs()))
    const timer = setTimeout(
      () => {
        timers.delete(id)
        if (monotonicMs() < atMs) arm(id, atMs)
        else onFired(id)
      },
      Math.min(waitMs, MAX_TIMEOUT_MS),
    )
    timers.set(id, timer)
  }
  return {
    arm,
    cancel,
    close: () => {
      for (const id of [...timers.keys()]) cancel(id)
    },
  }
}

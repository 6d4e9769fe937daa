// Counts what a full or broken disk made us throw away: when to try the disk again, what the index
// still has to be told, what the operator has been told.

import type { DroppedBytes } from './log-segments.ts'

/** A disk that refused is tried again after this time, when bytes arrive. */
const RETRY_US = 1_000_000

export interface DropCount {
  /** True while the disk is not to be tried. */
  isWaiting(nowUs: number): boolean
  /** The disk refused, with this errno name. */
  refused(reason: string, nowUs: number): void
  dropped(bytes: number, nowUs: number): void
  /** What the next record of the index has to say. */
  unrecorded(): DroppedBytes | undefined
  /** The index has said it. */
  recorded(): void
  /** Bytes arrived on the disk again. */
  recovered(): void
  report(): void
  total(): number
}

/** `onDropped` is called at most once a second while it lasts, and once when it is over. */
export function createDropCount(onDropped: (bytes: number, reason: string) => void): DropCount {
  let reason: string | undefined
  let retryAtUs = 0
  let reportAtUs = 0
  let sinceUs = 0
  let unrecorded = 0
  let unreported = 0
  let total = 0

  function report(): void {
    if (unreported === 0) return
    const bytes = unreported
    unreported = 0
    onDropped(bytes, reason ?? 'unknown')
  }

  return {
    isWaiting: (nowUs) =>
      reason !== undefined && nowUs < retryAtUs && retryAtUs - nowUs <= RETRY_US,
    refused(why, nowUs) {
      reason = why
      retryAtUs = nowUs + RETRY_US
    },
    dropped(bytes, nowUs) {
      if (unrecorded === 0) sinceUs = nowUs
      unrecorded += bytes
      unreported += bytes
      total += bytes
      if (nowUs < reportAtUs && reportAtUs - nowUs <= RETRY_US) return
      reportAtUs = nowUs + RETRY_US
      report()
    },
    unrecorded: () => (unrecorded === 0 ? undefined : { sinceUs, bytes: unrecorded }),
    recorded() {
      unrecorded = 0
    },
    recovered() {
      if (reason === undefined) return
      report()
      reason = undefined
    },
    report,
    total: () => total,
  }
}

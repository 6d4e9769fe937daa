// Larger pipes for chatty services, and only for them: a user without CAP_SYS_RESOURCE has 16,384
// pages for all pipes together (/proc/sys/fs/pipe-user-pages-soft, pipe(7)).

import type { Fd } from '../base/brands.ts'
import { setPipeSize } from '../kernel/fifo.ts'
import { errnoOf } from './log-files.ts'

const steps: readonly number[] = [64 * 1024, 256 * 1024, 1024 * 1024]
/** A pipe that was found full so often gets the next size. */
const FULL_COUNT = 4

export interface PipeGrowth {
  /** So many bytes came out of the pipe at once. */
  moved(bytes: number): void
}

export function createPipeGrowth(fd: Fd): PipeGrowth {
  let step = 0
  let fullCount = 0
  return {
    moved(bytes) {
      const next = steps[step + 1]
      if (next === undefined || bytes < (steps[step] ?? 0)) return
      fullCount += 1
      if (fullCount < FULL_COUNT) return
      fullCount = 0
      step += 1
      try {
        setPipeSize(fd, next)
      } catch (error) {
        // EPERM: over the user's limit; EBUSY: smaller than what is in it. It stays as it is.
        if (errnoOf(error) === undefined) throw error
        step = steps.length
      }
    },
  }
}

// Writes to the state directory that the disk may refuse: full, read-only, broken. What is refused
// is told once, kept under its key and tried again, so that what runs and what is recorded agree as
// soon as the disk takes records again, and not only when something else happens.

import { FIRST_WRITE_RETRY_MS, MAX_WRITE_RETRY_MS } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'

export interface RecordWriter {
  /** Writes now, or keeps it for later: the newest write of a key replaces what is kept of it. */
  write(key: string, action: () => void): void
  /** Writes now or not at all; gives what the disk says against it. */
  attempt(key: string, action: () => void): ToolkitError | null
  /** Why the newest write of that key is not done yet; null: it is. */
  refusalOf(key: string): ToolkitError | null
  /** Tries what is kept once more, and gives up. */
  close(): void
}

interface KeptWrite {
  readonly action: () => void
  readonly refusal: ToolkitError
}

/** `onProblem` is told what the disk refuses, and when it has taken everything at last. */
export function createRecordWriter(onProblem: (message: string) => void): RecordWriter {
  // Bounded by its keys: one for each instance, one for each project, and a few more.
  const kept = new Map<string, KeptWrite>()
  let timer: NodeJS.Timeout | null = null
  let delayMs = FIRST_WRITE_RETRY_MS

  const attempt = (key: string, action: () => void): ToolkitError | null => {
    try {
      action()
    } catch (error) {
      if (!(error instanceof ToolkitError)) throw error
      return error
    }
    kept.delete(key)
    return null
  }

  const schedule = (): void => {
    timer ??= setTimeout(tryAgain, delayMs).unref()
  }

  const tryAgain = (): void => {
    timer = null
    const count = kept.size
    for (const [key, { action }] of kept) {
      // As long as one is refused, the others would be, too.
      if (attempt(key, action) === null) continue
      delayMs = Math.min(2 * delayMs, MAX_WRITE_RETRY_MS)
      schedule()
      return
    }
    delayMs = FIRST_WRITE_RETRY_MS
    if (count > 0) onProblem(`the state directory takes records again: ${count} that waited are in`)
  }

  return {
    attempt,
    write: (key, action) => {
      const refusal = attempt(key, action)
      if (refusal === null) return
      kept.set(key, { action, refusal })
      schedule()
      onProblem(`${key}: ${refusal.message}; continuing with what is running`)
    },
    refusalOf: (key) => kept.get(key)?.refusal ?? null,
    close: () => {
      clearTimeout(timer ?? undefined)
      for (const [key, { action }] of kept) if (attempt(key, action) !== null) break
      timer = null
    },
  }
}

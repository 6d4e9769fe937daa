// Waits until instances have reached what was asked of them, or cannot any more. Survives the death
// of the supervisor in between. Says who failed, who is still missing, and who had to be killed.

import { type EventRow, instanceIdOf, type StatusRow } from '../protocol/response.ts'
import type { Client } from './client.ts'
import { followRows, type RowSink } from './follow-events.ts'

/**
 * `ready`: has been ready once from now on; `restarted`: ready in another life than `before`
 * shows; `down`: nothing runs; `ended`: down by itself or failed, whatever comes first.
 */
export type Goal = 'ready' | 'restarted' | 'down' | 'ended'

export interface WaitOptions {
  readonly client: Client
  /** By instance id, `shop/web@1`. */
  readonly goals: ReadonlyMap<string, Goal>
  /** The rows before the request, for `restarted`. */
  readonly before?: readonly StatusRow[]
  readonly project?: string | null
  /** The last event before the request: nothing that came of it is missed. */
  readonly since?: number
  /** Null: as long as it takes. */
  readonly timeoutMs: number | null
  /** True: the first that cannot reach its goal ends the waiting. */
  readonly isFailFast: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly reached: number
  readonly total: number
  /** The row that changed; null for a new look at all. */
  readonly row: StatusRow | null
  readonly pending: ReadonlySet<string>
}

export interface FailedInstance {
  readonly id: string
  readonly row: StatusRow | null
  readonly reason: string
}

export interface WaitResult {
  readonly outcome: 'reached' | 'failed' | 'timed-out' | 'aborted'
  readonly failures: readonly FailedInstance[]
  readonly pending: readonly string[]
  /** What did not stop by itself: `node (4711)`, by instance id. */
  readonly killed: ReadonlyMap<string, string>
}

/** Rejects with ERR_SUPERVISOR_… when the supervisor is lost for good and something still runs. */
export async function waitFor(options: WaitOptions): Promise<WaitResult> {
  const { client, goals, project = null, since } = options
  const local = new AbortController()
  const deadline = startDeadline(options.timeoutMs, local)
  const onAbort = (): void => local.abort()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted === true) local.abort()
  const tracker = createTracker(options, () => local.abort())
  try {
    const end = await followRows(
      {
        client,
        project,
        signal: local.signal,
        // What was asked to go down may have been all that the supervisor was there for.
        mayBeGone: [...goals.values()].every((goal) => goal === 'down'),
        ...(since === undefined ? {} : { firstSince: since }),
      },
      tracker,
    )
    if (end === 'gone') tracker.onRows(new Map())
  } finally {
    deadline.clear()
    options.signal?.removeEventListener('abort', onAbort)
  }
  return tracker.result(deadline.hasPassed())
}

/** The longest that a timer can be set to: 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1

function startDeadline(
  timeoutMs: number | null,
  controller: AbortController,
): { readonly hasPassed: () => boolean; readonly clear: () => void } {
  let hasPassed = false
  const isNever = timeoutMs === null || timeoutMs > MAX_TIMER_MS
  const onTimer = (): void => {
    hasPassed = true
    controller.abort()
  }
  const timer = isNever ? undefined : setTimeout(onTimer, timeoutMs)
  return { hasPassed: () => hasPassed, clear: () => clearTimeout(timer) }
}

interface Tracker extends RowSink {
  result(hasTimedOut: boolean): WaitResult
}

/** Judges each row that changes; `onOver` when nothing is left to wait for. */
function createTracker(options: WaitOptions, onOver: () => void): Tracker {
  const { goals, isFailFast } = options
  const pending = new Set(goals.keys())
  const failures = new Map<string, FailedInstance>()
  const killed = new Map<string, string>()
  const before = new Map((options.before ?? []).map((row) => [instanceIdOf(row), row]))
  let isOver = false

  /** What comes after the end changes nothing: a retry does not undo a failure. */
  function conclude(): void {
    isOver = pending.size === 0 || (isFailFast && failures.size > 0)
    if (isOver) onOver()
  }

  function look(id: string, row: StatusRow | undefined): void {
    const goal = goals.get(id)
    if (goal === undefined || isOver || !pending.has(id)) return
    const verdict = judge(goal, row, before.get(id))
    if (verdict === 'pending' || verdict === 'reached') failures.delete(id)
    else failures.set(id, { id, row: row ?? null, reason: verdict.reason })
    const isFinal = verdict === 'reached' || (verdict !== 'pending' && !verdict.mayRecover)
    if (isFinal) pending.delete(id)
    conclude()
  }

  function progress(row: StatusRow | null): void {
    const { size } = pending
    options.onProgress?.({ reached: goals.size - size, total: goals.size, row, pending })
  }

  function onRow(row: StatusRow, event: EventRow): void {
    noteKilled(event, killed)
    look(instanceIdOf(row), row)
    progress(row)
  }

  conclude()
  return {
    onRows: (rows) => {
      for (const id of goals.keys()) look(id, rows.get(id))
      progress(null)
    },
    onRow,
    onPast: onRow,
    result: (hasTimedOut) => {
      const base = { failures: [...failures.values()], pending: [...pending], killed }
      if (hasTimedOut) return { ...base, outcome: 'timed-out' }
      if (failures.size > 0) return { ...base, outcome: 'failed' }
      return { ...base, outcome: pending.size === 0 ? 'reached' : 'aborted' }
    },
  }
}

type Verdict =
  | 'pending'
  | 'reached'
  | { readonly reason: string /** It is tried again. */; readonly mayRecover: boolean }

/** A missing row: the instance is gone. */
function judge(goal: Goal, row: StatusRow | undefined, before: StatusRow | undefined): Verdict {
  if (goal === 'down') return row === undefined || row.phase === 'down' ? 'reached' : 'pending'
  if (row === undefined) {
    return goal === 'ended' ? 'reached' : { reason: 'it is gone', mayRecover: false }
  }
  if (row.phase === 'failed') {
    return { reason: row.reason ?? 'it failed', mayRecover: false }
  }
  if (goal === 'ended') {
    const isDone = row.phase === 'down' || (row.phase === 'up' && row.pid === null)
    return isDone ? 'reached' : 'pending'
  }
  if (goal === 'restarted' && before?.ready === true && row.since === before.since) return 'pending'
  if (row.ready) return 'reached'
  if (row.phase === 'down') return { reason: row.reason ?? 'it has ended', mayRecover: false }
  if (row.phase === 'backoff') return { reason: row.reason ?? 'it ended', mayRecover: true }
  // What it waits for has been given up; somebody may start that again.
  if (row.phase === 'waiting' && row.reason?.endsWith('(failed)') === true) {
    return { reason: row.reason, mayRecover: true }
  }
  return 'pending'
}

/** Adds what an event says of processes that had to be killed, by their instance. */
export function noteKilled(event: EventRow, killed: Map<string, string>): void {
  const names = /had to be killed: (.+)$/.exec(event.reason ?? '')?.[1]
  if (names !== undefined) killed.set(instanceIdOf(event), names)
}

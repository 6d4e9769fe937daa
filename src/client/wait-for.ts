// Waits until instances have reached what was asked of them, or cannot any more. Survives the death
// of the supervisor in between. Says who failed, who is still missing, and who had to be killed.

import type { EventRow, StatusRow } from '../protocol/response.ts'
import type { Client } from './client.ts'
import { followRows } from './follow-events.ts'

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
  const { client, goals, timeoutMs, isFailFast, project = null } = options
  const pending = new Set(goals.keys())
  const failures = new Map<string, FailedInstance>()
  const killed = new Map<string, string>()
  const before = new Map(
    (options.before ?? []).map((row) => [`${row.project}/${row.instance}`, row]),
  )
  const local = new AbortController()
  let hasTimedOut = false
  const onAbort = (): void => local.abort()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted === true) local.abort()
  const timer =
    timeoutMs === null || timeoutMs === Number.POSITIVE_INFINITY
      ? null
      : setTimeout(() => {
          hasTimedOut = true
          local.abort()
        }, timeoutMs)

  function look(id: string, row: StatusRow | undefined): void {
    const goal = goals.get(id)
    if (goal === undefined || !pending.has(id)) return
    const verdict = judge(goal, row, before.get(id))
    if (verdict === 'pending') failures.delete(id)
    else {
      if (verdict === 'reached') failures.delete(id)
      else failures.set(id, { id, row: row ?? null, reason: verdict.reason })
      if (verdict === 'reached' || !verdict.mayRecover) pending.delete(id)
    }
    if (pending.size === 0 || (isFailFast && failures.size > 0)) local.abort()
  }

  function progress(row: StatusRow | null): void {
    const { size } = pending
    options.onProgress?.({ reached: goals.size - size, total: goals.size, row, pending })
  }

  try {
    if (goals.size === 0) local.abort()
    const end = await followRows(
      {
        client,
        project,
        signal: local.signal,
        // What was asked to go down may have been all that the supervisor was there for.
        mayBeGone: [...goals.values()].every((goal) => goal === 'down'),
      },
      {
        onRows: (rows) => {
          for (const id of goals.keys()) look(id, rows.get(id))
          progress(null)
        },
        onRow: (row, event) => {
          noteKilled(event, killed)
          look(`${row.project}/${row.instance}`, row)
          progress(row)
        },
      },
    )
    if (end === 'gone') for (const id of [...pending]) look(id, undefined)
  } finally {
    if (timer !== null) clearTimeout(timer)
    options.signal?.removeEventListener('abort', onAbort)
  }
  const base = { failures: [...failures.values()], pending: [...pending], killed }
  if (hasTimedOut) return { ...base, outcome: 'timed-out' }
  if (failures.size > 0) return { ...base, outcome: 'failed' }
  if (pending.size === 0) return { ...base, outcome: 'reached' }
  return { ...base, outcome: 'aborted' }
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
  return 'pending'
}

function noteKilled(event: EventRow, killed: Map<string, string>): void {
  const names = /had to be killed: (.+)$/.exec(event.reason ?? '')?.[1]
  if (names !== undefined) killed.set(`${event.project}/${event.instance}`, names)
}

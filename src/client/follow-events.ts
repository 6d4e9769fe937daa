// The rows of all instances, kept current: status once, then events, and both again whenever the
// stream breaks. A supervisor that dies in between is waited for; who follows does not notice.

import { hasCode } from '../base/toolkit-error.ts'
import {
  type EventLine,
  type EventRow,
  instanceIdOf,
  type StatusRow,
} from '../protocol/response.ts'
import type { Client, StatusAnswer } from './client.ts'

export interface RowSink {
  /** All rows anew: at first, and after each break. */
  onRows(rows: ReadonlyMap<string, StatusRow>): void
  /** One row changed, or came into being. */
  onRow(row: StatusRow, event: EventRow): void
  /** An event since `firstSince`, told before the first rows, which show what came of it. */
  onPast?(row: StatusRow, event: EventRow): void
}

export interface FollowOptions {
  readonly client: Client
  readonly project?: string | null
  readonly signal: AbortSignal
  /** True: no supervisor at all is an end too, and no error. */
  readonly mayBeGone?: boolean
  /** Tells of events from here on, also of those before the first look at the rows. */
  readonly firstSince?: number
}

/** How the following ended: asked to, or the supervisor has ended as a whole. */
export type FollowEnd = 'aborted' | 'gone'

/** Rejects with ERR_SUPERVISOR_… when there is no supervisor at first or it does not come back. */
export async function followRows(options: FollowOptions, sink: RowSink): Promise<FollowEnd> {
  const { client, project = null, signal } = options
  let hasBegun = options.mayBeGone ?? false
  let hasLooked = false
  while (!signal.aborted) {
    const status = await readStatus(client, project, hasBegun)
    if (status === null) return 'gone'
    if (signal.aborted) break
    if (!hasLooked) await tellPast(options, status, sink)
    hasBegun = true
    hasLooked = true
    const rows = new Map(status.rows.map((row) => [instanceIdOf(row), row]))
    sink.onRows(rows)
    await followOnce(options, status.sequence, (event) => {
      const id = instanceIdOf(event)
      const row = afterEvent(rows.get(id), event)
      rows.set(id, row)
      sink.onRow(row, event)
    })
  }
  return 'aborted'
}

async function tellPast(
  { client, project = null, firstSince }: FollowOptions,
  { sequence }: StatusAnswer,
  sink: RowSink,
): Promise<void> {
  if (firstSince === undefined || firstSince >= sequence || sink.onPast === undefined) return
  try {
    await client.events({ since: firstSince, isFollowing: false, project }, (line) => {
      if ('notice' in line || line.sequence > sequence) return
      sink.onPast?.(afterEvent(undefined, line), line)
    })
  } catch (error) {
    // It died just now: the rows alone must do.
    const isBreak = hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE')
    if (!isBreak && !hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')) throw error
  }
}

/** Null: it was there and has ended. */
async function readStatus(
  client: Client,
  project: string | null,
  hasBegun: boolean,
): Promise<StatusAnswer | null> {
  try {
    return await client.status({ project })
  } catch (error) {
    if (hasBegun && hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')) return null
    throw error
  }
}

/** Ends with the stream, however that ends. */
async function followOnce(
  { client, project = null, signal }: FollowOptions,
  since: number,
  onEvent: (event: EventRow) => void,
): Promise<void> {
  const local = new AbortController()
  const onAbort = (): void => local.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) local.abort()
  try {
    const query = { since, isFollowing: true, project, signal: local.signal }
    await client.events(query, (line: EventLine) => {
      if (local.signal.aborted) return
      // Whatever the notice says, the rows are not complete any more: ask for all again.
      if ('notice' in line) local.abort()
      else onEvent(line)
    })
  } catch (error) {
    const isBreak =
      local.signal.aborted ||
      hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE') ||
      hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')
    if (!isBreak) throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** What the row looks like after the event. The last exit is not part of events. */
function afterEvent(before: StatusRow | undefined, event: EventRow): StatusRow {
  const { project, service, instance, to, reason, time } = event
  return {
    project,
    service,
    instance,
    desired: before?.desired ?? 'up',
    phase: to,
    ready: to === 'up' || to === 'reloading',
    pid: event.pid ?? null,
    since: time,
    restarts: before?.restarts ?? 0,
    exit: before?.exit ?? null,
    reason,
    drift: false,
  }
}

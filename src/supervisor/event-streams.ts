// Those who follow events: one subscription to the supervisor, each event printed once, written to
// everybody. Who does not read is cut off when the backlog reaches its bound, and is told so.

import type { ServerResponse } from 'node:http'
import { MAX_CLIENT_BACKLOG_BYTES } from '../base/limits.ts'
import type { EventLine, EventRow } from '../protocol/response.ts'
import type { ControlTarget } from './control-target.ts'

export interface EventQuery {
  /** Null: only what happens from now on, or all of the history when not following. 0: all. */
  readonly since: number | null
  readonly isFollowing: boolean
  readonly project: string | null
}

export interface EventStreams {
  open(query: EventQuery, response: ServerResponse): void
  close(): void
}

interface Follower {
  readonly project: string | null
  readonly response: ServerResponse
}

/** A follower that was told that it is cut off has this long to read up to there. */
const LAST_READ_MS = 10_000

export function openEventStreams(target: ControlTarget): EventStreams {
  const followers = new Set<Follower>()

  const stopListening = target.onEvent((row) => {
    if (followers.size === 0) return
    const line = printLine(row)
    for (const follower of followers) {
      if (isWanted(row, follower.project)) send(follower, line)
    }
  })

  function send(follower: Follower, line: string): void {
    const { response } = follower
    if (response.writableLength + line.length <= MAX_CLIENT_BACKLOG_BYTES) {
      response.write(line)
      return
    }
    followers.delete(follower)
    const message = 'the stream ends here: its reader did not keep up'
    response.end(printLine({ notice: { code: 'ERR_CLIENT_TOO_SLOW', message } }))
    const timer = setTimeout(() => response.destroy(), LAST_READ_MS)
    timer.unref()
    response.once('close', () => clearTimeout(timer))
  }

  function open(query: EventQuery, response: ServerResponse): void {
    const { since, isFollowing, project } = query
    const isLiveOnly = since === null && isFollowing
    const history = isLiveOnly ? [] : target.eventsSince(since ?? 0)
    const first = history[0]
    if (since !== null && since > 0 && isGap(since, first?.sequence ?? target.sequence() + 1)) {
      const message = 'events are missing here: the history is bounded, or the supervisor restarted'
      response.write(printLine({ notice: { code: 'gap', message } }))
    }
    const rows = history.filter((row) => isWanted(row, project))
    if (rows.length > 0) response.write(rows.map(printLine).join(''))
    if (!isFollowing) {
      response.end()
      return
    }
    // The head goes out at once: the client then knows that nothing will be missed.
    response.flushHeaders()
    const follower = { project, response }
    followers.add(follower)
    response.once('close', () => followers.delete(follower))
  }

  function close(): void {
    stopListening()
    for (const { response } of followers) response.end()
    followers.clear()
  }

  return { open, close }
}

function isGap(since: number, firstSequence: number): boolean {
  return firstSequence !== since + 1
}

function isWanted(row: EventRow, project: string | null): boolean {
  return project === null || row.project === project
}

function printLine(line: EventLine): string {
  return `${JSON.stringify(line)}\n`
}

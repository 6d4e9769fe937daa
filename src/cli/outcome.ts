// From a request to its outcome: wait with progress, then say who failed, who is late and who had
// to be killed. Used by every command that waits.

import { parseDuration, printDuration } from '../base/duration.ts'
import { quote } from '../base/quote.ts'
import type { Client } from '../client/client.ts'
import { type Goal, type WaitResult, waitFor } from '../client/wait-for.ts'
import type { StatusRow } from '../protocol/response.ts'
import { CommandFailure, type CommandResult, type Deps } from './deps.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import type { Options } from './parse-arguments.ts'
import { createProgress } from './progress.ts'

export interface OutcomeRequest {
  readonly client: Client
  readonly goals: ReadonlyMap<string, Goal>
  readonly before?: readonly StatusRow[]
  readonly project: string | null
  /** The last event before the request. */
  readonly since?: number
  readonly timeoutMs: number | null
  /** `starting`, for the progress. */
  readonly doing: string
  readonly signal?: AbortSignal
}

/** All instances with the same goal. */
export function sameGoal(ids: readonly string[], goal: Goal): ReadonlyMap<string, Goal> {
  return new Map(ids.map((id) => [id, goal]))
}

/** Waits and shows the progress; `onEvent`-like details are left to client/wait-for.ts. */
export async function awaitOutcome(request: OutcomeRequest, deps: Deps): Promise<WaitResult> {
  const progress = createProgress(deps, request.doing)
  try {
    return await waitFor({ ...request, isFailFast: true, onProgress: progress.show })
  } finally {
    progress.clear()
  }
}

/** For commands that have nothing to say but the outcome. */
export async function settle(request: OutcomeRequest, deps: Deps): Promise<CommandResult> {
  const result = await awaitOutcome(request, deps)
  const stderr = printProblems(result, request.timeoutMs)
  return { output: { stdout: printKilled(result), stderr }, exitCode: toExitCode(result) }
}

export function toExitCode({ outcome }: WaitResult): ExitCode {
  if (outcome === 'reached') return exitCodes.done
  return outcome === 'timed-out' ? exitCodes.timedOut : exitCodes.failed
}

/** Names what did not stop by itself; empty when everything did. */
export function printKilled({ killed }: Pick<WaitResult, 'killed'>): string {
  return [...killed].map(([id, names]) => `${shortId(id)}: killed: ${names}\n`).join('')
}

/** Who failed and who is missing; empty when nobody is. */
export function printProblems(result: WaitResult, timeoutMs: number | null): string {
  const lines = result.failures.slice(0, MAX_NAMED).map(({ id, row, reason }) => {
    const retry = row?.phase === 'backoff' ? '; it is tried again' : ''
    const service = shortId(id).replace(/@1$/, '')
    return (
      `eudaemon: ${shortId(id)}: ${reason}${retry}\n` +
      `  \`eudaemon why ${service}\` explains, \`eudaemon logs ${service}\` shows its output.\n`
    )
  })
  const more = result.failures.length - lines.length
  if (more > 0) lines.push(`eudaemon: ${more} more failed; see \`eudaemon status\`\n`)
  if (result.outcome === 'timed-out') {
    const names = result.pending.slice(0, MAX_NAMED).map(shortId).join(', ')
    const rest =
      result.pending.length > MAX_NAMED ? ` and ${result.pending.length - MAX_NAMED} more` : ''
    lines.push(`eudaemon: timed out after ${printDuration(timeoutMs ?? 0)}: ${names}${rest}\n`)
  }
  return lines.join('')
}

/** The value of --timeout; null without one. */
export function readTimeout(options: Options): number | null {
  const text = options.value('timeout')
  if (text === undefined) return null
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw new CommandFailure(
    exitCodes.wrongUsage,
    `eudaemon: ${quote(text)} is no time; write 500ms, 10s or 2min\n`,
  )
}

const MAX_NAMED = 10

/** `web@1` of `shop/web@1`. */
export function shortId(id: string): string {
  return id.slice(id.indexOf('/') + 1)
}

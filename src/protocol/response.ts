// What the control API answers: types only, plain JSON. Field names are a contract with scripts;
// a field may be added, none is renamed or removed within a protocol version.

import type { Diagnostic } from '../base/diagnostic.ts'
import type { ErrorCode } from '../base/error-codes.ts'

export type PhaseName =
  | 'down'
  | 'waiting'
  | 'setup'
  | 'starting'
  | 'up'
  | 'reloading'
  | 'stopping'
  | 'killing'
  | 'finish'
  | 'backoff'
  | 'failed'

/** How an invocation ended. */
export type ExitAnswer =
  | { readonly code: number }
  | { readonly signal: string }
  | { readonly unknown: true }

/** One instance, as `status --json` prints it. */
export interface StatusRow {
  readonly project: string
  readonly service: string
  /** `web@1`: unique within the project. */
  readonly instance: string
  readonly desired: 'up' | 'down'
  readonly phase: PhaseName
  readonly ready: boolean
  /** Of the main process; null where there is none. */
  readonly pid: number | null
  /** When the phase was entered, ISO 8601. */
  readonly since: string
  /** Automatic restarts since the definition was applied. */
  readonly restarts: number
  readonly exit: ExitAnswer | null
  readonly reason: string | null
  /** The file on disk differs from what runs. Filled in by the command, which sees the file. */
  readonly drift: boolean
}

/** One change of phase. */
export interface EventRow {
  /** Counts up by one within the life of a supervisor, and never goes back after a restart. */
  readonly sequence: number
  readonly time: string
  readonly project: string
  readonly service: string
  readonly instance: string
  readonly from: PhaseName
  readonly to: PhaseName
  readonly reason: string | null
  /** The main process in the new phase; null where there is none. */
  readonly pid?: number | null
}

/** A line of the event stream that is no event: some are lost, or the stream ends here. */
export interface StreamNotice {
  readonly notice: { readonly code: ErrorCode | 'gap'; readonly message: string }
}

export type EventLine = EventRow | StreamNotice

/** Something the kernel may or may not offer, found by trying. */
export interface FeatureAnswer {
  readonly name: string
  readonly isPresent: boolean
  /** What it is used for, and what happens without it. */
  readonly detail: string
}

export interface SupervisorInfo {
  readonly pid: number
  readonly guardian: number | null
  readonly version: string
  readonly protocol: number
  readonly mode: 'normal' | 'hold'
  /** Why it holds; null in normal mode. */
  readonly holdReason: string | null
  readonly startedAt: string
  readonly home: string
  readonly projects: readonly { readonly name: string; readonly file: string }[]
  readonly counters: Readonly<Record<string, number>>
  /** For people: what is wrong with the supervisor itself, for example a full disk. */
  readonly problems: readonly string[]
  readonly features: readonly FeatureAnswer[]
}

/** What a request set in motion. */
export interface WantAnswer {
  /** `shop/web@1`: those asked for, and with `up` also those they need. */
  readonly instances: readonly string[]
  /** The last event before the request: follow from here to see what it does. */
  readonly sequence: number
}

/** One difference between the running definition and another one. */
export interface ChangeAnswer {
  readonly service: string
  readonly change: 'added' | 'removed' | 'restart' | 'live' | 'scaled'
  /** The settings that differ, as dotted paths. */
  readonly settings: readonly string[]
}

export interface ApplyAnswer extends WantAnswer {
  readonly changes: readonly ChangeAnswer[]
}

export interface WhyAnswer {
  readonly status: StatusRow
  /** The last changes of phase, oldest first. */
  readonly transitions: readonly EventRow[]
  /** What it waits for, and what that waits for, nearest first. */
  readonly blockedBy: readonly {
    readonly instance: string
    readonly phase: PhaseName
    readonly reason: string | null
  }[]
  readonly lastExit: { readonly exit: ExitAnswer; readonly at: string } | null
  readonly log: { readonly droppedBytes: number }
  /** What happens next without anybody doing anything, for example `restart in 4s`. */
  readonly next: string | null
}

export interface ErrorAnswer {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly hint: string | null
    readonly diagnostics?: readonly Diagnostic[]
  }
}

/** The HTTP status that an error code is answered with. */
export function httpStatusOf(code: ErrorCode): number {
  return statusByCode[code] ?? 503
}

const statusByCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  ERR_BAD_REQUEST: 400,
  ERR_VERSION_MISMATCH: 400,
  ERR_REQUEST_REFUSED: 403,
  ERR_NO_SERVICE: 404,
  ERR_NO_PROJECT: 404,
  ERR_NO_ROUTE: 404,
  ERR_STILL_RUNNING: 409,
  ERR_REQUEST_TOO_LARGE: 413,
  ERR_INVALID_DEFINITION: 422,
}

/** `web@1 of shop` as the API names it: `shop/web@1`. */
export function instanceIdOf(row: { readonly project: string; readonly instance: string }): string {
  return `${row.project}/${row.instance}`
}

// The one error class: the world said no. Match on `code`, never on the class or the message.

import type { ErrorCode } from './error-codes.ts'

/** What a ToolkitError carries besides its code and message. */
export interface ToolkitErrorDetails {
  /** Facts for programs: paths, numbers, names. */
  readonly context?: Readonly<Record<string, string | number | boolean | null>>
  /** What the operator can do, as a whole sentence. */
  readonly hint?: string
  readonly cause?: unknown
}

/** Something that was asked for could not be done. `code` is stable, the message is for people. */
export class ToolkitError extends Error {
  override readonly name = 'ToolkitError'
  readonly code: ErrorCode
  readonly context: Readonly<Record<string, string | number | boolean | null>>
  readonly hint: string | null

  constructor(code: ErrorCode, message: string, details: ToolkitErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.context = details.context ?? {}
    this.hint = details.hint ?? null
  }
}

/** True for an error of ours with that code. */
export function hasCode(error: unknown, code: ErrorCode): error is ToolkitError {
  return error instanceof ToolkitError && error.code === code
}

// Making our folders, with errors that say what is wrong and what to do.

import { chmodSync, mkdirSync } from 'node:fs'
import type { ErrorCode } from '../base/error-codes.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { isErrno } from '../kernel/syscall-error.ts'

/** Makes the folder and those above it; `mode` is that of the last one. */
export function makeFolder(path: string, mode: number): void {
  try {
    if (mkdirSync(path, { recursive: true, mode }) !== undefined) chmodSync(path, mode)
  } catch (error) {
    const isDenied = ['EACCES', 'EPERM', 'EROFS'].some((name) => isErrno(error, name))
    const code = isDenied ? 'ERR_STATE_DIRECTORY_READ_ONLY' : 'ERR_STATE_DIRECTORY_FULL'
    const text = error instanceof Error ? error.message : String(error)
    throw refusal(code, path, text, error)
  }
}

function refusal(code: ErrorCode, path: string, text: string, cause: unknown): ToolkitError {
  return new ToolkitError(code, `cannot make the folder '${path}': ${text}`, {
    context: { path },
    hint: 'Make it writable, or set EUDAEMON_HOME to a folder that is.',
    cause,
  })
}

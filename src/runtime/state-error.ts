// What the state directory says no with, as errors that tell a person what to do. The supervisor
// must not die of any of them: services run on, and it says what it could not record.

import type { ErrorCode } from '../base/error-codes.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { KernelError, kernelErrorOf } from '../kernel/syscall-error.ts'
import { JOURNAL_VERSION } from '../protocol/journal-record.ts'

const full: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG']
const readOnly: readonly string[] = ['EROFS', 'EACCES', 'EPERM']

/** Does something with node:fs in the state directory and gives its errors their meaning. */
export function inStateDirectory<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw stateRefusal(path, error)
  }
}

/**
 * The meaning of an error of node:fs on that path; errors of other origin come back as they are.
 */
export function stateRefusal(path: string, error: unknown): unknown {
  const cause = kernelErrorOf(error, path)
  if (!(cause instanceof KernelError)) return error
  const [code, what, hint] = meaningOf(cause.errnoName)
  const context = { path, errno: cause.errnoName, syscall: cause.syscall }
  return new ToolkitError(code, `${what}: ${cause.message}`, { context, hint, cause })
}

function meaningOf(errno: string): readonly [ErrorCode, string, string] {
  if (full.includes(errno)) {
    const hint =
      'Free space on that file system (`df -h` and `df -i` show it); services keep running.'
    return ['ERR_STATE_DIRECTORY_FULL', 'the state directory is full', hint]
  }
  if (readOnly.includes(errno)) {
    const hint = 'Make it writable for this user, or set EUDAEMON_HOME to a folder that is.'
    return ['ERR_STATE_DIRECTORY_READ_ONLY', 'the state directory cannot be written', hint]
  }
  const hint = 'Look at what is at that path, or set EUDAEMON_HOME to another folder.'
  return ['ERR_STATE_DIRECTORY_UNUSABLE', 'the state directory cannot be used', hint]
}

/** The refusal of a journal that a newer eudaemon wrote. */
export function newerVersion(path: string, version: number): ToolkitError {
  const message = `'${path}' has version ${version}; this eudaemon reads up to ${JOURNAL_VERSION}`
  return new ToolkitError('ERR_STATE_VERSION', message, {
    context: { path, version, newestKnown: JOURNAL_VERSION },
    hint: 'Run the version of eudaemon that wrote it, or set EUDAEMON_HOME to another folder.',
  })
}

// The soft limit of open files that a child of ours should begin with: that of whoever called us.
// Node raises its own to the hard limit when it starts, before any of our code runs, and children
// would inherit that: programs that use select(2) or close every possible descriptor suffer.

import { toPid } from '../base/brands.ts'
import { DEFAULT_SOFT_OPEN_FILES } from '../base/limits.ts'
import { softDescriptorLimitOf } from '../kernel/procfs.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where the limit travels from the first command to every later supervisor. */
export const CALLER_LIMIT_VARIABLE = 'EUDAEMON_CALLER_NOFILE'

/**
 * The limit of our parent as it is now, or the conventional one where the parent is an init: that
 * raises its own for itself, too, and starts services with another one.
 */
export function callerDescriptorLimit(environment: Environment): number {
  const parent = process.ppid
  const isOfInit = parent <= 1 || environment['SYSTEMD_EXEC_PID'] === String(process.pid)
  const limit = isOfInit ? null : softDescriptorLimitOf(toPid(parent))
  return limit ?? DEFAULT_SOFT_OPEN_FILES
}

/** The limit that an earlier program of ours found and passed on; null without one. */
export function inheritedCallerLimit(environment: Environment): number | null {
  const text = environment[CALLER_LIMIT_VARIABLE] ?? ''
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null
}

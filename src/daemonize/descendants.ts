// The processes of a daemon that is starting: all that descend from us. We are their subreaper, so
// whoever loses its parent becomes our child; nothing can leave.

import type { Pid } from '../base/brands.ts'
import { MAX_DAEMON_PROCESSES } from '../base/limits.ts'
import { children, readStat } from '../kernel/procfs.ts'

/** Parents come before their children. `except` and what descends from it is left out. */
export function descendantsOf(ancestor: Pid, except: ReadonlySet<Pid> = new Set()): Pid[] {
  const found: Pid[] = []
  const add = (pid: Pid): void => {
    for (const child of children(pid)) if (!except.has(child)) found.push(child)
  }
  add(ancestor)
  for (let at = 0; at < found.length && at < MAX_DAEMON_PROCESSES; at += 1) {
    const pid = found[at]
    if (pid !== undefined) add(pid)
  }
  return found
}

/** True for a process below `ancestor`. */
export function isDescendant(pid: Pid, ancestor: Pid): boolean {
  let at: Pid | undefined = pid
  for (let depth = 0; at !== undefined && depth < MAX_DAEMON_PROCESSES; depth += 1) {
    if (at === ancestor) return depth > 0
    const parent: Pid | undefined = readStat(at)?.parent
    if (parent === undefined || Number(parent) <= 1) return Number(ancestor) === 1
    at = parent
  }
  return false
}

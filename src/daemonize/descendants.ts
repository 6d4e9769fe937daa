// The processes of a daemon that is starting: all that descend from us. We are their subreaper, so
// whoever loses its parent becomes our child; nothing can leave.

import type { Pid } from '../base/brands.ts'
import { MAX_DAEMON_PROCESSES } from '../base/limits.ts'
import { closeFd } from '../kernel/fd.ts'
import { openPidfd } from '../kernel/pidfd.ts'
import { children, readStat } from '../kernel/procfs.ts'
import { lookForChildren, reap } from '../kernel/wait.ts'

/** Parents come before their children. `except` and what descends from it is left out. */
export function descendantsOf(ancestor: Pid, except: ReadonlySet<Pid>): Pid[] {
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

/**
 * True when nothing is left below us but `except`, and reaps what has ended. The listing of
 * children may miss one that lives while others end, so the kernel is asked, unless the exceptions
 * hide the answer.
 */
export function isNothingLeft(ancestor: Pid, except: ReadonlySet<Pid>): boolean {
  for (;;) {
    const found = lookForChildren()
    if (found === 'none') return true
    if (found === 'living' || except.has(found.ended)) break
    const pidfd = openPidfd(found.ended)
    if (pidfd === null) continue
    reap(pidfd)
    closeFd(pidfd)
  }
  if (except.size === 0) return false
  for (const pid of descendantsOf(ancestor, except)) {
    const pidfd = openPidfd(pid)
    if (pidfd === null) continue
    reap(pidfd)
    closeFd(pidfd)
  }
  return descendantsOf(ancestor, except).length === 0
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

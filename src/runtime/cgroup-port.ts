// A control group per instance, where one can be made. The process is moved right after its exec:
// entering before exec costs a shell and about 8 ms of kernel time for each start (an RCU grace
// period), which would be most of a restart. What forks in between is moved along when the move is
// done, and is found by descent and environment in any case (process-tree.ts).

import type { InstanceId, Pid } from '../base/brands.ts'
import type { ProcessStat } from '../kernel/procfs.ts'
import { enterCgroup, makeCgroup, removeCgroup } from '../kernel/cgroup.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import type { Invocation } from './invocation.ts'

export interface CgroupPort {
  /** Moves the process, then what it has forked meanwhile. */
  enter(tracked: Invocation, pid: Pid, members: () => readonly ProcessStat[]): void
  /** For an adopted invocation: its group, when it is there. */
  pathOf(id: InstanceId): string | null
  remove(id: InstanceId): void
}

/** `root` is a folder that we may write, null where there is none. */
export function createCgroupPort(
  root: string | null,
  onProblem: (message: string) => void,
): CgroupPort {
  let isBroken = false
  const pathOf = (id: InstanceId) => (root === null ? null : `${root}/${id}`)

  async function move(path: string, pid: Pid, members: () => readonly ProcessStat[]): Promise<void> {
    await moveOne(path, pid)
    for (const member of members()) if (member.pid !== pid) await moveOne(path, member.pid)
  }

  async function moveOne(path: string, pid: Pid): Promise<void> {
    try {
      await enterCgroup(path, pid)
    } catch (error) {
      // It ended first, or the group was removed because all of it ended first.
      if (isErrno(error, 'ESRCH') || isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return
      if (isBroken) return
      isBroken = true
      const text = error instanceof Error ? error.message : String(error)
      onProblem(`cannot use control groups: ${text}; continuing with process tracking`)
    }
  }

  return {
    pathOf,
    enter: (tracked, pid, members) => {
      const path = pathOf(tracked.id)
      if (path === null || isBroken) return
      try {
        if (tracked.cgroup === null) makeCgroup(path)
      } catch (error) {
        isBroken = true
        const text = error instanceof Error ? error.message : String(error)
        return onProblem(`cannot make a control group: ${text}; continuing with process tracking`)
      }
      tracked.cgroup = path
      void move(path, pid, members)
    },
    remove: (id) => {
      const path = pathOf(id)
      if (path !== null) removeCgroup(path)
    },
  }
}

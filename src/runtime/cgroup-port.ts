// A control group per instance, where one can be made. Processes are moved after their exec, one
// after the other, when nothing is being spawned. Entering before exec would cost each start a
// shell and about 8 ms of kernel time (a grace period), which is most of a restart; and a move that
// runs beside spawns holds up every fork of the machine. What forks in between is moved along
// afterwards, and is found by descent and environment in any case (process-tree.ts).

import type { InstanceId, Pid } from '../base/brands.ts'
import { enterCgroup, makeCgroup, removeCgroup } from '../kernel/cgroup.ts'
import type { ProcessStat } from '../kernel/procfs.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import type { Invocation } from './invocation.ts'

export interface CgroupPort {
  /** Moves the process soon, then what it has forked meanwhile. */
  enter(tracked: Invocation, pid: Pid, members: () => readonly ProcessStat[]): void
  /** The group of an instance, whether it exists or not; null: there are no groups. */
  pathOf(id: InstanceId): string | null
  remove(id: InstanceId): void
  /** Removes all groups that are empty. */
  close(): void
}

export interface CgroupPortDeps {
  /** A folder that we may write, null where there is none. */
  readonly root: string | null
  readonly onProblem: (message: string) => void
  /** Calls back once when nothing is left to be done. */
  readonly whenIdle: (callback: () => void) => void
}

interface Move {
  readonly tracked: Invocation
  readonly pid: Pid
  readonly members: () => readonly ProcessStat[]
}

export function createCgroupPort({ root, onProblem, whenIdle }: CgroupPortDeps): CgroupPort {
  let isBroken = false
  let isMoving = false
  // Bounded by the processes that run: a move is queued once for each spawn.
  let moves: Move[] = []
  const pathOf = (id: InstanceId) => (root === null ? null : `${root}/${id}`)

  async function moveAll(): Promise<void> {
    while (moves.length > 0 && !isBroken) {
      const batch = moves
      moves = []
      for (const move of batch) await moveTree(move)
    }
    isMoving = false
  }

  async function moveTree({ tracked, pid, members }: Move): Promise<void> {
    const path = pathOf(tracked.id)
    if (path === null || isBroken || !tracked.leaders.has(pid)) return
    try {
      if (tracked.processes.size === 0) return
      makeCgroup(path)
      tracked.cgroup = path
      await moveOne(path, pid)
      for (const member of members()) if (member.pid !== pid) await moveOne(path, member.pid)
    } catch (error) {
      isBroken = true
      const text = error instanceof Error ? error.message : String(error)
      onProblem(`cannot use control groups: ${text}; continuing with process tracking`)
    }
  }

  async function moveOne(path: string, pid: Pid): Promise<void> {
    try {
      await enterCgroup(path, pid)
    } catch (error) {
      // It ended first, or the group was removed because all of it ended first.
      if (!['ESRCH', 'ENOENT', 'ENODEV'].some((name) => isErrno(error, name))) throw error
    }
  }

  return {
    pathOf,
    enter: (tracked, pid, members) => {
      if (root === null || isBroken) return
      moves.push({ tracked, pid, members })
      if (isMoving) return
      isMoving = true
      whenIdle(() => void moveAll())
    },
    remove: (id) => {
      const path = pathOf(id)
      if (path !== null) removeCgroup(path)
    },
    close: () => {
      if (root !== null) removeCgroup(root)
    },
  }
}

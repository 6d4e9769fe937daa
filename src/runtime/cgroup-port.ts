// A control group per instance, where one can be made. Processes are moved after their exec, one
// after the other, when nothing is being spawned. Entering before exec would cost each start a
// shell and about 8 ms of kernel time (a grace period), which is most of a restart; and a move that
// runs beside spawns holds up every fork of the machine. What forks in between is moved along
// afterwards, and is found by descent and environment in any case (process-tree.ts).

import { setTimeout as delay } from 'node:timers/promises'
import type { InstanceId, Pid } from '../base/brands.ts'
import {
  cgroupProcesses,
  enterCgroup,
  isPopulated,
  makeCgroup,
  removeCgroup,
} from '../kernel/cgroup.ts'
import { type ProcessStat, readStat } from '../kernel/procfs.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import type { Invocation } from './invocation.ts'

export interface CgroupPort {
  /** Moves the process soon, then what it has forked meanwhile. */
  enter(tracked: Invocation, pid: Pid, members: () => readonly ProcessStat[]): void
  /**
   * The group that the processes of an adopted instance are in, or would be made in; null: there
   * are no groups. A supervisor that was begun from another session makes groups elsewhere.
   */
  groupOf(id: InstanceId): string | null
  remove(id: InstanceId): void
  /**
   * Removes all groups, those of former roots too; gives the roots where that was not possible,
   * because processes that were left alone are in them.
   */
  close(): Promise<readonly string[]>
}

export interface CgroupPortDeps {
  /** A folder that we may write, null where there is none. */
  readonly root: string | null
  /** Where former supervisors of this home made groups, as far as it is another place. */
  readonly formerRoots: readonly string[]
  readonly onProblem: (message: string) => void
  /** Calls back once when nothing is left to be done. */
  readonly whenIdle: (callback: () => void) => void
}

interface Move {
  readonly tracked: Invocation
  readonly pid: Pid
  readonly members: () => readonly ProcessStat[]
}

/** A process that has ended may count as a member for a moment more. */
const REMOVE_PATIENCE_MS = 1_000
const REMOVE_POLL_MS = 10

export function createCgroupPort(deps: CgroupPortDeps): CgroupPort {
  const { root, formerRoots, onProblem, whenIdle } = deps
  const roots = root === null ? formerRoots : [root, ...formerRoots]
  let isBroken = false
  let isClosed = false
  let moving: Promise<void> | null = null
  // Bounded by the processes that run: a move is queued once for each spawn.
  let moves: Move[] = []
  const pathOf = (id: InstanceId) => (root === null ? null : `${root}/${id}`)

  async function moveAll(): Promise<void> {
    while (moves.length > 0 && !isBroken && !isClosed) {
      const batch = moves
      moves = []
      for (const move of batch) await moveTree(move)
    }
    moving = null
  }

  async function moveTree({ tracked, pid, members }: Move): Promise<void> {
    // One that was adopted stays together in the group that it is in.
    const path = tracked.cgroup ?? pathOf(tracked.id)
    if (path === null || isBroken || isClosed || !tracked.leaders.has(pid)) return
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
    groupOf: (id) => {
      const found = formerRoots.map((former) => `${former}/${id}`).find(isPopulated)
      return found ?? pathOf(id)
    },
    enter: (tracked, pid, members) => {
      if (root === null || isBroken) return
      moves.push({ tracked, pid, members })
      if (moving !== null) return
      const { promise, resolve } = Promise.withResolvers<void>()
      moving = promise.then(moveAll)
      whenIdle(resolve)
    },
    remove: (id) => {
      for (const each of roots) removeCgroup(`${each}/${id}`)
    },
    close: async () => {
      isClosed = true
      const endMs = performance.now() + REMOVE_PATIENCE_MS
      let left = roots.filter((each) => !removeCgroup(each))
      while (left.some(isDying) && performance.now() < endMs) {
        await delay(REMOVE_POLL_MS)
        left = left.filter((each) => !removeCgroup(each))
      }
      return left
    },
  }
}

/** Nobody lives in it, and still it cannot be removed. */
function isDying(root: string): boolean {
  return cgroupProcesses(root).every((pid) => ['Z', 'X'].includes(readStat(pid)?.state ?? 'X'))
}

// Which processes belong to an invocation. Evidence, any of: in its control group; its invocation
// id in the environment it was started with; a descendant of a process of it; in the session or
// process group of one of its leaders; one of its log pipes open. A number alone is no evidence:
// sessions count only for processes below our guardian that carry no other invocation's id.
//
// Cheap in the usual case: descendants hang below the leaders, and orphans below the guardian,
// which usually has no child but the supervisor. All of /proc is read only for invocations that
// were adopted after the guardian died too.

import type { InstanceId, Pid } from '../base/brands.ts'
import { cgroupProcesses } from '../kernel/cgroup.ts'
import { children, findOpenPipe, type ProcessStat, readStat } from '../kernel/procfs.ts'
import type { Invocation } from './invocation.ts'
import { invocationIdOf, type ProcessScan, scanAll } from './process-scan.ts'

export interface ProcessTree {
  /** The living processes of an invocation; zombies are not living. */
  membersOf(invocation: Invocation): readonly ProcessStat[]
  hasMembers(invocation: Invocation): boolean
  /** Within the action, which does not wait, all of /proc is read once instead of once for each. */
  withOneScan(action: (scan: ProcessScan) => void): void
  /** Orphans of our guardian that nothing ties to any invocation. */
  strangers(): readonly ProcessStat[]
}

export interface ProcessTreeDeps {
  /** Who orphans are re-parented to: the guardian, or ourselves without one. */
  readonly reaper: Pid
  readonly self: Pid
  /** The processes that we started: they and what hangs below them are no orphans. */
  readonly isLeader: (pid: Pid) => boolean
  /** The inode numbers of an instance's log pipes. */
  readonly pipesOf: (id: InstanceId) => readonly number[]
}

export function openProcessTree(deps: ProcessTreeDeps): ProcessTree {
  const { reaper, self, isLeader } = deps
  let shared: ProcessScan | null = null

  function membersOf(invocation: Invocation): readonly ProcessStat[] {
    const found = new Map<Pid, ProcessStat>()
    const addTree = (pid: Pid) => {
      if (found.has(pid) || pid === self || pid === reaper) return
      const stat = readStat(pid)
      if (stat === null || stat.state === 'Z' || stat.state === 'X') return
      found.set(pid, stat)
      for (const child of children(pid)) addTree(child)
    }
    for (const { ref } of invocation.processes.values()) addTree(ref.pid)
    if (invocation.cgroup !== null) {
      for (const pid of cgroupProcesses(invocation.cgroup)) addTree(pid)
    }
    const pipes = deps.pipesOf(invocation.id)
    if (invocation.isUprooted) {
      for (const pid of (shared ?? scanAll()).membersOf(invocation.invocation, pipes)) addTree(pid)
      return [...found.values()]
    }
    for (const stat of orphans(reaper)) if (isMember(invocation, stat, pipes)) addTree(stat.pid)
    return [...found.values()]
  }

  function* orphans(parent: Pid): Generator<ProcessStat> {
    for (const pid of children(parent)) {
      if (pid === self || isLeader(pid)) continue
      const stat = readStat(pid)
      if (stat !== null) yield* withDescendants(stat)
    }
  }

  function* withDescendants(stat: ProcessStat): Generator<ProcessStat> {
    yield stat
    for (const pid of children(stat.pid)) {
      const child = readStat(pid)
      if (child !== null) yield* withDescendants(child)
    }
  }

  return {
    membersOf,
    withOneScan: (action) => {
      shared = scanAll()
      action(shared)
      shared = null
    },
    hasMembers: (invocation) => membersOf(invocation).length > 0,
    strangers: () =>
      [...orphans(reaper)].filter(
        ({ pid, state }) => state !== 'Z' && invocationIdOf(pid) === null,
      ),
  }
}

function isMember(invocation: Invocation, stat: ProcessStat, pipes: readonly number[]): boolean {
  if (stat.state === 'Z' || stat.state === 'X') return false
  const own = invocationIdOf(stat.pid)
  if (own !== null) return own === invocation.invocation
  // Its environment was replaced, or may not be read. A pipe of ours is certain; the session or
  // group it was born in counts unless that number belongs to another process by now.
  if (pipes.length > 0 && findOpenPipe([stat.pid], pipes) !== null) return true
  return [stat.session, stat.group].some((number) => {
    const leader = invocation.leaders.get(number)
    if (leader === undefined || stat.startTime < leader.startTime) return false
    const holder = readStat(number)
    return holder === null || holder.startTime === leader.startTime
  })
}

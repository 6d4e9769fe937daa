// After a restart of the supervisor: what became of every process that the records speak of. First
// the descriptor store, whose pidfds are certain; then pid with start time; last, for a spawn whose
// outcome was never recorded, the environment of every process. Nothing is guessed: a status that
// nobody can tell is unknown, and `never-spawned` is only said when it is proven.

import type { Fd, InstanceId, InvocationId, Pid } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import type { Observation, ObservedInstance } from '../core/adoption.ts'
import {
  type InstanceState,
  type ProcessRef,
  type Role,
  type Slot,
  slotsOf,
} from '../core/instance-state.ts'
import { closeFd } from '../kernel/fd.ts'
import { hasEnded, openPidfd, pidOfPidfd } from '../kernel/pidfd.ts'
import {
  allProcesses,
  children,
  environmentOf,
  type ProcessStat,
  readStat,
  startTime,
} from '../kernel/procfs.ts'
import { endStatusOf } from './end-status.ts'
import { type Invocation, newInvocation } from './invocation.ts'
import { type ProcessPort, pidfdName } from './process-port.ts'
import { invocationIdOf } from './process-scan.ts'

export interface DiscoverDeps {
  readonly kept: Map<string, readonly Fd[]>
  readonly processes: ProcessPort
  readonly cgroupOf: (id: InstanceId) => string | null
  readonly reaper: Pid
  readonly uprooted: ReadonlySet<InvocationId>
}

/** A guardian reaps at once; this bounds how long we wait for it at start. */
const MAX_REAP_WAIT_MS = 500

/** How long a half-made child may keep us waiting, and one whose environment reads as empty. */
const MAX_HALF_SPAWNED_MS = 2_000
const MAX_EXEC_MS = 100

export interface Discovery {
  observe(instance: InstanceState): ObservedInstance
}

/** Waits until no half-made child of our predecessor is left, then looks. */
export function createDiscovery(deps: DiscoverDeps): Discovery {
  let byInvocation: Map<string, ProcessStat[]> | null = null

  /** One scan for all: who carries which invocation id. */
  function carriers(invocation: string): readonly ProcessStat[] {
    if (byInvocation === null) {
      byInvocation = new Map()
      for (const stat of allProcesses()) {
        if (stat.state === 'Z') continue
        const id = invocationIdOf(stat.pid)
        if (id === null) continue
        const list = byInvocation.get(id)
        if (list === undefined) byInvocation.set(id, [stat])
        else list.push(stat)
      }
    }
    return byInvocation.get(invocation) ?? []
  }

  function observe(instance: InstanceState): ObservedInstance {
    const { phase, id } = instance
    if (!('invocation' in phase)) return { roles: {}, hasLeftovers: false }
    const { invocation } = phase
    const roles: Partial<Record<Role, Observation>> = {}
    const slots = slotsOf(phase)
    const isKept = slots.every(([role]) => deps.kept.has(pidfdName(id, role, invocation)))
    const isUprooted = !isKept || deps.uprooted.has(invocation)
    const tracked = newInvocation(id, invocation, isUprooted)
    tracked.cgroup = deps.cgroupOf(id)
    deps.processes.setInvocation(tracked)
    for (const [role, slot] of slots) roles[role] = observeSlot(tracked, role, slot, slots)
    const isIdle = Object.values(roles).every((role) => role.kind === 'never-spawned')
    if (isIdle && slots.length > 0) return { roles, hasLeftovers: false }
    return { roles, hasLeftovers: deps.processes.hasLeftovers(tracked) }
  }

  function observeSlot(
    tracked: Invocation,
    role: Role,
    slot: Slot,
    slots: ReturnType<typeof slotsOf>,
  ): Observation {
    const { id, invocation } = tracked
    const kept = deps.kept.get(pidfdName(id, role, invocation))?.[0]
    if (kept !== undefined) return observeKept(tracked, role, kept)
    if (slot !== 'spawning') return observeRef(tracked, role, slot)
    // A process that the record names is not the one whose number was never recorded.
    const isNamed = (pid: Pid) =>
      slots.some(([, other]) => other !== 'spawning' && other.pid === pid)
    const found = carriers(invocation).find(
      (stat) => !isNamed(stat.pid) && !hasCarrierParent(stat, invocation),
    )
    if (found === undefined) return { kind: 'never-spawned' }
    return observeRef(tracked, role, found)
  }

  function hasCarrierParent(stat: ProcessStat, invocation: string): boolean {
    return carriers(invocation).some((other) => other.pid === stat.parent)
  }

  function observeKept(tracked: Invocation, role: Role, pidfd: Fd): Observation {
    deps.kept.delete(pidfdName(tracked.id, role, tracked.invocation))
    const pid = hasEnded(pidfd) ? null : pidOfPidfd(pidfd)
    const start = pid === null ? null : startTime(pid)
    if (pid !== null && start !== null && !hasEnded(pidfd)) {
      return takeOver(tracked, role, { pid, startTime: start }, pidfd)
    }
    const status = endStatus(pidfd)
    closeFd(pidfd)
    return { kind: 'ended', status }
  }

  function observeRef(tracked: Invocation, role: Role, ref: ProcessRef): Observation {
    const gone: Observation = { kind: 'ended', status: { kind: 'unknown' } }
    if (ref.pid === 0) return gone
    const pidfd = openPidfd(ref.pid)
    if (pidfd === null) return gone
    // The start time is compared after the pidfd was opened: from then on the number is held.
    if (startTime(ref.pid) !== ref.startTime) {
      closeFd(pidfd)
      return gone
    }
    return takeOver(tracked, role, { pid: ref.pid, startTime: ref.startTime }, pidfd)
  }

  function takeOver(tracked: Invocation, role: Role, ref: ProcessRef, pidfd: Fd): Observation {
    deps.processes.adopt(tracked, role, ref, pidfd)
    return { kind: 'alive', process: ref, logMark: null }
  }

  return { observe }
}

/** Blocks for moments: the guardian is about to reap what has ended. */
function endStatus(pidfd: Fd): ExitStatus {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  for (let waitedMs = 0; waitedMs < MAX_REAP_WAIT_MS; waitedMs += 1) {
    const status = endStatusOf(pidfd)
    if (status !== 'not-reaped') return status
    Atomics.wait(cell, 0, 0, 1)
  }
  return { kind: 'unknown' }
}

/**
 * A spawn that our predecessor had begun when it was killed: the child shares its memory until the
 * exec and looks like it. Waits until no such child is left, so that what is not found was never
 * spawned.
 */
export async function awaitHalfSpawned(reaper: Pid, self: Pid): Promise<void> {
  const own = readStat(self)
  if (own === null) return
  for (let waitedMs = 0; waitedMs < MAX_HALF_SPAWNED_MS; waitedMs += 1) {
    const halves = children(reaper).filter((pid) => {
      const stat = readStat(pid)
      if (pid === self || stat === null || stat.state === 'Z') return false
      if (stat.startTime > own.startTime) return false
      // In vfork the child has our name and no invocation id; while exec replaces its memory, its
      // environment reads as empty for a moment.
      if (environmentOf(pid) === '') return waitedMs < MAX_EXEC_MS
      return stat.command === own.command && invocationIdOf(pid) === null
    })
    if (halves.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

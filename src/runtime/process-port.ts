// Starts, watches, signals and counts processes. Every process is held by its pidfd, and the pidfd
// is in the descriptor store before anybody hears of the process. What happens to them is emitted
// as events; nothing is decided here.

import { constants, openSync } from 'node:fs'
import {
  type Fd,
  type InstanceId,
  type InvocationId,
  type Pid,
  toFd,
  toPid,
} from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import { signalNumbers } from '../base/signal.ts'
import type { EffectOf } from '../core/effect.ts'
import type { InstanceEvent } from '../core/instance-event.ts'
import type { ProcessRef, Role } from '../core/instance-state.ts'
import { closeFd } from '../kernel/fd.ts'
import { openPidfd, pidOfPidfd, sendSignal } from '../kernel/pidfd.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { startTime } from '../kernel/procfs.ts'
import { spawnProcess } from '../kernel/spawn.ts'
import { reap } from '../kernel/wait.ts'
import type { CgroupPort } from './cgroup-port.ts'
import { endStatusOf } from './end-status.ts'
import { type Invocation, newInvocation, type TrackedProcess } from './invocation.ts'
import type { Launcher } from './launcher.ts'
import { watchPreamble } from './preamble-watch.ts'
import { openProcessTree, type ProcessTree } from './process-tree.ts'
import { signalInvocation } from './signalling.ts'

export interface ProcessPortDeps {
  readonly poller: Poller
  readonly launcher: Launcher
  readonly cgroups: CgroupPort
  /** Who orphans are re-parented to. */
  readonly reaper: Pid
  readonly emit: (id: InstanceId, event: InstanceEvent) => void
  /** Puts a descriptor where it outlives us. */
  readonly keep: (name: string, fds: readonly Fd[]) => void
  readonly unkeep: (name: string) => void
  /** Moves what is in the pipes into the log, before an end is told. */
  readonly drainLog: (id: InstanceId) => void
  readonly pipesOf: (id: InstanceId) => readonly number[]
}

export interface ProcessPort {
  spawn(effect: EffectOf<'spawn'>): void
  signal(effect: EffectOf<'signal'>): void
  watchEmpty(id: InstanceId, invocation: InvocationId): void
  release(id: InstanceId, invocation: InvocationId): void
  /** Takes a process over that a former supervisor started. */
  adopt(invocation: Invocation, role: Role, ref: ProcessRef, pidfd: Fd): void
  invocationOf(id: InstanceId): Invocation | null
  setInvocation(invocation: Invocation): void
  /** The numbers of all its processes at this moment. */
  membersOf(id: InstanceId): readonly Pid[]
  /** Other processes than the ones that we started are there. */
  hasLeftovers(invocation: Invocation): boolean
  /** Signals the main process only; false when there is none. */
  belongs(id: InstanceId, pid: Pid): boolean
  killStrangers(): readonly string[]
  /** See ProcessTree. */
  withOneScan: ProcessTree['withOneScan']
  /** A main process of which nothing but its pidfd is known: nothing is started beside it. */
  setStray(id: InstanceId, pidfd: Fd): void
}

/** A parent that never waits for its child hides the exit status; after this long it is unknown. */
const MAX_REAP_WAIT_MS = 2_000
const LOOK_AGAIN_MS = 5

/** Names the invocation too: the pidfd of a former life must not be taken for this one's. */
export function pidfdName(id: InstanceId, role: Role, invocation: InvocationId): string {
  return `process ${id} ${role} ${invocation}`
}

export function createProcessPort(deps: ProcessPortDeps): ProcessPort {
  const { poller, emit } = deps
  const invocations = new Map<InstanceId, Invocation>()
  const leaders = new Set<Pid>()
  const strays = new Map<InstanceId, Fd>()
  const devNull = toFd(openSync('/dev/null', constants.O_RDWR))
  const tree = openProcessTree({
    reaper: deps.reaper,
    self: toPid(process.pid),
    isLeader: (pid) => leaders.has(pid),
    pipesOf: deps.pipesOf,
  })

  function spawn(effect: EffectOf<'spawn'>): void {
    const { id, invocation, role } = effect
    const stray = strays.get(id)
    if (stray !== undefined) {
      const pid = pidOfPidfd(stray)
      const reason = `process ${pid} of an earlier life still runs, and its record is lost; end it`
      return emit(id, { type: 'spawn-failed', role, invocation, reason })
    }
    let tracked = invocations.get(id)
    if (tracked?.invocation !== invocation) {
      tracked = newInvocation(id, invocation, false)
      invocations.set(id, tracked)
    }
    const main = tracked.processes.get('main')?.ref.pid ?? null
    const launch = deps.launcher.prepare(effect, main)
    if (launch.kind === 'refused') {
      return emit(id, { type: 'spawn-failed', role, invocation, reason: launch.reason })
    }
    const result = spawnProcess({
      ...launch.program,
      files: [{ from: devNull, to: 0 }, ...launch.files],
      session: 'new-session',
    })
    launch.closeChildEnds()
    if (result.kind === 'failed') {
      return emit(id, { type: 'spawn-failed', role, invocation, reason: result.message })
    }
    const { pid, pidfd } = result
    const name = pidfdName(id, role, invocation)
    deps.keep(name, [pidfd])
    tracked.kept.add(name)
    const ref = { pid, startTime: startTime(pid) ?? 0 }
    const { logMark, stageReader } = launch
    const event = { type: 'spawned', role, invocation, process: ref, logMark } as const
    const started = watch(tracked, role, ref, pidfd)
    deps.cgroups.enter(tracked, pid, () => tree.membersOf(tracked))
    if (stageReader === null) emit(id, event)
    else
      started.preamble = watchPreamble(poller, stageReader, (failure) => {
        if (failure === null) emit(id, event)
        else started.failure = failure
      })
  }

  function watch(tracked: Invocation, role: Role, ref: ProcessRef, pidfd: Fd): TrackedProcess {
    const started: TrackedProcess = { role, ref, pidfd, preamble: null, failure: null }
    tracked.processes.set(role, started)
    tracked.leaders.set(ref.pid, ref)
    leaders.add(ref.pid)
    poller.add(pidfd, POLLIN, () => onEnded(tracked, role, pidfd, 0))
    return started
  }

  function onEnded(tracked: Invocation, role: Role, pidfd: Fd, waitedMs: number): void {
    if (waitedMs === 0) poller.remove(pidfd)
    const status = endStatusOf(pidfd)
    if (status === 'not-reaped' && waitedMs < MAX_REAP_WAIT_MS) {
      // Its parent (the guardian) has not waited yet; there is nothing to watch for that.
      const delayMs = Math.max(1, waitedMs)
      setTimeout(() => onEnded(tracked, role, pidfd, waitedMs + delayMs), delayMs)
      return
    }
    const ended = tracked.processes.get(role)
    tracked.processes.delete(role)
    if (ended !== undefined) leaders.delete(ended.ref.pid)
    closeFd(pidfd)
    if (invocations.get(tracked.id) !== tracked) return
    deps.drainLog(tracked.id)
    const { id, invocation } = tracked
    ended?.preamble?.()
    if (ended?.failure) {
      return emit(id, { type: 'spawn-failed', role, invocation, reason: ended.failure })
    }
    const known: ExitStatus = status === 'not-reaped' ? { kind: 'unknown' } : status
    const killed = tracked.killed.size === 0 ? {} : { killed: [...tracked.killed.keys()] }
    const isNotAlone = hasLeftovers(tracked)
    emit(id, {
      type: 'exited',
      role,
      invocation,
      status: known,
      hasLeftovers: isNotAlone,
      ...killed,
    })
  }

  function hasLeftovers(tracked: Invocation): boolean {
    if (tracked.processes.size > 0) return true
    return tree.hasMembers(tracked)
  }

  function signal({ id, invocation, signal: number, scope }: EffectOf<'signal'>): void {
    const tracked = invocations.get(id)
    if (tracked?.invocation !== invocation) return
    signalInvocation(tree, tracked, number, scope)
  }

  function watchEmpty(id: InstanceId, invocation: InvocationId): void {
    const tracked = invocations.get(id)
    if (tracked?.invocation !== invocation) return
    tracked.leftoverWatch ??= { pidfds: new Map() }
    lookForLast(tracked)
  }

  /** Every process that is left is watched; each death is a reason to count again. */
  function lookForLast(tracked: Invocation): void {
    const watchList = tracked.leftoverWatch?.pidfds
    if (watchList === undefined || invocations.get(tracked.id) !== tracked) return
    for (const { pid, startTime: start } of tree.membersOf(tracked)) {
      if (watchList.has(pid)) continue
      const pidfd = openPidfd(pid)
      if (pidfd === null || startTime(pid) !== start) {
        if (pidfd !== null) closeFd(pidfd)
        continue
      }
      watchList.set(pid, pidfd)
      poller.add(pidfd, POLLIN, () => {
        forgetLeftover(tracked, pid)
        lookForLast(tracked)
      })
    }
    const isEmpty = watchList.size === 0 && tracked.processes.size === 0
    if (!isEmpty) return
    if (tree.hasMembers(tracked)) {
      // It appeared or could not be held between the two looks: look again soon.
      setTimeout(() => lookForLast(tracked), LOOK_AGAIN_MS)
      return
    }
    tracked.leftoverWatch = null
    deps.drainLog(tracked.id)
    const { id, invocation, killed } = tracked
    emit(id, { type: 'emptied', invocation, killed: [...killed.keys()] })
  }

  function forgetLeftover(tracked: Invocation, pid: Pid): void {
    const pidfd = tracked.leftoverWatch?.pidfds.get(pid)
    if (pidfd === undefined) return
    tracked.leftoverWatch?.pidfds.delete(pid)
    poller.remove(pidfd)
    // Who is our own child is ours to reap: an orphan without a guardian.
    reap(pidfd)
    closeFd(pidfd)
  }

  function release(id: InstanceId, invocation: InvocationId): void {
    const tracked = invocations.get(id)
    if (tracked?.invocation !== invocation) return
    for (const pid of [...(tracked.leftoverWatch?.pidfds.keys() ?? [])])
      forgetLeftover(tracked, pid)
    for (const { role, pidfd } of tracked.processes.values()) {
      // A hook that outlived its invocation: nothing waits for it any more.
      if (role !== 'main') sendSignal(pidfd, signalNumbers.KILL)
    }
    invocations.delete(id)
    for (const name of tracked.kept) deps.unkeep(name)
  }

  function membersOf(id: InstanceId): readonly Pid[] {
    const tracked = invocations.get(id)
    return tracked === undefined ? [] : tree.membersOf(tracked).map(({ pid }) => pid)
  }

  function adopt(tracked: Invocation, role: Role, ref: ProcessRef, pidfd: Fd): void {
    invocations.set(tracked.id, tracked)
    const name = pidfdName(tracked.id, role, tracked.invocation)
    deps.keep(name, [pidfd])
    tracked.kept.add(name)
    watch(tracked, role, ref, pidfd)
  }

  return {
    spawn,
    signal,
    watchEmpty,
    release,
    adopt,
    hasLeftovers,
    invocationOf: (id) => invocations.get(id) ?? null,
    setStray: (id, pidfd) => {
      strays.set(id, pidfd)
      poller.add(pidfd, POLLIN, () => {
        poller.remove(pidfd)
        strays.delete(id)
        closeFd(pidfd)
      })
    },
    setInvocation: (tracked) => void invocations.set(tracked.id, tracked),
    membersOf,
    withOneScan: tree.withOneScan,
    killStrangers: () =>
      tree.strangers().flatMap(({ pid, startTime: start, command }) => {
        const pidfd = openPidfd(pid)
        if (pidfd === null) return []
        const isSame = startTime(pid) === start
        if (isSame) sendSignal(pidfd, signalNumbers.KILL)
        closeFd(pidfd)
        return isSame ? [`${command} (${pid})`] : []
      }),
    belongs: (id, pid) => membersOf(id).includes(pid),
  }
}

// Sending signals to what belongs to an invocation. Every process is held by a pidfd while it is
// signalled, and its start time is compared after that was opened: a number alone is never trusted.

import type { Fd } from '../base/brands.ts'
import { signalNumbers } from '../base/signal.ts'
import type { SignalScope } from '../core/effect.ts'
import { killCgroup } from '../kernel/cgroup.ts'
import { closeFd } from '../kernel/fd.ts'
import { openPidfd, sendSignal } from '../kernel/pidfd.ts'
import { startTime } from '../kernel/procfs.ts'
import type { Invocation } from './invocation.ts'
import type { ProcessTree } from './process-tree.ts'

const MAX_SIGKILL_PASSES = 16

/** Signals everything of the scope that is there; SIGKILL of all is repeated until none is new. */
export function signalInvocation(
  tree: ProcessTree,
  tracked: Invocation,
  signal: number,
  scope: SignalScope,
): void {
  if (signal === signalNumbers.KILL && scope === 'all') killAll(tree, tracked)
  else for (const pidfd of targets(tree, tracked, scope)) signalOne(pidfd, signal)
}

/** A stopped process cannot act on what it is told: SIGCONT follows, as in daemontools. */
function signalOne(pidfd: Fd, number: number): void {
  sendSignal(pidfd, number)
  const endings: readonly number[] = [signalNumbers.TERM, signalNumbers.HUP, signalNumbers.INT]
  if (endings.includes(number)) sendSignal(pidfd, signalNumbers.CONT)
}

function* targets(tree: ProcessTree, tracked: Invocation, scope: SignalScope): Generator<Fd> {
  const main = tracked.processes.get('main')
  if (scope === 'main' || scope === 'reload') {
    const process = tracked.processes.get(scope)
    if (process) yield process.pidfd
    return
  }
  if (scope === 'hook') {
    for (const { role, pidfd } of tracked.processes.values()) if (role !== 'main') yield pidfd
    return
  }
  for (const { pid, startTime: start, group } of tree.membersOf(tracked)) {
    if (scope === 'group' && group !== main?.ref.pid) continue
    const pidfd = openPidfd(pid)
    if (pidfd === null) continue
    if (startTime(pid) === start) yield pidfd
    closeFd(pidfd)
  }
}

/** Again and again: what forks while it is being killed is found in the next pass. */
function killAll(tree: ProcessTree, tracked: Invocation): void {
  for (let pass = 0; pass < MAX_SIGKILL_PASSES; pass += 1) {
    const members = tree.membersOf(tracked)
    const fresh = members.filter(({ pid, command }) => !tracked.killed.has(`${command} (${pid})`))
    if (fresh.length === 0 && pass > 0) return
    for (const { pid, command } of fresh) tracked.killed.set(`${command} (${pid})`, true)
    if (tracked.cgroup !== null) killCgroup(tracked.cgroup)
    for (const pidfd of targets(tree, tracked, 'all')) sendSignal(pidfd, signalNumbers.KILL)
  }
}

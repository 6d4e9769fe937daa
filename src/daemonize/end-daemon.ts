// Ends a daemon that did not become ready, with all that it has started: first politely, then with
// SIGKILL, until nothing is left below us. Every signal goes through a pidfd.

import type { Fd, Milliseconds, Pid } from '../base/brands.ts'
import { DAEMON_KILL_PATIENCE_MS, MAX_TIMER_MS } from '../base/limits.ts'
import { signalNumbers } from '../base/signal.ts'
import { monotonicMs } from '../kernel/clock.ts'
import { closeFd } from '../kernel/fd.ts'
import { hasEnded, openPidfd, sendSignal } from '../kernel/pidfd.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { errnos, KernelError } from '../kernel/syscall-error.ts'
import { reap } from '../kernel/wait.ts'
import { descendantsOf, isNothingLeft } from './descendants.ts'

export interface EndRequest {
  readonly poller: Poller
  /** Null when the main process has ended already. */
  readonly main: Fd | null
  readonly ancestor: Pid
  /** Children of ours that have nothing to do with the daemon. */
  readonly except: ReadonlySet<Pid>
  readonly stopSignal: number
  /** Infinity: SIGKILL only when hurried. */
  readonly timeoutMs: Milliseconds
  /** Aborted: no more patience, SIGKILL now. */
  readonly hurry: AbortSignal
}

/** Resolves to the processes that could not be ended: none, but for rights and broken kernels. */
export async function endDaemon(request: EndRequest): Promise<readonly Pid[]> {
  const { main, ancestor, except, stopSignal, timeoutMs } = request
  const deadlineMs = monotonicMs() + timeoutMs
  if (main !== null && !hasEnded(main)) {
    trySignal(main, stopSignal)
    // One that is stopped, or waits at its gate, hears nothing before it goes on.
    trySignal(main, signalNumbers.CONT)
    await waitForEnd(request, main, deadlineMs)
  }
  if (main !== null) reap(main)
  const isOver = await endAll(request, signalNumbers.TERM, deadlineMs)
  if (isOver) return []
  const patienceMs = monotonicMs() + DAEMON_KILL_PATIENCE_MS
  // Who is killed may have started another one just before.
  while (monotonicMs() < patienceMs) {
    if (await endAll(request, signalNumbers.KILL, patienceMs)) return []
    const left = descendantsOf(ancestor, except)
    if (left.length > 0 && !left.some(canSignal)) break
  }
  return descendantsOf(ancestor, except)
}

/** Signals all that are there and waits for them; true when nothing is left. */
async function endAll(
  request: EndRequest,
  signal: number,
  deadlineMs: Milliseconds,
): Promise<boolean> {
  const { ancestor, except } = request
  const pidfds = descendantsOf(ancestor, except).flatMap((pid) => openPidfd(pid) ?? [])
  for (const pidfd of pidfds) {
    trySignal(pidfd, signal)
    if (signal !== signalNumbers.KILL) trySignal(pidfd, signalNumbers.CONT)
  }
  for (const pidfd of pidfds) {
    await waitForEnd(request, pidfd, deadlineMs, signal === signalNumbers.KILL)
    reap(pidfd)
    closeFd(pidfd)
  }
  return isNothingLeft(ancestor, except)
}

/** False when the time, or the patience, was over first. */
function waitForEnd(
  { poller, hurry }: EndRequest,
  pidfd: Fd,
  deadlineMs: Milliseconds,
  isKilled = false,
): Promise<boolean> {
  if (hasEnded(pidfd)) return Promise.resolve(true)
  if (hurry.aborted && !isKilled) return Promise.resolve(false)
  return new Promise((resolve) => {
    const settle = (isEnded: boolean) => {
      clearTimeout(timer)
      hurry.removeEventListener('abort', onHurry)
      poller.remove(pidfd)
      resolve(isEnded)
    }
    const onHurry = () => {
      if (!isKilled) settle(false)
    }
    hurry.addEventListener('abort', onHurry)
    const leftMs = Math.min(MAX_TIMER_MS, Math.max(0, deadlineMs - monotonicMs()))
    const timer = setTimeout(() => settle(false), leftMs)
    poller.add(pidfd, POLLIN, () => settle(true))
  })
}

/** EPERM: it has become another user. Told at the end, as one that is left. */
function trySignal(pidfd: Fd, signal: number): boolean {
  try {
    return sendSignal(pidfd, signal)
  } catch (error) {
    if (error instanceof KernelError && error.errno === errnos.EPERM) return false
    throw error
  }
}

function canSignal(pid: Pid): boolean {
  const pidfd = openPidfd(pid)
  if (pidfd === null) return false
  const can = trySignal(pidfd, 0)
  closeFd(pidfd)
  return can
}

// Acts on the owner of a PID file: signals, stops and describes it, always through its pidfd. What
// cannot be proved is refused with an error that says why; nothing is ever sent to a number.

import type { Fd, Milliseconds, Pid } from '../base/brands.ts'
import { MAX_TIMER_MS } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { signalName, signalNumbers } from '../base/signal.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd } from '../kernel/fd.ts'
import { hasEnded, sendSignal } from '../kernel/pidfd.ts'
import { openPoller, POLLIN } from '../kernel/poll.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { busy } from './pid-file-error.ts'
import { type Removal, removePidFileOf, removeStalePidFile } from './pid-file-remove.ts'
import { openOwner, type RunningOwner } from './pid-owner.ts'

export interface StopOptions {
  /** The number of the signal that asks it to end; SIGTERM is customary. */
  readonly signal: number
  /** How long it may take to end by itself. */
  readonly timeoutMs: Milliseconds
  /** How long it may take to end after SIGKILL; null: it is never killed. */
  readonly killTimeoutMs: Milliseconds | null
}

export type StopOutcome =
  /** There was no owner; a stale file was removed. */
  | { readonly kind: 'not-running'; readonly file: Removal }
  /** It has ended, which its pidfd proves: by the signal, or only by SIGKILL. */
  | {
      readonly kind: 'stopped' | 'killed'
      readonly pid: Pid
      /** What became of the PID file. */
      readonly file: Removal
    }

export type SignalOutcome = { readonly kind: 'sent'; readonly pid: Pid } | NotRunning
interface NotRunning {
  readonly kind: 'not-running'
}

/** For the exit status of a status action: Linux Standard Base Core 5.0, section 22.2. */
export interface OwnerStatus {
  /** 0 running, 1 dead and the PID file exists, 3 not running, 4 unknown. */
  readonly lsbStatus: 0 | 1 | 3 | 4
  readonly pid: Pid | null
  /** For people: one phrase that follows the name of the file, and what to do, or null. */
  readonly text: string
  readonly hint: string | null
}

/** Whether the owner lives. Never throws for what it finds. */
export function statusOfOwner(path: string): OwnerStatus {
  const owner = openOwner(path)
  const none = { pid: null, hint: null }
  switch (owner.kind) {
    case 'absent':
      return { ...none, lsbStatus: 3, text: 'not running' }
    case 'starting':
      return { ...none, lsbStatus: 3, text: 'not running yet: a start is in progress' }
    case 'stale':
      return { ...none, lsbStatus: 1, text: `dead, but the PID file exists: ${owner.why}` }
    case 'unknown':
      return { ...owner, lsbStatus: 4, text: `unknown: ${owner.why}` }
    case 'running':
      closeFd(owner.pidfd)
      return { ...none, lsbStatus: 0, pid: owner.pid, text: `running as process ${owner.pid}` }
  }
}

/**
 * Sends a signal to the owner. Throws ToolkitError: ERR_OWNER_UNKNOWN, ERR_OWNER_NOT_PERMITTED,
 * ERR_PID_FILE_BUSY while it is being started.
 */
export function signalOwner(path: string, signal: number): SignalOutcome {
  const owner = findOwner(path)
  if (owner === null) return { kind: 'not-running' }
  try {
    return send(owner, signal) ? { kind: 'sent', pid: owner.pid } : { kind: 'not-running' }
  } finally {
    closeFd(owner.pidfd)
  }
}

/** Asks the owner to read its configuration again (SIGHUP). Throws as signalOwner() does. */
export function reloadOwner(path: string): SignalOutcome {
  return signalOwner(path, signalNumbers.HUP)
}

/**
 * Ends the owner and proves it: signal, wait, SIGKILL, wait. Its PID file is removed unless it
 * speaks of somebody else by then. Throws as signalOwner() does, and ERR_OWNER_SURVIVED.
 */
export async function stopOwner(path: string, options: StopOptions): Promise<StopOutcome> {
  const owner = findOwner(path)
  if (owner === null) return { kind: 'not-running', file: removeStalePidFile(path) }
  const { pid, pidfd, identity } = owner
  try {
    const kind = await end(owner, path, options)
    return { kind, pid, file: removePidFileOf(path, identity) }
  } finally {
    closeFd(pidfd)
  }
}

/** True when the process has ended within the time (its pidfd is readable, pidfd_open(2)). */
export function waitForEnd(pidfd: Fd, timeoutMs: Milliseconds): Promise<boolean> {
  if (hasEnded(pidfd)) return Promise.resolve(true)
  const poller = openPoller()
  return new Promise((resolve) => {
    const settle = (isOver: boolean): void => {
      clearTimeout(timer)
      poller.close()
      resolve(isOver)
    }
    const timer = setTimeout(() => settle(hasEnded(pidfd)), Math.min(timeoutMs, MAX_TIMER_MS))
    poller.add(pidfd, POLLIN, () => settle(true))
  })
}

async function end(
  owner: RunningOwner,
  path: string,
  { signal, timeoutMs, killTimeoutMs }: StopOptions,
): Promise<'stopped' | 'killed'> {
  send(owner, signal)
  // A stopped process does nothing about a signal before it continues.
  if (signal !== signalNumbers.KILL) send(owner, signalNumbers.CONT)
  if (await waitForEnd(owner.pidfd, timeoutMs)) return 'stopped'
  if (killTimeoutMs === null) throw survived(owner.pid, path, signal, timeoutMs)
  send(owner, signalNumbers.KILL)
  if (await waitForEnd(owner.pidfd, killTimeoutMs)) return 'killed'
  throw survived(owner.pid, path, signalNumbers.KILL, killTimeoutMs)
}

/** Null when there is nobody to act on. */
function findOwner(path: string): RunningOwner | null {
  const owner = openOwner(path)
  if (owner.kind === 'running') return owner
  if (owner.kind === 'starting') throw busy(path)
  if (owner.kind !== 'unknown') return null
  const message = `the owner of the PID file ${quote(path)} is unknown: ${owner.why}`
  throw new ToolkitError('ERR_OWNER_UNKNOWN', message, {
    hint: owner.hint,
    context: { path, pid: owner.pid },
  })
}

/** False when it has been reaped meanwhile. */
function send({ pid, pidfd }: RunningOwner, signal: number): boolean {
  try {
    return sendSignal(pidfd, signal)
  } catch (error) {
    throw isErrno(error, 'EPERM') ? notPermitted(pid, signal, error) : error
  }
}

function notPermitted(pid: Pid, signal: number, cause: unknown): ToolkitError {
  const message = `process ${pid} belongs to another user: ${signalName(signal)} is not permitted`
  const hint = 'Run the command as that user or as root.'
  const context = { pid, signal: signalName(signal) }
  return new ToolkitError('ERR_OWNER_NOT_PERMITTED', message, { hint, context, cause })
}

function survived(pid: Pid, path: string, signal: number, waitedMs: Milliseconds): ToolkitError {
  const message = `process ${pid} still runs ${waitedMs / 1_000} s after ${signalName(signal)}`
  const hint =
    signal === signalNumbers.KILL
      ? `Look at its state (\`ps -o stat,wchan ${pid}\`): D waits for a device or a file system.`
      : 'Wait longer, or let it be killed.'
  return new ToolkitError('ERR_OWNER_SURVIVED', message, { hint, context: { pid, path } })
}

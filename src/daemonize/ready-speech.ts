// The ways to say "I am ready", each with the proof that somebody listens. The variables of whoever
// started us are inherited by our children too: a newline on the wrong descriptor, a signal to
// the wrong process or a stop that nobody continues would do harm. So a variable counts only when
// it names our parent, or the very pipe.

import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs'
import { toFd, toPid } from '../base/brands.ts'
import { signalNumbers } from '../base/signal.ts'
import { closeFd, openDevNull, replaceFd } from '../kernel/fd.ts'
import { openPidfd, sendSignal } from '../kernel/pidfd.ts'
import { fdTargets } from '../kernel/procfs.ts'
import { isErrno, KernelError } from '../kernel/syscall-error.ts'
import { collectStartFacts } from './start-facts.ts'
import { startersOf } from './supervised-by.ts'

/** What was done, or why it could not be. */
export type Speech =
  | { readonly isSpoken: true; readonly detail: string }
  | { readonly isSpoken: false; readonly detail: string }

const spoken = (detail: string): Speech => ({ isSpoken: true, detail })
const silent = (detail: string): Speech => ({ isSpoken: false, detail })

/** The first descriptor that is not a standard one, as s6 has it. */
const MIN_READY_FD = 3

/** `fd=3`: a newline, then the end. */
export function speakDescriptor(fd: number): Speech {
  const stream = process.env['EUDAEMON_READY_STREAM']
  const isOurs = stream === undefined ? waitingProcess() !== null : streamName(fd) === stream
  if (!isOurs) return silent(`descriptor ${fd} is not the one that is waited for`)
  return writeNewline(fd)
}

/** The number that a program was told by its own means, or that s6 has in `notification-fd`. */
export function speakNotificationFd(given: number | undefined): Speech {
  if (given !== undefined) return writeNewline(given)
  const s6 = startersOf(collectStartFacts()).find(({ name }) => name === 's6-supervise')
  if (s6 === undefined) return silent('the parent is not s6-supervise')
  const fd = notificationFdOf(s6.pid)
  if (fd === null) return silent('the service has no notification-fd')
  // What the run script has closed may be anything by now. Unreadable without rights: no objection.
  const theirs = fdTargets(toPid(s6.pid))
  const inode = streamName(fd)?.split(':')[1]
  if (theirs.length > 0 && !theirs.includes(`pipe:[${inode}]`)) {
    return silent(`descriptor ${fd} does not lead to s6-supervise`)
  }
  return writeNewline(fd)
}

/** Standard error becomes /dev/null, so that later words have a place to go. */
export function speakStderrClosed(): Speech {
  if (waitingProcess() === null) return silent('nobody waits for the end of standard error')
  const devNull = openDevNull()
  replaceFd(devNull, toFd(2))
  closeFd(devNull)
  return spoken('closed standard error')
}

/** SIGUSR1 to who waits, by pidfd: a process that ends meanwhile cannot be mistaken. */
export function speakSignal(): Speech {
  const pid = waitingProcess()
  const pidfd = pid === null ? null : openPidfd(toPid(pid))
  if (pidfd === null) return silent('the parent does not wait for a signal')
  try {
    if (waitingProcess() !== pid) return silent('who waited for a signal is gone')
    if (!sendSignal(pidfd, signalNumbers.USR1)) return silent('who waited for a signal is gone')
    return spoken(`sent SIGUSR1 to ${pid}`)
  } catch (error) {
    // A daemon that has given up its rights may not signal who started it.
    if (error instanceof KernelError) return silent(error.message)
    throw error
  } finally {
    closeFd(pidfd)
  }
}

/** Stops this process; returns when it was continued. Only the waiting parent itself sees it. */
export function speakStop(): Speech {
  const wanted = process.env['EUDAEMON_READY_PID']
  if (wanted !== String(process.ppid)) return silent('the parent does not wait for a stop')
  process.kill(process.pid, 'SIGSTOP')
  return spoken('was stopped and continued')
}

/** EUDAEMON_READY_PID when that is our parent, or above a shell that only passes us on. */
function waitingProcess(): number | null {
  const wanted = process.env['EUDAEMON_READY_PID']
  if (wanted === undefined) return null
  return startersOf(collectStartFacts()).find(({ pid }) => String(pid) === wanted)?.pid ?? null
}

/** s6-supervise stands in the service directory, and has started us there. */
function notificationFdOf(s6: number): number | null {
  for (const folder of [`/proc/${s6}/cwd`, '.']) {
    try {
      const fd = Number(readFileSync(`${folder}/notification-fd`, 'latin1').trim())
      return Number.isInteger(fd) && fd >= MIN_READY_FD ? fd : null
    } catch (error) {
      if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EACCES')) throw error
    }
  }
  return null
}

/** `DEVICE:INODE` of an open descriptor, as in systemd's JOURNAL_STREAM; null: it is not open. */
export function streamName(fd: number): string | null {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    if (isErrno(error, 'EBADF')) return null
    throw error
  }
}

function writeNewline(fd: number): Speech {
  try {
    const stat = fstatSync(fd)
    if (!stat.isFIFO() && !stat.isSocket()) return silent(`descriptor ${fd} is no pipe`)
    writeSync(fd, '\n')
    closeSync(fd)
    return spoken(`wrote a newline to descriptor ${fd}`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof KernelError || code === undefined) throw error
    return silent(`descriptor ${fd}: ${code}`)
  }
}

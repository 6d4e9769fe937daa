// How the second process knows that it is the daemon: a variable that names the process that waits
// for it, by number and start time. Every descendant inherits the variable; only the daemon itself
// has that process as its parent, as long as it waits, and it waits until the daemon is ready.

import { fstatSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { toPid } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { startTime } from '../kernel/procfs.ts'
import { isErrno } from '../kernel/syscall-error.ts'

const NAME = 'EUDAEMON_DAEMONIZED'

/** What the first process has told the second. */
export interface Relaunched {
  /** A newline on it is the readiness. */
  readonly readyFd: number
}

/** The variable for the daemon of this process. */
export function markerVariable(readyFd: number): readonly [name: string, value: string] {
  return [NAME, `${process.pid}:${startTime(toPid(process.pid))}:${readyFd}`]
}

/**
 * Null in a first process. The variable is gone afterwards, whatever it said. Throws
 * ERR_DAEMON_STEP in a worker: only the main thread may change the whole process.
 */
export function takeMarker(): Relaunched | null {
  if (!isMainThread) {
    const message = 'only the main thread of a program can make it a daemon'
    throw new ToolkitError('ERR_DAEMON_STEP', message)
  }
  const [, pid, started, fd] = /^(\d+):(\w+):(\d+)$/.exec(process.env[NAME] ?? '') ?? []
  delete process.env[NAME]
  if (pid !== undefined) delete process.env['EUDAEMON_EXEC_PID']
  if (pid === undefined || Number(pid) !== process.ppid) return null
  if (String(startTime(toPid(Number(pid)))) !== started) return null
  const readyFd = Number(fd)
  return isPipe(readyFd) ? { readyFd } : null
}

function isPipe(fd: number): boolean {
  try {
    return fstatSync(fd).isFIFO()
  } catch (error) {
    if (isErrno(error, 'EBADF')) return false
    throw error
  }
}

// Readiness of a command that goes into the background by itself: it exits with 0, and a PID file
// names a process that descends from it. Without a PID file the one process that it left is the
// daemon. All of them are our children: we are the subreaper.

import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type Pid, toPid } from '../base/brands.ts'
import { DAEMON_LOOK_INTERVAL_MS, MAX_PID_FILE_BYTES } from '../base/limits.ts'
import { children, readStat } from '../kernel/procfs.ts'
import type { DaemonRequest } from './daemon-request.ts'
import { isDescendant, isNothingLeft } from './descendants.ts'
import { ownPid } from './own-pid.ts'
import { plainWatch, type ReadyContext, type ReadyWatch } from './ready-watch.ts'

/** Dialect forking. */
export function openForkingWatch({ pidFile }: DaemonRequest): ReadyWatch {
  let watcher: FSWatcher | null = null
  let timer: NodeJS.Timeout | undefined
  let context: ReadyContext | null = null
  let hasForked = false
  let last: Pid | string = 'it has not gone into the background'

  function look(): void {
    if (!hasForked || context === null) return
    const { strangers } = context.daemon
    if (isNothingLeft(ownPid(), strangers)) {
      context.fail('it went into the background, but no process of it is left', 1)
      return
    }
    const left = children(ownPid()).filter((pid) => !strangers.has(pid) && isAlive(pid))
    const found = pidFile === null ? onlyOne(left) : fromFile(pidFile)
    // The listing of children may miss one while others end: what it proves, it proves twice.
    const isSure = pidFile !== null || found === last
    last = found
    if (typeof found !== 'string' && isSure) context.ready(found)
  }

  return {
    ...plainWatch,
    start: (given) => {
      context = given
    },
    onMainEnded: (status) => {
      if (status?.kind !== 'exited' || status.code !== 0) return false
      hasForked = true
      if (pidFile !== null) watcher = watchFolder(pidFile, look)
      // The end of a child of the daemon, or of the daemon itself, makes no file change.
      timer = setInterval(look, DAEMON_LOOK_INTERVAL_MS)
      look()
      return true
    },
    describe: () => (typeof last === 'string' ? last : ''),
    close: () => {
      watcher?.close()
      clearInterval(timer)
    },
  }
}

function watchFolder(pidFile: string, look: () => void): FSWatcher | null {
  try {
    const name = basename(pidFile)
    const watcher = watch(dirname(pidFile), (_event, file) => {
      if (file === null || file === name) look()
    })
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    // Too many watches, or the folder is still to come: the timer looks.
    return null
  }
}

function onlyOne(left: readonly Pid[]): Pid | string {
  const [first] = left
  if (first !== undefined && left.length === 1) return first
  return `it left ${left.length} processes (${left.join(', ')}); name its PID file with --pid-file`
}

/** A number alone proves nothing: the process must be one of ours, which only started ones are. */
function fromFile(path: string): Pid | string {
  let text: string
  try {
    text = readFileSync(path, 'latin1').slice(0, MAX_PID_FILE_BYTES)
  } catch {
    return `there is no PID file '${path}'`
  }
  const word = /^\s*(\d{1,10})\b/.exec(text)?.[1]
  if (word === undefined) return `'${path}' holds no process number`
  const pid = toPid(Number(word))
  if (!isAlive(pid)) return `'${path}' names process ${word}, which does not live`
  if (isDescendant(pid, ownPid())) return pid
  return `'${path}' names process ${word}, which the command has not started`
}

function isAlive(pid: Pid): boolean {
  const stat = readStat(pid)
  return stat !== null && stat.state !== 'Z' && stat.state !== 'X'
}

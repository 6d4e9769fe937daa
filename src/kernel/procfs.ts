// What /proc tells about processes (proc(5)). A process may vanish between any two reads, so
// everything here answers null or leaves it out instead of failing. Reads go through one shared
// buffer: a scan of all processes happens while services stop.

import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs'
import { type Pid, toPid } from '../base/brands.ts'
import { decodeWaitStatus, type ExitStatus } from '../base/exit-status.ts'
import { MAX_PROC_FILE_BYTES } from '../base/limits.ts'
import { isErrno } from './syscall-error.ts'

/** Counted after the command, of which proc(5) says that it is field 2. */
const EXIT_CODE_FIELD = 49
const FLAGS_FIELD = 6
/** linux/sched.h */
const PF_EXITING = 0x4

let shared = Buffer.alloc(16 * 1024)

export interface ProcessStat {
  readonly pid: Pid
  readonly parent: Pid
  readonly group: Pid
  readonly session: Pid
  /** The device number of the controlling terminal; 0: there is none. */
  readonly terminal: number
  /** `R`, `S`, `D`, `T`, `Z` and others, see proc(5). */
  readonly state: string
  /** Clock ticks after boot. With the pid and the boot id it names one process for ever. */
  readonly startTime: number
  /** At most 15 bytes. For a moment after a spawn it is still the name of the parent. */
  readonly command: string
}

/** The number of the PID namespace in which this process gives names to others (namespaces(7)). */
export function pidNamespace(): number {
  return statSync('/proc/self/ns/pid').ino
}

/** False when the mounted /proc shows another PID namespace, or is not there at all: then its
 *  numbers are not ours. */
export function showsOurNumbers(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/** Real, effective and saved user of a process; null when there is none, or it is hidden. */
export function userIdsOf(pid: Pid): readonly number[] | null {
  const length = readShared(`/proc/${pid}/status`)
  if (length === null) return null
  const line = /^Uid:\s*(\d+)\s+(\d+)\s+(\d+)/m.exec(shared.toString('latin1', 0, length))
  return line === null ? null : line.slice(1).map(Number)
}

/** The random name of this boot. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
}

/** Clock ticks after boot at which the process started; null when there is none. */
export function startTime(pid: Pid): number | null {
  return readStat(pid)?.startTime ?? null
}

/** Null when there is no such process. A zombie has a stat (state `Z`). */
export function readStat(pid: Pid): ProcessStat | null {
  return statOf(String(pid))
}

/** True from the moment a process begins to die, before it closes its descriptors: PF_EXITING in
 *  field 9 of its stat. A process that is gone counts too. */
export function isExiting(pid: Pid): boolean {
  const length = readShared(`/proc/${pid}/stat`)
  if (length === null) return true
  const text = shared.toString('utf8', 0, length)
  const flags = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[FLAGS_FIELD])
  return (flags & PF_EXITING) !== 0
}

/**
 * How a process ended that nobody has reaped yet (a zombie): field 52 of its stat, a wait status.
 * Null when it is none, or when it belongs to somebody whose processes we may not inspect.
 */
export function zombieStatus(pid: Pid): ExitStatus | null {
  const length = readShared(`/proc/${pid}/stat`)
  if (length === null) return null
  const text = shared.toString('utf8', 0, length)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const word = fields[EXIT_CODE_FIELD]
  if (fields[0] !== 'Z' || word === undefined) return null
  // A value that is hidden from us reads as 0, which would be success.
  return Number(word) === 0 && !isOurs(pid) ? null : decodeWaitStatus(Number(word))
}

function isOurs(pid: Pid): boolean {
  const own = process.geteuid?.()
  try {
    return own === 0 || statSync(`/proc/${pid}`).uid === own
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Every process of this pid namespace that is there while the iteration passes. */
export function* allProcesses(): Generator<ProcessStat> {
  for (const name of readdirSync('/proc')) {
    const digit = name.charCodeAt(0)
    if (digit < 48 || digit > 57) continue
    const stat = statOf(name)
    if (stat !== null) yield stat
  }
}

/**
 * The children of a process, of all its threads. Read twice: a child that ends while the list is
 * read makes the kernel skip another one (proc_pid_task_tid_children(5)).
 */
export function children(pid: Pid): Pid[] {
  return [...new Set([...listChildren(pid), ...listChildren(pid)])]
}

function listChildren(pid: Pid): Pid[] {
  const found: Pid[] = []
  for (const thread of namesIn(`/proc/${pid}/task`)) {
    const length = readShared(`/proc/${pid}/task/${thread}/children`)
    if (length === null) {
      // Without CONFIG_PROC_CHILDREN, or the thread is gone.
      if (namesIn(`/proc/${pid}/task/${thread}`).length > 0) return childrenByScan(pid)
      continue
    }
    for (const word of shared.toString('latin1', 0, length).split(' ')) {
      if (word !== '') found.push(toPid(Number(word)))
    }
  }
  return found
}

/**
 * The environment that the process started with, NUL separated; null when it is not readable. Empty
 * means "cannot tell": for a moment after spawnProcess() has returned, the kernel has not filled it
 * in yet (a vfork parent goes on when the old memory is left, before the new one is complete).
 */
export function environmentOf(pid: Pid): string | null {
  const length = readShared(`/proc/${pid}/environ`)
  return length === null ? null : shared.toString('utf8', 0, length)
}

/**
 * The words that the process was started with; null when there is no such process. Empty for a
 * zombie, and for a thread of the kernel. A process may write over them (PM2, nginx).
 */
export function argumentsOf(pid: Pid): readonly string[] | null {
  const length = readShared(`/proc/${pid}/cmdline`)
  if (length === null) return null
  const text = shared.toString('utf8', 0, length).replace(/\0+$/, '')
  return text === '' ? [] : text.split('\0')
}

/** The soft limit of open files of a process (proc_pid_limits(5)); null: it is not readable. */
export function softDescriptorLimitOf(pid: Pid): number | null {
  const length = readShared(`/proc/${pid}/limits`)
  if (length === null) return null
  const text = shared.toString('latin1', 0, length)
  const found = /^Max open files +(\d+|unlimited) /m.exec(text)?.[1]
  if (found === undefined) return null
  return found === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found)
}

/** True when the environment has exactly that entry, `NAME=value`; see environmentOf(). */
export function environmentHas(pid: Pid, entry: string): boolean {
  const length = readShared(`/proc/${pid}/environ`)
  if (length === null) return false
  const needle = Buffer.from(`${entry}\0`)
  const bytes = shared.subarray(0, length)
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) {
    if (at === 0 || bytes[at - 1] === 0) return true
  }
  return false
}

/** What the descriptors of a process point to: paths, `pipe:[123]`, `socket:[456]`. */
export function fdTargets(pid: Pid): string[] {
  const folder = `/proc/${pid}/fd`
  return namesIn(folder).flatMap((name) => {
    try {
      return [readlinkSync(`${folder}/${name}`)]
    } catch (error) {
      if (isGone(error)) return []
      throw error
    }
  })
}

/** A path under which one of the pipes can be opened that a process has open; null: none has. */
export function findOpenPipe(pids: readonly Pid[], inodes: readonly number[]): string | null {
  const targets = inodes.map((inode) => `pipe:[${inode}]`)
  for (const pid of pids) {
    for (const name of namesIn(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${name}`
      try {
        if (targets.includes(readlinkSync(path))) return path
      } catch (error) {
        if (!isGone(error)) throw error
      }
    }
  }
  return null
}

function childrenByScan(pid: Pid): Pid[] {
  return [...allProcesses()].filter(({ parent }) => parent === pid).map((stat) => stat.pid)
}

function statOf(name: string): ProcessStat | null {
  const length = readShared(`/proc/${name}/stat`)
  if (length === null) return null
  const text = shared.toString('utf8', 0, length)
  // The command is in parentheses and may contain anything, `) R 1` too: count from the last one.
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ', 20)
  return {
    pid: toPid(Number(name)),
    command: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '?',
    parent: toPid(Number(fields[1])),
    group: toPid(Number(fields[2])),
    session: toPid(Number(fields[3])),
    terminal: Number(fields[4]),
    startTime: Number(fields[19]),
  }
}

/** Reads a file into the shared buffer; its length, or null when it is gone or not for us. */
function readShared(path: string): number | null {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    let length = 0
    for (;;) {
      const read = readSync(fd, shared, length, shared.length - length, null)
      length += read
      if (read === 0) return length
      if (length < shared.length) continue
      if (shared.length >= MAX_PROC_FILE_BYTES) return length
      shared = Buffer.concat([shared], shared.length * 2)
    }
  } catch (error) {
    if (isGone(error)) return null
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

/** Gone, or not for our eyes. */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((name) => isErrno(error, name))
}

// Control groups, version 2 (the kernel's cgroup-v2.rst): a named set of processes that no member
// can leave by forking. Makes, enters, watches, kills and removes them; cgroup-root.ts finds where
// that can be done. No resource limits here.

import {
  closeSync,
  constants as fsConstants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  write,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { type Fd, type Pid, toFd, toPid } from '../base/brands.ts'
import { MAX_KILL_PASSES } from '../base/limits.ts'
import { closeFd } from './fd.ts'
import { openPidfd, sendSignal } from './pidfd.ts'
import { isErrno, kernelErrorOf, refuseNul, viaNode } from './syscall-error.ts'

export { findCgroupRoot } from './cgroup-root.ts'

const SIGKILL = 9
const writeLater = promisify(write)
const eventsBuffer = Buffer.alloc(256)

/** Makes the group and those above it. One that exists already is fine. */
export function makeCgroup(path: string): void {
  refuseNul(path, 'mkdir')
  viaNode(path, () => mkdirSync(path, { recursive: true }))
}

/** Removes the group and those below it. False when a process is still in it. */
export function removeCgroup(path: string): boolean {
  try {
    for (const child of childGroups(path)) if (!removeCgroup(child)) return false
    rmdirSync(path)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true
    if (isErrno(error, 'EBUSY')) return false
    throw kernelErrorOf(error, path)
  }
}

/**
 * Moves a process into the group; pid 0 is this one. Asynchronous because the kernel holds the
 * write back for about 8 ms (an RCU grace period). ESRCH when there is no such process.
 */
export async function enterCgroup(path: string, pid: Pid): Promise<void> {
  const file = `${path}/cgroup.procs`
  try {
    // Opened here and not in the thread pool, where a spawn that runs meanwhile may have lowered
    // the limit of descriptors; see withDescriptorLimit().
    const fd = openSync(file, fsConstants.O_WRONLY)
    try {
      await writeLater(fd, String(pid))
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw kernelErrorOf(error, file)
  }
}

/** The processes of the group and of all groups below it, zombies left out. */
export function cgroupProcesses(path: string): Pid[] {
  const own = readText(`${path}/cgroup.procs`)?.split('\n').filter(Boolean) ?? []
  return [...own.map((line) => toPid(Number(line))), ...childGroups(path).flatMap(cgroupProcesses)]
}

/** True while the group, or one below it, has a living process. False when it does not exist. */
export function isPopulated(path: string): boolean {
  return /^populated 1$/m.test(readText(`${path}/cgroup.events`) ?? '')
}

/** Sends SIGKILL to every process in the group and below, those that fork meanwhile included. */
export function killCgroup(path: string): void {
  const file = `${path}/cgroup.kill`
  try {
    const fd = openSync(file, fsConstants.O_WRONLY)
    try {
      writeSync(fd, '1')
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw kernelErrorOf(error, file)
    killByLoop(path)
  }
}

/** A descriptor that gets POLLPRI when `populated` changes. Read it with readCgroupEvents(). */
export function openCgroupEvents(path: string): Fd {
  const file = `${path}/cgroup.events`
  return toFd(viaNode(file, () => openSync(file, 'r')))
}

/** Reads the events and arms the descriptor again; without it POLLPRI stays. */
export function readCgroupEvents(fd: Fd): { readonly populated: boolean } {
  try {
    const length = readSync(fd, eventsBuffer, 0, eventsBuffer.length, 0)
    return { populated: /^populated 1$/m.test(eventsBuffer.toString('latin1', 0, length)) }
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return { populated: false }
    throw kernelErrorOf(error)
  }
}

/** Before Linux 5.14: until nobody is left, or each of many passes found new processes. */
export function killByLoop(path: string): void {
  for (let pass = 0; pass < MAX_KILL_PASSES; pass += 1) {
    const handles = cgroupProcesses(path).flatMap((pid) => {
      const pidfd = openPidfd(pid)
      return pidfd === null ? [] : [{ pid, pidfd }]
    })
    // A pidfd whose number is still a member names a member, or nobody any more: never a stranger.
    const members = new Set(cgroupProcesses(path))
    for (const { pid, pidfd } of handles) {
      if (members.has(pid)) sendSignal(pidfd, SIGKILL)
      closeFd(pidfd)
    }
    if (members.size === 0) return
  }
}

function childGroups(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${path}/${entry.name}`)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw kernelErrorOf(error, path)
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return null
    throw kernelErrorOf(error, path)
  }
}

// The pipes between services and their logs. An instance has two for its whole life, so a restart
// makes none. We hold them O_RDWR, and so does the service: nobody ever gets SIGPIPE or a hang-up,
// and what was written is there as long as one of us is. They have no name on a disk; their inode
// numbers are recorded, so that after the death of supervisor and guardian together the next one
// finds the very same pipes among the descriptors of the services.

import { chownSync, constants, fstatSync, openSync } from 'node:fs'
import { assert } from '../base/assert.ts'
import { type Fd, type InstanceId, type Pid, toFd } from '../base/brands.ts'
import { closeFd } from '../kernel/fd.ts'
import { createPipe, type Owner } from '../kernel/fifo.ts'
import { findOpenPipe } from '../kernel/procfs.ts'
import type { LogPlan } from '../model/service-definition.ts'
import type { LogPort } from './log-port.ts'

export interface LogAttachments {
  /** Makes the pipes when they are missing and starts to capture. */
  attach(id: InstanceId, plan: LogPlan, owner: Owner | null): void
  /** The ends for a new process; to be closed after the spawn. */
  openWriters(id: InstanceId): { readonly stdout: Fd; readonly stderr: Fd }
  /** Takes over what a former supervisor had attached: kept, or found open in `holders`. */
  adopt(id: InstanceId, plan: LogPlan, kept: readonly Fd[] | null, holders: readonly Pid[]): void
  update(id: InstanceId, plan: LogPlan): void
  drain(id: InstanceId): void
  detach(id: InstanceId): void
  /** The inode numbers of its pipes; empty when it has none. */
  pipesOf(id: InstanceId): readonly number[]
  /** Where the log stands, as text that watchFrom() understands. */
  mark(id: InstanceId): string
  notifyReader(id: InstanceId): Fd | null
  setNotifyReader(id: InstanceId, fd: Fd | null): void
}

export function logName(id: InstanceId): string {
  return `log ${id}`
}

export interface LogAttachmentDeps {
  readonly port: LogPort
  readonly keep: (name: string, fds: readonly Fd[]) => void
  readonly unkeep: (name: string) => void
  /** Remembers the inode numbers of both pipes across our death; null forgets them. */
  readonly record: (id: InstanceId, inodes: PipeInodes | null) => void
  readonly recorded: (id: InstanceId) => PipeInodes | null
}

export interface PipeInodes {
  readonly out: number
  readonly err: number
}

interface Pipes {
  readonly stdout: Fd
  readonly stderr: Fd
}

export function createLogAttachments(deps: LogAttachmentDeps): LogAttachments {
  const { port } = deps
  const attached = new Map<InstanceId, Pipes>()
  const notifyReaders = new Map<InstanceId, Fd>()

  function capture(id: InstanceId, plan: LogPlan, pipes: Pipes): void {
    port.attach(id, pipes, plan)
    attached.set(id, pipes)
  }

  function attach(id: InstanceId, plan: LogPlan, owner: Owner | null): void {
    if (attached.has(id)) return
    const pipes = { stdout: openPipe(owner), stderr: openPipe(owner) }
    deps.keep(logName(id), [pipes.stdout, pipes.stderr])
    deps.record(id, { out: inodeOf(pipes.stdout), err: inodeOf(pipes.stderr) })
    capture(id, plan, pipes)
  }

  function adopt(
    id: InstanceId,
    plan: LogPlan,
    kept: readonly Fd[] | null,
    holders: readonly Pid[],
  ): void {
    const [stdout, stderr] = kept ?? findAgain(id, holders)
    if (stdout === undefined || stderr === undefined) return
    if (kept === null) deps.keep(logName(id), [stdout, stderr])
    capture(id, plan, { stdout, stderr })
  }

  function findAgain(id: InstanceId, holders: readonly Pid[]): readonly Fd[] {
    const inodes = deps.recorded(id)
    if (inodes === null) return []
    return [inodes.out, inodes.err].flatMap((inode) => {
      const path = findOpenPipe(holders, [inode])
      return path === null ? [] : [reopen(path, constants.O_NONBLOCK)]
    })
  }

  function setNotifyReader(id: InstanceId, fd: Fd | null): void {
    const old = notifyReaders.get(id)
    if (old !== undefined && old !== fd) closeFd(old)
    if (fd === null) notifyReaders.delete(id)
    else notifyReaders.set(id, fd)
  }

  return {
    attach,
    adopt,
    openWriters: (id) => {
      const pipes = attached.get(id)
      assert(pipes, `${id} has its pipes`)
      return {
        stdout: reopen(`/proc/self/fd/${pipes.stdout}`, 0),
        stderr: reopen(`/proc/self/fd/${pipes.stderr}`, 0),
      }
    },
    update: (id, plan) => {
      if (attached.has(id)) port.update(id, plan)
    },
    drain: (id) => {
      if (attached.has(id)) port.drain(id)
    },
    detach: (id) => {
      setNotifyReader(id, null)
      if (!attached.delete(id)) return
      port.detach(id)
      deps.unkeep(logName(id))
      deps.record(id, null)
    },
    pipesOf: (id) => {
      const inodes = deps.recorded(id)
      return inodes === null ? [] : [inodes.out, inodes.err]
    },
    mark: (id) => JSON.stringify(port.position(id)),
    notifyReader: (id) => notifyReaders.get(id) ?? null,
    setNotifyReader,
  }
}

/** A pipe as one descriptor that reads and does not block; owned by who writes to it. */
function openPipe(owner: Owner | null): Fd {
  const { reader, writer } = createPipe()
  const path = `/proc/self/fd/${reader}`
  // The owner may then open /dev/stdout, which is this inode.
  if (owner !== null) chownSync(path, owner.uid, owner.gid)
  const fd = reopen(path, constants.O_NONBLOCK)
  closeFd(reader)
  closeFd(writer)
  return fd
}

/** Another open file description of the same pipe. */
function reopen(path: string, flags: number): Fd {
  return toFd(openSync(path, constants.O_RDWR | flags))
}

function inodeOf(fd: Fd): number {
  return fstatSync(fd).ino
}

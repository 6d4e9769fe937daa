// The pipes between services and their logs. An instance has two FIFOs for its whole life, so a
// restart makes none, and they have names on disk: after the death of supervisor and guardian the
// next one opens them again. We hold them O_RDWR: a pipe whose last writer is gone would otherwise
// report a hang-up for ever.

import { constants, openSync, rmSync } from 'node:fs'
import { type Fd, type InstanceId, toFd } from '../base/brands.ts'
import type { LogPlan } from '../model/service-definition.ts'
import { closeFd } from '../kernel/fd.ts'
import { createFifo, openFifoReadWrite, type Owner } from '../kernel/fifo.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import type { LogPort } from './log-port.ts'
import { makeFolder } from './folders.ts'

export interface LogAttachments {
  /** Makes the pipes when they are missing and starts to capture. */
  attach(id: InstanceId, plan: LogPlan, owner: Owner | null): void
  /** The ends for a new process; to be closed after the spawn. */
  openWriters(id: InstanceId): { readonly stdout: Fd; readonly stderr: Fd }
  /** Takes over what a former supervisor had attached. */
  adopt(id: InstanceId, plan: LogPlan, kept: readonly Fd[] | null): void
  update(id: InstanceId, plan: LogPlan): void
  drain(id: InstanceId): void
  detach(id: InstanceId): void
  /** Where the log stands, as text that watchFrom() understands. */
  mark(id: InstanceId): string
  notifyReader(id: InstanceId): Fd | null
  setNotifyReader(id: InstanceId, fd: Fd | null): void
}

export function logName(id: InstanceId): string {
  return `log ${id}`
}

export function createLogAttachments(
  folder: string,
  port: LogPort,
  keep: (name: string, fds: readonly Fd[]) => void,
  unkeep: (name: string) => void,
): LogAttachments {
  const attached = new Set<InstanceId>()
  const notifyReaders = new Map<InstanceId, Fd>()
  const pathOf = (id: InstanceId, stream: 'out' | 'err') => `${folder}/${id}.${stream}`

  function openBoth(id: InstanceId): readonly [Fd, Fd] {
    const flags = constants.O_RDWR | constants.O_NONBLOCK
    const out = toFd(openSync(pathOf(id, 'out'), flags))
    const err = toFd(openSync(pathOf(id, 'err'), flags))
    return [out, err]
  }

  function attach(id: InstanceId, plan: LogPlan, owner: Owner | null): void {
    if (attached.has(id)) return
    makeFolder(`${folder}/${id.slice(0, id.indexOf('/'))}`, 0o711)
    for (const stream of ['out', 'err'] as const) {
      rmSync(pathOf(id, stream), { force: true })
      createFifo(pathOf(id, stream), 0o600, owner ?? undefined)
    }
    const [stdout, stderr] = openBoth(id)
    keep(logName(id), [stdout, stderr])
    port.attach(id, { stdout, stderr }, plan)
    attached.add(id)
  }

  function adopt(id: InstanceId, plan: LogPlan, kept: readonly Fd[] | null): void {
    const [stdout, stderr] = kept ?? reopened(id) ?? []
    if (stdout === undefined || stderr === undefined) return attach(id, plan, null)
    if (kept === null) keep(logName(id), [stdout, stderr])
    port.attach(id, { stdout, stderr }, plan)
    attached.add(id)
  }

  function reopened(id: InstanceId): readonly [Fd, Fd] | null {
    try {
      return openBoth(id)
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return null
      throw error
    }
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
    openWriters: (id) => ({
      stdout: openFifoReadWrite(pathOf(id, 'out')),
      stderr: openFifoReadWrite(pathOf(id, 'err')),
    }),
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
      unkeep(logName(id))
      for (const stream of ['out', 'err'] as const) rmSync(pathOf(id, stream), { force: true })
    },
    mark: (id) => JSON.stringify(port.position(id)),
    notifyReader: (id) => notifyReaders.get(id) ?? null,
    setNotifyReader,
  }
}

// Reads all of /proc once and answers for any invocation: by the id in the environment, or by an
// open log pipe of those that carry no id. For invocations whose orphans may be anywhere.

import type { InvocationId, Pid } from '../base/brands.ts'
import { allProcesses, environmentOf, fdTargets } from '../kernel/procfs.ts'

export interface ProcessScan {
  membersOf(invocation: InvocationId, pipes: readonly number[]): readonly Pid[]
}

const ID_ENTRY = 'EUDAEMON_INVOCATION_ID='

export function scanAll(): ProcessScan {
  const byId = new Map<string, Pid[]>()
  const byPipe = new Map<string, Pid[]>()
  const add = (map: Map<string, Pid[]>, key: string, pid: Pid) => {
    const list = map.get(key)
    if (list === undefined) map.set(key, [pid])
    else list.push(pid)
  }
  for (const { pid, state } of allProcesses()) {
    if (state === 'Z' || state === 'X') continue
    const id = invocationIdOf(pid)
    if (id !== null) add(byId, id, pid)
    else for (const target of new Set(fdTargets(pid))) add(byPipe, target, pid)
  }
  return {
    membersOf: (invocation, pipes) => [
      ...(byId.get(invocation) ?? []),
      ...pipes.flatMap((inode) => byPipe.get(`pipe:[${inode}]`) ?? []),
    ],
  }
}

/** The invocation id that a process was started with, null when it has none or hides it. */
export function invocationIdOf(pid: Pid): string | null {
  const environment = environmentOf(pid)
  if (environment === null) return null
  const entry = environment.split('\0').find((line) => line.startsWith(ID_ENTRY))
  return entry === undefined ? null : entry.slice(ID_ENTRY.length)
}

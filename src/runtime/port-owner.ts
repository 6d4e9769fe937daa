// Is it really the service that answers on a port? A service that cannot listen because something
// else does, and goes on living, would look ready: its probe talks to the other. Only for
// loopback, and only when the holder is visible; what cannot be determined counts for the
// service.

import type { InstanceId, Pid } from '../base/brands.ts'
import type { ProcessRef } from '../core/instance-state.ts'
import { environmentOf, readStat } from '../kernel/procfs.ts'
import { socketHolders } from '../kernel/tcp-listeners.ts'
import type { Peer } from '../launch/network-probe.ts'
import { holdsAny, listenersBehind } from '../launch/port-holders.ts'

export interface PortOwnerDeps {
  /** The process is one of the instance's invocation. May be slow. */
  readonly belongs: (id: InstanceId, pid: Pid) => boolean
  /** The main process of the instance; null when there is none. */
  readonly mainProcess: (id: InstanceId) => ProcessRef | null
}

/** Why the answer of this peer does not count for the instance; null when it does. */
export function whoElseListens(id: InstanceId, peer: Peer, deps: PortOwnerDeps): string | null {
  const inodes = listenersBehind(peer)
  if (inodes.size === 0) return null
  const main = deps.mainProcess(id)
  if (main !== null && holdsAny(main.pid, inodes)) return null
  const holders = [...socketHolders(inodes).values()].flat()
  // A socket that we hold ourselves was made for the service.
  if (holders.some((pid) => pid === process.pid || deps.belongs(id, pid))) return null
  for (const pid of holders) {
    const whose = whoseIsIt(id, pid, main)
    if (whose === null) continue
    const name = readStat(pid)?.command ?? 'unknown'
    return `port ${peer.port} is in use by '${name}' (pid ${pid}), ${whose}`
  }
  return null
}

/**
 * Another service's process, or one that was there before the service. One that came later and is
 * nobody's may listen on behalf of the service, as container engines do: null.
 */
function whoseIsIt(id: InstanceId, pid: Pid, main: ProcessRef | null): string | null {
  const stat = readStat(pid)
  if (stat === null) return null
  const environment = environmentOf(pid)?.split('\0') ?? []
  const value = (name: string): string | undefined =>
    environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
  const instance = value('EUDAEMON_INSTANCE')
  const owner = instance === undefined ? null : `${value('EUDAEMON_PROJECT')}/${instance}`
  if (owner !== null && owner !== id) return `which is part of ${owner}`
  if (main === null || stat.startTime >= main.startTime) return null
  return owner === null
    ? 'which is not part of this service'
    : 'which is left over from an earlier run of this service'
}

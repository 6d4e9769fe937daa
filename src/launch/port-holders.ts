// Which processes hold the socket that answers on an address: an answer on a port may come from
// somebody else than the one who was asked. Only loopback can be looked into.

import type { Pid } from '../base/brands.ts'
import { MAX_PORT_HOLDER_SEARCH } from '../base/limits.ts'
import { children } from '../kernel/procfs.ts'
import { listenersOn, socketsHeldBy, type TcpListener } from '../kernel/tcp-listeners.ts'
import type { Peer } from './network-probe.ts'

/** Inodes of the listening sockets that this peer can be; empty: cannot tell. */
export function listenersBehind(peer: Peer): ReadonlySet<number> {
  const address = peer.address.replace(/^::ffff:/, '')
  if (!isLoopback(address)) return new Set()
  return new Set(listenersFor(address, peer.port).map(({ inode }) => inode))
}

/** The sockets that a connection to this address reaches: the most exact address wins. */
function listenersFor(address: string, port: number): readonly TcpListener[] {
  const all = listenersOn(port)
  const mapped = `::ffff:${address}`
  const exact = all.filter((one) => one.address === address || one.address === mapped)
  if (exact.length > 0) return exact
  const wildcards = address.includes(':') ? ['::'] : ['0.0.0.0', '::']
  return all.filter((one) => wildcards.includes(one.address))
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** The process or one of its descendants: the usual answer, found without looking at all others. */
export function holdsAny(main: Pid, inodes: ReadonlySet<number>): boolean {
  const waiting = [main]
  for (let at = 0; at < waiting.length && at < MAX_PORT_HOLDER_SEARCH; at += 1) {
    const pid = waiting[at]
    if (pid === undefined) break
    if (socketsHeldBy(pid).some((inode) => inodes.has(inode))) return true
    waiting.push(...children(pid))
  }
  return false
}

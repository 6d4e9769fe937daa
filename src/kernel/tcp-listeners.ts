// Which sockets listen on a TCP port, and which processes hold them: /proc/net/tcp (proc(5)) and
// the descriptors in /proc/PID/fd. Only what the caller may read: other users' processes keep
// theirs to themselves, and another network namespace has another table.

import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { type Pid, toPid } from '../base/brands.ts'
import { isErrno } from './syscall-error.ts'

export interface TcpListener {
  /** In the notation of RFC 5952, without brackets: `127.0.0.1`, `0.0.0.0`, `::1`, `::`. */
  readonly address: string
  readonly port: number
  readonly inode: number
  readonly uid: number
}

export type TcpFamily = 'ipv4' | 'ipv6'

/** Holds a whole page of lines; the kernel never returns half of one. */
const chunk = Buffer.alloc(64 * 1024)

/** Every socket that listens on that port, of this network namespace. */
export function listenersOn(port: number): readonly TcpListener[] {
  return [...readTable('/proc/net/tcp', 'ipv4', port), ...readTable('/proc/net/tcp6', 'ipv6', port)]
}

/** Who holds these sockets, by inode: several processes, when the socket was inherited. Sockets
 *  whose holders are not visible to us are left out. Looks at every process: some 20 µs for each.
 * */
export function socketHolders(inodes: ReadonlySet<number>): ReadonlyMap<number, readonly Pid[]> {
  const holders = new Map<number, Pid[]>()
  if (inodes.size === 0) return holders
  for (const name of readdirSync('/proc')) {
    const digit = name.charCodeAt(0)
    if (digit < 48 || digit > 57) continue
    const pid = toPid(Number(name))
    for (const inode of socketsHeldBy(pid)) {
      if (!inodes.has(inode)) continue
      const known = holders.get(inode)
      if (known === undefined) holders.set(inode, [pid])
      else if (!known.includes(pid)) known.push(pid)
    }
  }
  return holders
}

/** The inodes of all sockets that a process has open; none when it is not ours to see. */
export function socketsHeldBy(pid: Pid): readonly number[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap((fd) => {
      const inode = socketInode(`${folder}/${fd}`)
      return inode === null ? [] : [inode]
    })
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

/** The listeners in a text of the form of /proc/net/tcp, all of them or those on one port. */
export function parseTcpTable(
  text: string,
  family: TcpFamily,
  port?: number,
): { readonly listeners: readonly TcpListener[]; readonly isOver: boolean } {
  const listeners: TcpListener[] = []
  const line =
    /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +(\d+) +\d+ (\d+)/gm
  for (const [, address = '', portText = '', state, uid, inode] of text.matchAll(line)) {
    // The kernel lists what listens first, and everything else behind it.
    if (state !== LISTEN) return { listeners, isOver: true }
    const found = Number.parseInt(portText, 16)
    if (port !== undefined && found !== port) continue
    const printed = family === 'ipv4' ? readIpv4(address) : readIpv6(address)
    listeners.push({ address: printed, port: found, inode: Number(inode), uid: Number(uid) })
  }
  return { listeners, isOver: false }
}

const LISTEN = '0A'

function readTable(path: string, family: TcpFamily, port: number): readonly TcpListener[] {
  const found: TcpListener[] = []
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    for (;;) {
      const length = readSync(fd, chunk, 0, chunk.length, null)
      if (length === 0) return found
      const page = parseTcpTable(chunk.toString('latin1', 0, length), family, port)
      found.push(...page.listeners)
      if (page.isOver) return found
    }
  } catch (error) {
    // No IPv6 in this kernel, or no network in this namespace.
    if (isErrno(error, 'ENOENT')) return found
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** The words are printed as numbers of this machine, which is little endian. */
function readWord(hex: string): readonly number[] {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
}

function readIpv4(hex: string): string {
  return readWord(hex).join('.')
}

function readIpv6(hex: string): string {
  const bytes = [0, 8, 16, 24].flatMap((at) => readWord(hex.slice(at, at + 8)))
  const isMapped = bytes.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 255))
  if (isMapped) return `::ffff:${bytes.slice(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  )
  const zeros = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)]
  const longest = zeros.sort((a, b) => b[0].length - a[0].length)[0]
  if (longest === undefined) return groups.join(':')
  const text = groups.join(':')
  const after = text.slice(longest.index + longest[0].length)
  return `${text.slice(0, longest.index)}:${after === '' ? ':' : after}`
}

function socketInode(link: string): number | null {
  try {
    const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(link))
    return match === null ? null : Number(match[1])
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

/** Gone, or not for our eyes. */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((name) => isErrno(error, name))
}

// Options of sockets, and what kind of socket a descriptor is (socket(7), getsockopt(2)).

import type { Fd } from '../base/brands.ts'
import { constants, layouts } from './layouts.ts'
import { lastErrno, libc } from './libc.ts'
import { checked, errnos, failedCall } from './syscall-error.ts'

const cell = Buffer.alloc(16)
const lengthCell = Buffer.alloc(4)
const address = Buffer.alloc(layouts.sockaddr_un.size)
const { sun_path: pathAt } = layouts.sockaddr_un.fields

export interface SocketFacts {
  readonly family: 'unix' | 'ipv4' | 'ipv6' | 'other'
  readonly type: 'stream' | 'datagram' | 'seqpacket' | 'other'
  readonly isListening: boolean
  /** Somebody is at the other end. */
  readonly hasPeer: boolean
  /** A Unix socket with a path or an abstract name. One of socketpair(2) has none. */
  readonly isNamed: boolean
}

const families: ReadonlyMap<number, SocketFacts['family']> = new Map([
  [constants.AF_UNIX, 'unix'],
  [constants.AF_INET, 'ipv4'],
  [constants.AF_INET6, 'ipv6'],
])

const types: ReadonlyMap<number, SocketFacts['type']> = new Map([
  [constants.SOCK_STREAM, 'stream'],
  [constants.SOCK_DGRAM, 'datagram'],
  [constants.SOCK_SEQPACKET, 'seqpacket'],
])

/** Null when the descriptor is no socket. */
export function socketFacts(fd: Fd): SocketFacts | null {
  lengthCell.writeUInt32LE(4, 0)
  if (libc.getsockopt(fd, constants.SOL_SOCKET, constants.SO_TYPE, cell, lengthCell) === -1) {
    if (lastErrno() === errnos.ENOTSOCK) return null
    throw failedCall('getsockopt')
  }
  const type = types.get(cell.readInt32LE(0)) ?? 'other'
  const domain = readSocketOption(fd, constants.SO_DOMAIN, 4).readInt32LE(0)
  const family = families.get(domain) ?? 'other'
  return { family, type, isListening: isListening(fd), hasPeer: hasPeer(fd), isNamed: isNamed(fd) }
}

/** The value, in memory that the next call uses again. At most 16 bytes. */
export function readSocketOption(fd: Fd, name: number, size: number): Buffer {
  lengthCell.writeUInt32LE(size, 0)
  checked(libc.getsockopt(fd, constants.SOL_SOCKET, name, cell, lengthCell), 'getsockopt')
  return cell
}

/** False when the kernel refused; errno says why. */
export function writeSocketOption(fd: Fd, name: number, value: number): boolean {
  cell.writeInt32LE(value, 0)
  return libc.setsockopt(fd, constants.SOL_SOCKET, name, cell, 4) !== -1
}

/** Not every family knows the option; one that does not cannot listen. */
function isListening(fd: Fd): boolean {
  lengthCell.writeUInt32LE(4, 0)
  const name = constants.SO_ACCEPTCONN
  if (libc.getsockopt(fd, constants.SOL_SOCKET, name, cell, lengthCell) === -1) return false
  return cell.readInt32LE(0) !== 0
}

function hasPeer(fd: Fd): boolean {
  lengthCell.writeUInt32LE(address.length, 0)
  return libc.getpeername(fd, address, lengthCell) !== -1
}

function isNamed(fd: Fd): boolean {
  lengthCell.writeUInt32LE(address.length, 0)
  checked(libc.getsockname(fd, address, lengthCell), 'getsockname')
  return lengthCell.readUInt32LE(0) > pathAt
}

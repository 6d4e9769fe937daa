// Addresses of Unix sockets: a path, or an abstract name that begins with `@` (unix(7)); and
// sockets of each type that are bound or connected to one.

import { type Fd, toFd } from '../base/brands.ts'
import { closeFd } from './fd.ts'
import { constants, layouts } from './layouts.ts'
import { libc } from './libc.ts'
import { checked, errnos, failedCall, KernelError, refuseNul } from './syscall-error.ts'

const { sun_family: familyAt, sun_path: pathAt } = layouts.sockaddr_un.fields
/** The last byte is the NUL. */
const MAX_PATH_BYTES = layouts.sockaddr_un.size - pathAt - 1

const types = {
  stream: constants.SOCK_STREAM,
  datagram: constants.SOCK_DGRAM,
  seqpacket: constants.SOCK_SEQPACKET,
} as const

export type UnixSocketType = keyof typeof types

/** The sockaddr of `/path` or `@name`; too long a one is ENAMETOOLONG, with both lengths told. */
export function unixAddress(name: string, syscall: string): Buffer {
  refuseNul(name, syscall)
  const bytes = Buffer.from(name)
  if (bytes.length > MAX_PATH_BYTES || bytes.length === 0) {
    const detail = `the address of a socket has 1 to ${MAX_PATH_BYTES} bytes, not ${bytes.length}`
    throw new KernelError(syscall, errnos.ENAMETOOLONG, name, detail)
  }
  const isAbstract = name.startsWith('@')
  // An abstract name has no end mark: its length is that of the address.
  const address = Buffer.alloc(pathAt + bytes.length + (isAbstract ? 0 : 1))
  address.writeUInt16LE(constants.AF_UNIX, familyAt)
  bytes.copy(address, pathAt)
  if (isAbstract) address[pathAt] = 0
  return address
}

/** A socket that is bound to nothing, close-on-exec and without waiting. */
export function openUnixSocket(type: UnixSocketType): Fd {
  const flags = constants.SOCK_CLOEXEC | constants.SOCK_NONBLOCK
  return toFd(checked(libc.socket(constants.AF_UNIX, types[type] | flags, 0), 'socket'))
}

/** A new socket that is connected to the one at that address; errors as in connect(2). */
export function connectUnix(name: string, type: UnixSocketType): Fd {
  const address = unixAddress(name, 'connect')
  const fd = openUnixSocket(type)
  if (libc.connect(fd, address, address.length) === -1) {
    const error = failedCall('connect', name)
    closeFd(fd)
    throw error
  }
  return fd
}

/** Binds the socket; false when the address is taken (EADDRINUSE). */
export function bindUnix(fd: Fd, name: string): boolean {
  const address = unixAddress(name, 'bind')
  if (libc.bind(fd, address, address.length) !== -1) return true
  const error = failedCall('bind', name)
  if (error.errno === errnos.EADDRINUSE) return false
  throw error
}

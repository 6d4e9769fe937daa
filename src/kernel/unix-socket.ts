// Unix sockets as carriers of descriptors (SCM_RIGHTS, unix(7)) and of the peer's identity. A sent
// descriptor lives in the kernel while its message is in flight, even when no process has it open.

import { type Fd, type Pid, toFd, toPid } from '../base/brands.ts'
import { MAX_DESCRIPTORS_PER_MESSAGE, MAX_SOCKET_PAYLOAD_BYTES } from '../base/limits.ts'
import { closeFd } from './fd.ts'
import { constants, layouts } from './layouts.ts'
import { koffi, lastErrno, libc } from './libc.ts'
import { checked, errnos, failedCall, KernelError } from './syscall-error.ts'

const HEADER = layouts.cmsghdr.size
const CONTROL_BYTES = HEADER + align(MAX_DESCRIPTORS_PER_MESSAGE * 4)
const message = layouts.msghdr.fields
const control = layouts.cmsghdr.fields
const cell = Buffer.alloc(16)
const lengthCell = Buffer.alloc(4)

interface Workspace {
  readonly header: Buffer
  readonly vector: Buffer
  readonly control: Buffer
  readonly payload: Buffer
}

let prepared: Workspace | undefined

/** A connected pair; each message arrives whole, in order. Close-on-exec and blocking. */
export function socketPairSeqpacket(): { readonly a: Fd; readonly b: Fd } {
  const type = constants.SOCK_SEQPACKET | constants.SOCK_CLOEXEC
  checked(libc.socketpair(constants.AF_UNIX, type, 0, cell), 'socketpair')
  return { a: toFd(cell.readInt32LE(0)), b: toFd(cell.readInt32LE(4)) }
}

/**
 * Sends one message with copies of the descriptors; ours stay open. `full` when the queue has no
 * room; nothing was sent. An empty payload is refused (EINVAL), because it would look like the
 * end of the stream. ETOOMANYREFS: too many descriptors of this user are in flight.
 */
export function sendDescriptors(fd: Fd, payload: Uint8Array, fds: readonly Fd[]): 'sent' | 'full' {
  if (payload.length === 0) throw new KernelError('sendmsg', errnos.EINVAL, undefined, 'empty')
  if (payload.length > MAX_SOCKET_PAYLOAD_BYTES || fds.length > MAX_DESCRIPTORS_PER_MESSAGE) {
    throw new KernelError('sendmsg', errnos.EMSGSIZE)
  }
  const space = workspace()
  space.payload.set(payload)
  writeLengths(space, payload.length, fds.length === 0 ? 0 : HEADER + align(fds.length * 4))
  space.control.writeBigUInt64LE(BigInt(HEADER + fds.length * 4), control.cmsg_len)
  space.control.writeInt32LE(constants.SOL_SOCKET, control.cmsg_level)
  space.control.writeInt32LE(constants.SCM_RIGHTS, control.cmsg_type)
  for (const [index, sent] of fds.entries()) space.control.writeInt32LE(sent, HEADER + index * 4)
  const flags = constants.MSG_DONTWAIT | constants.MSG_NOSIGNAL
  if (libc.sendmsg(fd, space.header, flags) !== -1) return 'sent'
  if (lastErrno() === errnos.EAGAIN) return 'full'
  throw failedCall('sendmsg')
}

/**
 * Takes the next message, or with `peek` looks at it: then the message stays, and the descriptors
 * are copies. Ours from then on, close-on-exec. `empty` when no message waits. Throws ECONNRESET
 * when the other end is closed, and EMFILE when not every descriptor could be opened (those that
 * were are closed again; without `peek` the message is gone, so peek first).
 */
export function receiveDescriptors(
  fd: Fd,
  options: { readonly peek: boolean },
): { readonly payload: Uint8Array; readonly fds: readonly Fd[] } | 'empty' {
  const space = workspace()
  writeLengths(space, MAX_SOCKET_PAYLOAD_BYTES, CONTROL_BYTES)
  const flags = constants.MSG_DONTWAIT | constants.MSG_CMSG_CLOEXEC
  const length = libc.recvmsg(fd, space.header, options.peek ? flags | constants.MSG_PEEK : flags)
  if (length === -1) {
    if (lastErrno() === errnos.EAGAIN) return 'empty'
    throw failedCall('recvmsg')
  }
  const fds = readDescriptors(space)
  const outcome = space.header.readInt32LE(message.msg_flags)
  const cut = outcome & (constants.MSG_CTRUNC | constants.MSG_TRUNC)
  if (cut !== 0 || length === 0) {
    for (const received of fds) closeFd(received)
    if (length === 0) throw new KernelError('recvmsg', errnos.ECONNRESET)
    const lost = (cut & constants.MSG_CTRUNC) !== 0
    throw new KernelError('recvmsg', lost ? errnos.EMFILE : errnos.EMSGSIZE)
  }
  return { payload: new Uint8Array(space.payload.subarray(0, length)), fds }
}

/** Who connected, as the kernel saw it at connect(2) or socketpair(2) (SO_PEERCRED). */
export function peerCredentials(fd: Fd): {
  readonly pid: Pid
  readonly uid: number
  readonly gid: number
} {
  const { size, fields } = layouts.ucred
  readOption(fd, constants.SO_PEERCRED, size)
  const pid = toPid(cell.readInt32LE(fields.pid))
  return { pid, uid: cell.readUInt32LE(fields.uid), gid: cell.readUInt32LE(fields.gid) }
}

/** Asks for a queue of that size and returns the actual one; the kernel doubles it (socket(7)). */
export function setSendBuffer(fd: Fd, bytes: number): number {
  cell.writeInt32LE(bytes, 0)
  const level = constants.SOL_SOCKET
  if (libc.setsockopt(fd, level, constants.SO_SNDBUFFORCE, cell, 4) === -1) {
    checked(libc.setsockopt(fd, level, constants.SO_SNDBUF, cell, 4), 'setsockopt')
  }
  readOption(fd, constants.SO_SNDBUF, 4)
  return cell.readInt32LE(0)
}

/**
 * Where the next peek begins, in bytes from the head of the queue, on a boundary between
 * messages. Every peek moves it behind the message that it saw, so that peeks walk through the
 * queue (SO_PEEK_OFF). It belongs to the socket, not to the process: set it before each walk.
 */
export function setPeekOffset(fd: Fd, bytes: number): void {
  cell.writeInt32LE(bytes, 0)
  const level = constants.SOL_SOCKET
  checked(libc.setsockopt(fd, level, constants.SO_PEEK_OFF, cell, 4), 'setsockopt')
}

function readOption(fd: Fd, name: number, size: number): void {
  lengthCell.writeUInt32LE(size, 0)
  checked(libc.getsockopt(fd, constants.SOL_SOCKET, name, cell, lengthCell), 'getsockopt')
}

function readDescriptors({ header, control: bytes }: Workspace): Fd[] {
  const fds: Fd[] = []
  const end = Number(header.readBigUInt64LE(message.msg_controllen))
  for (let at = 0; at + HEADER <= end; ) {
    const length = Number(bytes.readBigUInt64LE(at + control.cmsg_len))
    if (length < HEADER) break
    const level = bytes.readInt32LE(at + control.cmsg_level)
    const type = bytes.readInt32LE(at + control.cmsg_type)
    if (level === constants.SOL_SOCKET && type === constants.SCM_RIGHTS) {
      for (let offset = HEADER; offset < length; offset += 4) {
        fds.push(toFd(bytes.readInt32LE(at + offset)))
      }
    }
    at += align(length)
  }
  return fds
}

function writeLengths({ header, vector }: Workspace, payload: number, controlBytes: number): void {
  vector.writeBigUInt64LE(BigInt(payload), layouts.iovec.fields.iov_len)
  header.writeBigUInt64LE(BigInt(controlBytes), message.msg_controllen)
  header.writeInt32LE(0, message.msg_flags)
}

/** The buffers of all calls; they point to each other, so they are made once. */
function workspace(): Workspace {
  if (prepared !== undefined) return prepared
  const space = {
    header: Buffer.alloc(layouts.msghdr.size),
    vector: Buffer.alloc(layouts.iovec.size),
    control: Buffer.alloc(CONTROL_BYTES),
    payload: Buffer.alloc(MAX_SOCKET_PAYLOAD_BYTES),
  }
  const { address } = koffi()
  space.vector.writeBigUInt64LE(address(space.payload), layouts.iovec.fields.iov_base)
  space.header.writeBigUInt64LE(address(space.vector), message.msg_iov)
  space.header.writeBigUInt64LE(1n, message.msg_iovlen)
  space.header.writeBigUInt64LE(address(space.control), message.msg_control)
  prepared = space
  return space
}

function align(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

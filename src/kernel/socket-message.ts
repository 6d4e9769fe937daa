// One message through a Unix socket, with what travels beside its bytes: descriptors, credentials
// and the pidfd of the sender (unix(7), cmsg(3)). The callers give the bytes a meaning. All calls
// share one set of buffers, which point to each other.

import { type Fd, type Pid, toFd, toPid } from '../base/brands.ts'
import { MAX_DESCRIPTORS_PER_MESSAGE, MAX_SOCKET_PAYLOAD_BYTES } from '../base/limits.ts'
import { constants, layouts } from './layouts.ts'
import { koffi, lastErrno, libc } from './libc.ts'
import { errnos, failedCall } from './syscall-error.ts'

const HEADER = layouts.cmsghdr.size
const { pid: pidAt, uid: uidAt, gid: gidAt } = layouts.ucred.fields
const CREDENTIAL_BYTES = layouts.ucred.size
const message = layouts.msghdr.fields
const control = layouts.cmsghdr.fields
const CONTROL_BYTES =
  blockBytes(MAX_DESCRIPTORS_PER_MESSAGE * 4) + blockBytes(CREDENTIAL_BYTES) + blockBytes(4)

export interface SenderCredentials {
  /** 0 for a sender whom our pid namespace does not show. */
  readonly pid: Pid
  readonly uid: number
  readonly gid: number
}

export interface MessageParts {
  readonly fds?: readonly Fd[]
  /** Ours, unless we have the capabilities to claim others. */
  readonly credentials?: SenderCredentials
  /** A sockaddr, for a socket that is not connected. */
  readonly address?: Buffer
}

export interface ReceivedMessage {
  readonly payload: Uint8Array
  /** Ours from then on, close-on-exec. */
  readonly fds: readonly Fd[]
  /** With SO_PASSCRED. */
  readonly sender: SenderCredentials | null
  /** With SO_PASSPIDFD; ours to close. */
  readonly pidfd: Fd | null
  /** MSG_TRUNC, MSG_CTRUNC */
  readonly flags: number
}

interface Workspace {
  readonly header: Buffer
  readonly vector: Buffer
  readonly control: Buffer
  readonly payload: Buffer
}

let prepared: Workspace | undefined

/** Sends one message without waiting. `full`: there is no room, nothing was sent. The caller has
 *  checked that payload and descriptors are within the bounds of limits.ts. */
export function sendMessage(fd: Fd, payload: Uint8Array, parts: MessageParts): 'sent' | 'full' {
  const { fds = [], credentials, address } = parts
  const space = workspace()
  space.payload.set(payload)
  let end = 0
  if (fds.length > 0) {
    const at = writeBlock(space, end, constants.SCM_RIGHTS, fds.length * 4)
    for (const [index, sent] of fds.entries()) space.control.writeInt32LE(sent, at + index * 4)
    end += blockBytes(fds.length * 4)
  }
  if (credentials !== undefined) {
    const at = writeBlock(space, end, constants.SCM_CREDENTIALS, CREDENTIAL_BYTES)
    space.control.writeInt32LE(credentials.pid, at + pidAt)
    space.control.writeUInt32LE(credentials.uid, at + uidAt)
    space.control.writeUInt32LE(credentials.gid, at + gidAt)
    end += blockBytes(CREDENTIAL_BYTES)
  }
  writeLengths(space, payload.length, end)
  writeAddress(space, address)
  const flags = constants.MSG_DONTWAIT | constants.MSG_NOSIGNAL
  if (libc.sendmsg(fd, space.header, flags) !== -1) return 'sent'
  if (lastErrno() === errnos.EAGAIN) return 'full'
  throw failedCall('sendmsg')
}

/** Takes the next message without waiting, or looks at it (MSG_PEEK). */
export function receiveMessage(fd: Fd, flags: number): ReceivedMessage | 'empty' {
  const space = workspace()
  writeLengths(space, MAX_SOCKET_PAYLOAD_BYTES, CONTROL_BYTES)
  writeAddress(space, undefined)
  const all = flags | constants.MSG_DONTWAIT | constants.MSG_CMSG_CLOEXEC
  const length = libc.recvmsg(fd, space.header, all)
  if (length === -1) {
    if (lastErrno() === errnos.EAGAIN) return 'empty'
    throw failedCall('recvmsg')
  }
  const payload = new Uint8Array(space.payload.subarray(0, length))
  return { payload, ...readBlocks(space), flags: space.header.readInt32LE(message.msg_flags) }
}

function readBlocks({
  header,
  control: bytes,
}: Workspace): Pick<ReceivedMessage, 'fds' | 'sender' | 'pidfd'> {
  const fds: Fd[] = []
  let sender: SenderCredentials | null = null
  let pidfd: Fd | null = null
  const end = Number(header.readBigUInt64LE(message.msg_controllen))
  for (let at = 0; at + HEADER <= end; ) {
    const length = Number(bytes.readBigUInt64LE(at + control.cmsg_len))
    if (length < HEADER || at + length > end) break
    const data = at + HEADER
    const isSocketLevel = bytes.readInt32LE(at + control.cmsg_level) === constants.SOL_SOCKET
    const type = isSocketLevel ? bytes.readInt32LE(at + control.cmsg_type) : -1
    if (type === constants.SCM_RIGHTS) {
      for (let fd = data; fd < at + length; fd += 4) fds.push(toFd(bytes.readInt32LE(fd)))
    } else if (type === constants.SCM_CREDENTIALS) {
      const uid = bytes.readUInt32LE(data + uidAt)
      const gid = bytes.readUInt32LE(data + gidAt)
      sender = { pid: toPid(bytes.readInt32LE(data + pidAt)), uid, gid }
    } else if (type === constants.SCM_PIDFD) {
      // A negative number is the reason why there is none: the sender has been reaped.
      const number = bytes.readInt32LE(data)
      if (number >= 0) pidfd = toFd(number)
    }
    at += align(length)
  }
  return { fds, sender, pidfd }
}

/** Where the content of the block goes. */
function writeBlock({ control: bytes }: Workspace, at: number, type: number, size: number): number {
  bytes.writeBigUInt64LE(BigInt(HEADER + size), at + control.cmsg_len)
  bytes.writeInt32LE(constants.SOL_SOCKET, at + control.cmsg_level)
  bytes.writeInt32LE(type, at + control.cmsg_type)
  return at + HEADER
}

function writeLengths({ header, vector }: Workspace, payload: number, controlBytes: number): void {
  vector.writeBigUInt64LE(BigInt(payload), layouts.iovec.fields.iov_len)
  header.writeBigUInt64LE(BigInt(controlBytes), message.msg_controllen)
  header.writeInt32LE(0, message.msg_flags)
}

function writeAddress({ header }: Workspace, address: Buffer | undefined): void {
  const pointer = address === undefined ? 0n : koffi().address(address)
  header.writeBigUInt64LE(pointer, message.msg_name)
  header.writeUInt32LE(address?.length ?? 0, message.msg_namelen)
}

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

function blockBytes(size: number): number {
  return HEADER + align(size)
}

function align(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

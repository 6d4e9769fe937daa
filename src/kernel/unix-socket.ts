// Unix sockets as carriers of descriptors (SCM_RIGHTS, unix(7)) and of the peer's identity. A sent
// descriptor lives in the kernel while its message is in flight, even when no process has it open.

import { type Fd, type Pid, toFd, toPid } from '../base/brands.ts'
import { MAX_DESCRIPTORS_PER_MESSAGE, MAX_SOCKET_PAYLOAD_BYTES } from '../base/limits.ts'
import { closeFd } from './fd.ts'
import { constants, layouts } from './layouts.ts'
import { libc } from './libc.ts'
import { receiveMessage, sendMessage } from './socket-message.ts'
import { readSocketOption, writeSocketOption } from './socket-option.ts'
import { checked, errnos, KernelError } from './syscall-error.ts'

const cell = Buffer.alloc(16)

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
  return sendMessage(fd, payload, { fds })
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
  const message = receiveMessage(fd, options.peek ? constants.MSG_PEEK : 0)
  if (message === 'empty') return 'empty'
  const { payload, fds, flags } = message
  const cut = flags & (constants.MSG_CTRUNC | constants.MSG_TRUNC)
  if (cut !== 0 || payload.length === 0) {
    for (const received of fds) closeFd(received)
    if (payload.length === 0) throw new KernelError('recvmsg', errnos.ECONNRESET)
    const lost = (cut & constants.MSG_CTRUNC) !== 0
    throw new KernelError('recvmsg', lost ? errnos.EMFILE : errnos.EMSGSIZE)
  }
  return { payload, fds }
}

/** Who connected, as the kernel saw it at connect(2) or socketpair(2) (SO_PEERCRED). */
export function peerCredentials(fd: Fd): {
  readonly pid: Pid
  readonly uid: number
  readonly gid: number
} {
  const { size, fields } = layouts.ucred
  const value = readSocketOption(fd, constants.SO_PEERCRED, size)
  const pid = toPid(value.readInt32LE(fields.pid))
  return { pid, uid: value.readUInt32LE(fields.uid), gid: value.readUInt32LE(fields.gid) }
}

/** Asks for a queue of that size and returns the actual one; the kernel doubles it (socket(7)). */
export function setSendBuffer(fd: Fd, bytes: number): number {
  if (!writeSocketOption(fd, constants.SO_SNDBUFFORCE, bytes)) {
    checked(writeSocketOption(fd, constants.SO_SNDBUF, bytes) ? 0 : -1, 'setsockopt')
  }
  return readSocketOption(fd, constants.SO_SNDBUF, 4).readInt32LE(0)
}

/**
 * Where the next peek begins, in bytes from the head of the queue, on a boundary between
 * messages. Every peek moves it behind the message that it saw, so that peeks walk through the
 * queue (SO_PEEK_OFF). It belongs to the socket, not to the process: set it before each walk.
 */
export function setPeekOffset(fd: Fd, bytes: number): void {
  checked(writeSocketOption(fd, constants.SO_PEEK_OFF, bytes) ? 0 : -1, 'setsockopt')
}

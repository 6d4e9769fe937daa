// Unix datagram sockets: one at a path, that knows who sends to it, and senders without an address
// of their own. Nothing waits: the receiving descriptor goes into a poller (poll.ts).

import { chmodSync, chownSync, lstatSync, rmSync } from 'node:fs'
import type { Fd } from '../base/brands.ts'
import { MAX_DESCRIPTORS_PER_MESSAGE, MAX_SOCKET_PAYLOAD_BYTES } from '../base/limits.ts'
import { closeFd } from './fd.ts'
import { constants } from './layouts.ts'
import { libc } from './libc.ts'
import { type ReceivedMessage, receiveMessage, sendMessage } from './socket-message.ts'
import { writeSocketOption } from './socket-option.ts'
import { checked, errnos, isErrno, KernelError, viaNode } from './syscall-error.ts'
import { bindUnix, connectUnix, openUnixSocket, unixAddress } from './unix-address.ts'

export type { SenderCredentials } from './socket-message.ts'

export interface BindOptions {
  /** Who may send: everybody who may write to the file. */
  readonly mode: number
  readonly owner?: { readonly uid: number; readonly gid: number }
}

export interface BoundDatagram {
  readonly fd: Fd
  readonly path: string
  /** Closes the socket and removes its file, unless another one lies there by now. */
  close(): void
}

export interface Datagram extends Omit<ReceivedMessage, 'flags'> {
  /** The message was longer than MAX_SOCKET_PAYLOAD_BYTES; the rest is lost. */
  readonly isCut: boolean
  /** Some descriptors, or the credentials, could not be received: we have too many open. */
  readonly hasLostParts: boolean
}

/**
 * Binds a socket at a path. A dead socket of ours, or of `owner`, is replaced. EADDRINUSE: somebody
 * listens there; EEXIST: what lies there is not ours to remove. Every message tells its sender
 * (SO_PASSCRED), by pidfd too where the kernel can (SO_PASSPIDFD, Linux 6.5).
 */
export function bindDatagram(path: string, options: BindOptions): BoundDatagram {
  const { mode, owner } = options
  const fd = openUnixSocket('datagram')
  try {
    checked(writeSocketOption(fd, constants.SO_PASSCRED, 1) ? 0 : -1, 'setsockopt')
    writeSocketOption(fd, constants.SO_PASSPIDFD, 1)
    // The file is made with the mode of the socket, cut by our umask: never wider than asked for.
    checked(libc.fchmod(fd, mode), 'fchmod')
    if (!bindUnix(fd, path)) {
      removeDeadSocket(path, [process.geteuid?.() ?? 0, ...(owner ? [owner.uid] : [])])
      if (!bindUnix(fd, path)) throw new KernelError('bind', errnos.EADDRINUSE, path)
    }
    return finishBinding(fd, path, options)
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

/** A socket for sending; close it with closeFd(). */
export function openDatagram(): Fd {
  return openUnixSocket('datagram')
}

/**
 * Sends one message to `/path` or `@name`, with copies of the descriptors. `full`: the receiver's
 * queue has no room. ENOENT, ECONNREFUSED: nobody is there; EMSGSIZE: too much for one message.
 */
export function sendDatagram(
  fd: Fd,
  to: string,
  payload: Uint8Array,
  parts: { readonly fds?: readonly Fd[]; readonly credentials?: Datagram['sender'] } = {},
): 'sent' | 'full' {
  const { fds = [], credentials } = parts
  if (payload.length > MAX_SOCKET_PAYLOAD_BYTES || fds.length > MAX_DESCRIPTORS_PER_MESSAGE) {
    throw new KernelError('sendmsg', errnos.EMSGSIZE, to)
  }
  const address = unixAddress(to, 'sendmsg')
  return sendMessage(fd, payload, { fds, address, ...(credentials ? { credentials } : {}) })
}

/** Takes the next message. Its descriptors are ours then, close-on-exec; close them all. */
export function receiveDatagram(fd: Fd): Datagram | 'empty' {
  const message = receiveMessage(fd, 0)
  if (message === 'empty') return 'empty'
  const { flags, ...rest } = message
  return {
    ...rest,
    isCut: (flags & constants.MSG_TRUNC) !== 0,
    hasLostParts: (flags & constants.MSG_CTRUNC) !== 0,
  }
}

function finishBinding(fd: Fd, path: string, { mode, owner }: BindOptions): BoundDatagram {
  const made = lstatSync(path, { bigint: true })
  const remove = (): void => {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (found?.ino === made.ino && found.dev === made.dev) rmSync(path, { force: true })
  }
  try {
    viaNode(path, () => {
      chmodSync(path, mode)
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
    })
  } catch (error) {
    remove()
    throw error
  }
  let isClosed = false
  const close = (): void => {
    if (isClosed) return
    isClosed = true
    remove()
    closeFd(fd)
  }
  return { fd, path, close }
}

function removeDeadSocket(path: string, owners: readonly number[]): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  const refuse = (detail: string): KernelError =>
    new KernelError('bind', errnos.EEXIST, path, `${detail}; remove it if nobody needs it`)
  if (!found.isSocket()) throw refuse('there is a file that is no socket')
  if (!owners.includes(found.uid)) throw refuse(`there is a socket of the user ${found.uid}`)
  try {
    closeFd(connectUnix(path, 'datagram'))
  } catch (error) {
    if (isErrno(error, 'ECONNREFUSED')) return rmSync(path, { force: true })
    // EPROTOTYPE: it lives, as a socket of another type.
    if (!isErrno(error, 'EPROTOTYPE')) throw error
  }
  throw new KernelError('bind', errnos.EADDRINUSE, path, 'another process receives there')
}

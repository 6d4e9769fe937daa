// The other end of sd_notify(3): a socket of our own for one daemon, its messages with their
// verified senders. It lies in a fresh folder that nobody else can write to; what foreigners
// send, and what is no message, is counted and dropped. Everything is removed at the end.

import { accessSync, chmodSync, constants as fsConstants, mkdtempSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Fd } from '../base/brands.ts'
import { MAX_NOTIFY_TURN_MESSAGES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import {
  type BoundDatagram,
  bindDatagram,
  type Datagram,
  receiveDatagram,
  type SenderCredentials,
} from '../kernel/datagram-socket.ts'
import { closeFd } from '../kernel/fd.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { kernelErrorOf } from '../kernel/syscall-error.ts'
import { MAX_SOCKET_PATH_BYTES } from '../protocol/directories.ts'
import { type NotifyMessage, parseNotifyMessage } from '../protocol/notify-message.ts'

/** Who sent a message, as the kernel says. */
export interface NotifySender extends SenderCredentials {
  /** Null before Linux 6.5. Closed after the callback. */
  readonly pidfd: Fd | null
}

export interface ReceivedNotification {
  readonly message: NotifyMessage
  readonly sender: NotifySender
  /** Closed after the callback: copy what is to be kept. */
  readonly fds: readonly Fd[]
}

export interface NotifyReceiverOptions {
  readonly poller: Poller
  /** The daemon's user when it is not ours: it must be able to reach the socket. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly accepts: (sender: NotifySender) => boolean
  readonly onMessage: (received: ReceivedNotification) => void
}

export interface NotifyCounts {
  readonly accepted: number
  /** From a process that has no business here, or from an unknown one. */
  readonly foreign: number
  /** Nothing in it could be used. */
  readonly malformed: number
  /** Lines that were wrong in messages that were accepted. */
  readonly wrongLines: number
}

export interface NotifyReceiver {
  /** The value of NOTIFY_SOCKET. */
  readonly path: string
  readonly counts: NotifyCounts
  /** Delivers what has been sent until now: call it when the daemon has ended. */
  drain(): void
  close(): void
}

const SOCKET_NAME = 'notify'
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** Makes the socket and listens. Throws ERR_NO_NOTIFY_SOCKET when there is no place for it. */
export function openNotifyReceiver(options: NotifyReceiverOptions): NotifyReceiver {
  const { poller, accepts, onMessage } = options
  const { socket, remove } = makePlace(options)
  const counts = { accepted: 0, foreign: 0, malformed: 0, wrongLines: 0 }
  let isClosed = false

  function receive(datagram: Datagram): void {
    const { sender, pidfd, fds, payload, isCut } = datagram
    if (sender === null || !accepts({ ...sender, pidfd })) {
      counts.foreign += 1
      return
    }
    const message = parseNotifyMessage(payload, decode)
    if (isCut || !isUsable(message)) {
      counts.malformed += 1
      return
    }
    counts.accepted += 1
    counts.wrongLines += message.problems.length
    // What the sender waits for is the end of its descriptor; everything before it is delivered.
    if (message.fields.barrier) return
    onMessage({ message, sender: { ...sender, pidfd }, fds })
  }

  /** False when nothing more waits. */
  function receiveNext(): boolean {
    if (isClosed) return false
    const datagram = receiveDatagram(socket.fd)
    if (datagram === 'empty') return false
    try {
      receive(datagram)
    } finally {
      for (const fd of datagram.fds) closeFd(fd)
      if (datagram.pidfd !== null) closeFd(datagram.pidfd)
    }
    return true
  }

  poller.add(socket.fd, POLLIN, () => {
    for (let count = 0; count < MAX_NOTIFY_TURN_MESSAGES && receiveNext(); count += 1);
  })

  return {
    path: socket.path,
    counts,
    drain: () => {
      while (receiveNext());
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      poller.remove(socket.fd)
      remove()
    },
  }
}

/** As systemd has it: a barrier stands alone, or the whole message is void. */
function isUsable({ fields, other }: NotifyMessage): boolean {
  const found = Object.keys(fields).length + other.length
  return fields.barrier ? found === 1 : found > 0
}

interface Place {
  readonly socket: BoundDatagram
  remove(): void
}

function makePlace({ owner, environment }: NotifyReceiverOptions): Place {
  const isOurs = owner === null || owner.uid === process.geteuid?.()
  const runtime = isOurs ? environment['XDG_RUNTIME_DIR'] : undefined
  const parents = [...(runtime?.startsWith('/') ? [runtime] : []), '/run', '/tmp']
  const refusals: string[] = []
  for (const parent of parents) {
    const longest = join(parent, 'eudaemon-notify-XXXXXX', SOCKET_NAME)
    if (Buffer.byteLength(longest) > MAX_SOCKET_PATH_BYTES) {
      refusals.push(`${parent}: the path is too long for a socket`)
      continue
    }
    try {
      accessSync(parent, fsConstants.W_OK | fsConstants.X_OK)
      return makeIn(parent, isOurs ? null : owner)
    } catch (error) {
      const cause = kernelErrorOf(error, parent)
      if (!(cause instanceof ToolkitError)) throw error
      refusals.push(cause.message)
    }
  }
  const message = `there is no place for a notify socket: ${refusals.join('; ')}`
  throw new ToolkitError('ERR_NO_NOTIFY_SOCKET', message)
}

function makeIn(parent: string, owner: NotifyReceiverOptions['owner']): Place {
  const folder = mkdtempSync(join(parent, 'eudaemon-notify-'))
  try {
    // Our umask may have denied even us.
    chmodSync(folder, 0o700)
    const options = owner === null ? { mode: 0o600 } : { mode: 0o600, owner }
    const socket = bindDatagram(join(folder, SOCKET_NAME), options)
    // The folder stays ours: its new user reaches the socket, and cannot put anything in its place.
    if (owner !== null) chmodSync(folder, 0o711)
    const remove = (): void => {
      socket.close()
      removeFolder(folder)
    }
    return { socket, remove }
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

/** A daemon of ours may have put something into the folder: then it is not ours to remove. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    const cause = kernelErrorOf(error, folder)
    if (!(cause instanceof ToolkitError)) throw error
  }
}

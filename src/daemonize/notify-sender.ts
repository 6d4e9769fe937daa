// The program's end of sd_notify(3): messages to whatever NOTIFY_SOCKET names. Without the variable
// nothing happens, and the C library is not even loaded. A receiver that is gone is never an error
// of the program: it is told, and life goes on.

import type { Fd } from '../base/brands.ts'
import {
  MAX_NOTIFY_MESSAGE_BYTES,
  MAX_NOTIFY_SEND_WAIT_MS,
  MAX_STATUS_LENGTH,
} from '../base/limits.ts'
import { openDatagram, sendDatagram } from '../kernel/datagram-socket.ts'
import { closeFd } from '../kernel/fd.ts'
import { createPipe } from '../kernel/fifo.ts'
import { openPoller, POLLHUP } from '../kernel/poll.ts'
import { KernelError } from '../kernel/syscall-error.ts'
import { type NotifyFields, printNotifyMessage } from '../protocol/notify-message.ts'

/** Null: it was sent. Otherwise why it was not, as one phrase. */
export type NotSent = string | null

const RETRY_MS = 5
const sleepCell = new Int32Array(new SharedArrayBuffer(4))

/** Sends one message. A full queue is waited for, MAX_NOTIFY_SEND_WAIT_MS at most. */
export function sendNotification(fields: NotifyFields, fds: readonly Fd[] = []): NotSent {
  const to = process.env['NOTIFY_SOCKET'] ?? ''
  if (to === '') return 'there is no NOTIFY_SOCKET'
  if (!/^[/@]./.test(to)) return `NOTIFY_SOCKET is neither a path nor an abstract name: '${to}'`
  const payload = Buffer.from(printNotifyMessage(shorten(fields)))
  if (payload.length > MAX_NOTIFY_MESSAGE_BYTES) return 'the message is too long'
  try {
    return sendPatiently(to, payload, fds)
  } catch (error) {
    if (error instanceof KernelError) return error.message
    throw error
  }
}

/**
 * Resolves to true when the supervisor has taken every message before this one; to false when it
 * has not within the time, or when there is none (sd_notify_barrier(3)).
 */
export async function awaitBarrier(timeoutMs: number): Promise<boolean> {
  if ((process.env['NOTIFY_SOCKET'] ?? '') === '') return false
  const { reader, writer } = createPipe()
  const notSent = sendNotification({ barrier: true }, [writer])
  closeFd(writer)
  if (notSent !== null) {
    closeFd(reader)
    return false
  }
  const poller = openPoller()
  const isTaken = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs)
    poller.add(reader, POLLHUP, () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
  poller.remove(reader)
  poller.close()
  closeFd(reader)
  return isTaken
}

function sendPatiently(to: string, payload: Uint8Array, fds: readonly Fd[]): NotSent {
  const socket = openDatagram()
  try {
    for (let waitedMs = 0; waitedMs <= MAX_NOTIFY_SEND_WAIT_MS; waitedMs += RETRY_MS) {
      if (sendDatagram(socket, to, payload, { fds }) === 'sent') return null
      Atomics.wait(sleepCell, 0, 0, RETRY_MS)
    }
    return `the queue of '${to}' is full`
  } finally {
    closeFd(socket)
  }
}

/** A status is for people: what does not fit into a message is cut off. */
function shorten(fields: NotifyFields): NotifyFields {
  const { status } = fields
  if (status === undefined || status.length <= MAX_STATUS_LENGTH) return fields
  return { ...fields, status: status.slice(0, MAX_STATUS_LENGTH).toWellFormed() }
}

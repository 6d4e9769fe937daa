// One queue of the descriptor store: a socketpair whose messages nobody reads in everyday life.
// They keep their descriptors alive in flight (unix(7)). Which entries count is not known here.

import { readSync } from 'node:fs'
import type { Fd } from '../base/brands.ts'
import { closeFd } from '../kernel/fd.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { receiveDescriptors, sendDescriptors, setPeekOffset } from '../kernel/unix-socket.ts'
import { packStoreMessage, type StoreEntry, unpackStoreMessage } from '../protocol/store-message.ts'

/** An entry together with its descriptors, which are ours. */
export interface HeldEntry extends StoreEntry {
  readonly fds: readonly Fd[]
}

export interface StoreQueue {
  readonly writer: Fd
  readonly reader: Fd
  messages: number
  /** Descriptors in flight in it. */
  descriptors: number
}

/** Why a message was not sent. `full`: SO_SNDBUF; `too-many`: the user's descriptors in flight. */
export type SendOutcome = 'sent' | 'full' | 'too-many'

const scratch = Buffer.alloc(1)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function sendEntries(queue: StoreQueue, entries: readonly HeldEntry[]): SendOutcome {
  const fds = entries.flatMap((entry) => entry.fds)
  try {
    const outcome = sendDescriptors(queue.writer, encoder.encode(packStoreMessage(entries)), fds)
    if (outcome === 'full') return 'full'
  } catch (error) {
    // unix(7), ETOOMANYREFS: more in flight than RLIMIT_NOFILE, without the rights to.
    if (isErrno(error, 'ETOOMANYREFS')) return 'too-many'
    throw error
  }
  queue.messages += 1
  queue.descriptors += fds.length
  return 'sent'
}

/**
 * Copies of every message in the queue, in order, which all stay there. The descriptors of a
 * message belong to who takes it from the iteration. Null entries: not a message of ours.
 */
export function* peekMessages(
  queue: StoreQueue,
): Generator<{ readonly entries: readonly HeldEntry[]; readonly descriptors: number }> {
  setPeekOffset(queue.reader, 0)
  for (;;) {
    const message = receiveDescriptors(queue.reader, { peek: true })
    if (message === 'empty') return
    const { fds } = message
    const entries = unpackStoreMessage(decoder.decode(message.payload), fds.length)
    if (entries === null) for (const fd of fds) closeFd(fd)
    let at = 0
    const held = (entries ?? []).map((entry) => {
      at += entry.count
      return { ...entry, fds: fds.slice(at - entry.count, at) }
    })
    yield { entries: held, descriptors: fds.length }
  }
}

/**
 * Takes that many messages from the head. Plain read(2) receives no descriptors: they are closed
 * by the kernel, unless they are in flight or open elsewhere.
 */
export function takeMessages(queue: StoreQueue, count: number, descriptors: number): void {
  for (let taken = 0; taken < count; taken += 1) readSync(queue.reader, scratch)
  queue.messages -= count
  queue.descriptors -= descriptors
}

export function closeHeld(entries: readonly HeldEntry[]): void {
  for (const { fds } of entries) for (const fd of fds) closeFd(fd)
}

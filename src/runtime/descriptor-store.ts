// Descriptors that outlive us. The guardian holds both ends of two socketpairs and never reads
// them; messages that we send into one keep their descriptors alive, in flight, in the kernel.
//
// An entry is a named, numbered message. The newest number of a name wins, so a replacement is one
// append; a removal is an entry without descriptors. Compaction and reading back go message by
// message from the full queue to the other one: peek (a copy), send the copy, then take. At every
// instant at least one copy is in flight; after a death in between there are two with the same
// number, which is no harm.

import type { Fd } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd } from '../kernel/fd.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { receiveDescriptors, sendDescriptors } from '../kernel/unix-socket.ts'

export interface DescriptorStore {
  /** `none`: there is no guardian, and nothing outlives us. */
  readonly kind: 'guardian' | 'none'
  /** Everything that was kept, once, at the start. The descriptors are ours from then on. */
  recover(): Map<string, readonly Fd[]>
  put(name: string, fds: readonly Fd[]): void
  drop(name: string): void
}

interface Message {
  readonly sequence: number
  readonly name: string
}

interface Queue {
  readonly writer: Fd
  readonly reader: Fd
}

/** Stale messages are worth a pass over the queue when they outnumber the live ones by this. */
const MIN_STALE = 256

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** `fds`: both ends of both queues, or null without a guardian. */
export function openStore(fds: readonly Fd[] | null): DescriptorStore {
  if (fds === null) {
    return { kind: 'none', recover: () => new Map(), put: () => {}, drop: () => {} }
  }
  const [writerA, readerA, writerB, readerB] = fds
  if (!writerA || !readerA || !writerB || !readerB) {
    throw new ToolkitError('ERR_KERNEL_CALL', 'the descriptor store needs four descriptors')
  }
  return keepIn({ writer: writerA, reader: readerA }, { writer: writerB, reader: readerB })
}

function keepIn(first: Queue, second: Queue): DescriptorStore {
  let current = first
  let other = second
  let sequence = 0
  let stale = 0
  const live = new Map<string, number>()

  function send(queue: Queue, message: Message, fds: readonly Fd[]): boolean {
    const payload = encoder.encode(`${message.sequence} ${message.name}`)
    try {
      return sendDescriptors(queue.writer, payload, fds) === 'sent'
    } catch (error) {
      if (isErrno(error, 'ETOOMANYREFS')) throw full('too many descriptors are in flight')
      throw error
    }
  }

  function append(name: string, fds: readonly Fd[]): void {
    sequence += 1
    if (live.size + MIN_STALE < stale) compact()
    const message = { sequence, name }
    if (!send(current, message, fds)) {
      compact()
      if (!send(current, message, fds)) throw full('its queue has no room')
    }
    if (live.has(name) || fds.length === 0) stale += 1
    if (fds.length > 0) live.set(name, sequence)
    else if (live.delete(name)) stale += 1
  }

  function full(what: string): ToolkitError {
    const hint = 'Raise the hard limit of open files (RLIMIT_NOFILE), or run fewer services.'
    const context = { entries: live.size }
    return new ToolkitError('ERR_DESCRIPTOR_STORE_FULL', `the descriptor store is full: ${what}`, {
      hint,
      context,
    })
  }

  /** Moves what `isLive` says from `current` to `other`, and makes that the current one. */
  function compact(): void {
    drain(current, other, (message) => live.get(message.name) === message.sequence)
    ;[current, other] = [other, current]
    stale = 0
  }

  function drain(from: Queue, to: Queue, isWanted: (message: Message) => boolean): void {
    for (;;) {
      const peeked = receiveDescriptors(from.reader, { peek: true })
      if (peeked === 'empty') return
      const message = decode(peeked.payload)
      const isSent = !message || !isWanted(message) || send(to, message, peeked.fds)
      for (const fd of peeked.fds) closeFd(fd)
      if (!isSent) throw full('the second queue has no room')
      const taken = receiveDescriptors(from.reader, { peek: false })
      if (taken !== 'empty') for (const fd of taken.fds) closeFd(fd)
    }
  }

  /** Two passes, because which entry of a name is the newest is known at the end only. */
  function recover(): Map<string, readonly Fd[]> {
    drain(second, first, () => true)
    ;[current, other] = [first, second]
    live.clear()
    drain(first, second, (message) => {
      sequence = Math.max(sequence, message.sequence)
      if (message.sequence >= (live.get(message.name) ?? 0))
        live.set(message.name, message.sequence)
      return true
    })
    const found = new Map<string, readonly Fd[]>()
    for (;;) {
      const peeked = receiveDescriptors(second.reader, { peek: true })
      if (peeked === 'empty') break
      const message = decode(peeked.payload)
      const isNewest = message !== null && live.get(message.name) === message.sequence
      const isWanted = isNewest && peeked.fds.length > 0 && !found.has(message.name)
      if (isWanted && !send(first, message, peeked.fds)) throw full('the queue has no room')
      if (isWanted) found.set(message.name, peeked.fds)
      else for (const fd of peeked.fds) closeFd(fd)
      const taken = receiveDescriptors(second.reader, { peek: false })
      if (taken !== 'empty') for (const fd of taken.fds) closeFd(fd)
    }
    for (const name of [...live.keys()]) if (!found.has(name)) live.delete(name)
    return found
  }

  return {
    kind: 'guardian',
    recover,
    put: append,
    drop: (name) => {
      if (live.has(name)) append(name, [])
    },
  }
}

function decode(payload: Uint8Array): Message | null {
  const text = decoder.decode(payload)
  const space = text.indexOf(' ')
  const sequence = Number(text.slice(0, space))
  return space > 0 && Number.isInteger(sequence) ? { sequence, name: text.slice(space + 1) } : null
}

// Descriptors that outlive us. The guardian holds both ends of two socketpairs and never reads
// them; messages that we send into one keep their descriptors alive, in flight, in the kernel
// (unix(7)).
//
// An entry is named and numbered. The newest number of a name wins, so a replacement is one
// append, and the stale entry stays until compaction; an entry without descriptors removes the
// name. Reading back looks at both queues and changes nothing. Compaction goes from one queue to
// the other: look at the first messages, send one with what still counts of them, take them. At
// every instant at least one copy is in flight; after a death in between there are two with the
// same number, which is no harm.

import { assert } from '../base/assert.ts'
import type { Fd } from '../base/brands.ts'
import {
  MAX_STORE_MESSAGE_DESCRIPTORS,
  MAX_STORE_NAME_LENGTH,
  MIN_STORE_NEW_MESSAGES,
  MIN_STORE_STALE_ENTRIES,
} from '../base/limits.ts'
import { closeFd, setCloseOnExec } from '../kernel/fd.ts'
import { createStoreBatch, type StoreBatch } from './store-batch.ts'
import { storeFull } from './store-full.ts'
import {
  closeHeld,
  type HeldEntry,
  peekMessages,
  type StoreQueue,
  sendEntries,
  takeMessages,
} from './store-queue.ts'

export interface DescriptorStore {
  /** `none`: there is no guardian, and nothing outlives us. */
  readonly kind: 'guardian' | 'none'
  /** Everything that is kept. Once, before anything else. The descriptors are the caller's. */
  recover(): Map<string, readonly Fd[]>
  /**
   * Keeps copies of the descriptors under that name, instead of what was there. Ours stay open.
   * In the kernel's hands when it returns. Throws ERR_DESCRIPTOR_STORE_FULL; then the old ones
   * are kept.
   */
  put(name: string, fds: readonly Fd[]): void
  /** The same for many names, in few messages. After a failure some may have been stored. */
  putMany(entries: ReadonlyMap<string, readonly Fd[]>): void
  /** Forgets the name; does nothing when there is none. */
  drop(name: string): void
  /** Rewrites the queue without what is stale. Happens by itself when it is worth it. */
  compact(): void
  size(): StoreSize
  /** Closes our ends. What was kept stays with the guardian. */
  close(): void
}

export interface StoreSize {
  readonly names: number
  /** In flight, stale ones included: these count against the user's RLIMIT_NOFILE. */
  readonly descriptors: number
  readonly messages: number
}

/** What was looked at, to be closed afterwards; of it, what is to be moved. */
interface Gathered {
  readonly batch: StoreBatch
  readonly entries: readonly HeldEntry[]
  readonly messages: number
  readonly descriptors: number
}

/** `fds`: both ends of both queues as the guardian made them, or null without a guardian. */
export function openStore(fds: readonly Fd[] | null): DescriptorStore {
  if (fds === null) return nothingKept
  const [writerA, readerA, writerB, readerB] = fds
  const isComplete = writerA && readerA && writerB && readerB && fds.length === 4
  assert(isComplete, 'the descriptor store needs four descriptors')
  for (const fd of fds) setCloseOnExec(fd, true)
  const queue = (writer: Fd, reader: Fd): StoreQueue => {
    return { writer, reader, messages: 0, descriptors: 0 }
  }
  return new GuardedStore(queue(writerA, readerA), queue(writerB, readerB))
}

const nothingKept: DescriptorStore = {
  kind: 'none',
  recover: () => new Map(),
  put: () => {},
  putMany: () => {},
  drop: () => {},
  compact: () => {},
  size: () => ({ names: 0, descriptors: 0, messages: 0 }),
  close: () => {},
}

class GuardedStore implements DescriptorStore {
  readonly kind = 'guardian'
  /** Where new entries go. */
  #front: StoreQueue
  /** Empty, but during compaction and after a death in it. */
  #back: StoreQueue
  #sequence = 0
  /** The newest number of every name that has descriptors. */
  readonly #live = new Map<string, number>()
  /**
   * The newest number of every name that was removed and of which older entries may be in flight.
   */
  readonly #removed = new Map<string, number>()
  #staleEntries = 0
  #messagesAfterCompaction = 0
  #isRecovered = false

  constructor(front: StoreQueue, back: StoreQueue) {
    this.#front = front
    this.#back = back
  }

  recover(): Map<string, readonly Fd[]> {
    assert(!this.#isRecovered, 'the descriptor store is read back once')
    this.#isRecovered = true
    const newest = new Map<string, HeldEntry>()
    for (const queue of [this.#front, this.#back]) {
      for (const { entries, descriptors } of peekMessages(queue)) {
        queue.messages += 1
        queue.descriptors += descriptors
        for (const entry of entries) this.#weigh(newest, entry)
      }
    }
    const found = new Map<string, readonly Fd[]>()
    for (const { name, sequence, fds } of newest.values()) {
      const isRemoved = fds.length === 0
      ;(isRemoved ? this.#removed : this.#live).set(name, sequence)
      if (!isRemoved) found.set(name, fds)
    }
    if (this.#front.messages === 0) this.#turn()
    // Also ends a compaction in which our predecessor died.
    if (this.#back.messages > 0) this.compact()
    else this.#compactWhenWorthIt()
    return found
  }

  put(name: string, fds: readonly Fd[]): void {
    this.putMany(new Map([[name, fds]]))
  }

  putMany(entries: ReadonlyMap<string, readonly Fd[]>): void {
    assert(this.#isRecovered, 'read the descriptor store back before changing it')
    let batch = createStoreBatch()
    for (const [name, fds] of entries) {
      assert(name.length <= MAX_STORE_NAME_LENGTH, `the name '${name}' is too long`)
      const isInBounds = fds.length > 0 && fds.length <= MAX_STORE_MESSAGE_DESCRIPTORS
      assert(isInBounds, `${fds.length} descriptors for '${name}'`)
      this.#sequence += 1
      const entry = { name, fds, count: fds.length, sequence: this.#sequence }
      if (batch.add([entry])) continue
      this.#append(batch.entries)
      batch = createStoreBatch()
      batch.add([entry])
    }
    if (batch.entries.length > 0) this.#append(batch.entries)
  }

  drop(name: string): void {
    if (!this.#live.delete(name)) return
    this.#sequence += 1
    const sequence = this.#sequence
    this.#removed.set(name, sequence)
    this.#staleEntries += 2
    const entry: HeldEntry = { name, fds: [], count: 0, sequence }
    // No room even for this: compaction takes the entry itself out.
    if (sendEntries(this.#front, [entry]) !== 'sent') this.compact()
    else this.#compactWhenWorthIt()
  }

  compact(): void {
    // After an incomplete pass both queues hold messages; then the way back completes it.
    if (!this.#pass(this.#front, this.#back)) {
      this.#turn()
      if (!this.#pass(this.#front, this.#back)) return
    }
    this.#turn()
    this.#messagesAfterCompaction = this.#front.messages
    this.#staleEntries = this.#removed.size
  }

  size(): StoreSize {
    return {
      names: this.#live.size,
      descriptors: this.#front.descriptors + this.#back.descriptors,
      messages: this.#front.messages + this.#back.messages,
    }
  }

  close(): void {
    for (const { writer, reader } of [this.#front, this.#back]) {
      closeFd(writer)
      closeFd(reader)
    }
  }

  #append(entries: readonly HeldEntry[]): void {
    let outcome = sendEntries(this.#front, entries)
    if (outcome !== 'sent') {
      this.compact()
      outcome = sendEntries(this.#front, entries)
    }
    if (outcome !== 'sent')
      throw storeFull(
        outcome,
        entries.map(({ name }) => name),
        this.size(),
      )
    for (const { name, sequence } of entries) {
      if (this.#live.has(name)) this.#staleEntries += 1
      this.#live.set(name, sequence)
      this.#removed.delete(name)
    }
    this.#compactWhenWorthIt()
  }

  #compactWhenWorthIt(): void {
    const entries = this.#live.size + this.#staleEntries
    const isStale =
      this.#staleEntries >= MIN_STORE_STALE_ENTRIES && 2 * this.#staleEntries >= entries
    // Single messages need more room in the queue than few large ones.
    const scattered = 2 * this.#messagesAfterCompaction + MIN_STORE_NEW_MESSAGES
    if (isStale || this.#front.messages >= scattered) this.compact()
  }

  /** Moves everything that counts. False when the other queue has no room: nothing is lost, the
   *  rest stays where it is. */
  #pass(from: StoreQueue, to: StoreQueue): boolean {
    const wasEmpty = to.messages === 0
    const settled = wasEmpty ? [...this.#removed] : []
    const moved = new Set<string>()
    while (from.messages > 0) {
      const { batch, entries, messages, descriptors } = this.#gather(from, moved)
      try {
        if (batch.entries.length > 0 && sendEntries(to, batch.entries) !== 'sent') return false
      } finally {
        closeHeld(entries)
      }
      for (const { name } of batch.entries) moved.add(name)
      takeMessages(from, messages, descriptors)
    }
    // Removals were moved along. No older entry of their names is in flight any more, so the next
    // pass may leave them behind.
    for (const [name, sequence] of settled) {
      if (this.#removed.get(name) === sequence) this.#removed.delete(name)
    }
    return true
  }

  /** The first messages of a queue, as many as fit into one, and what of them is to be moved. */
  #gather(from: StoreQueue, moved: ReadonlySet<string>): Gathered {
    const batch = createStoreBatch()
    const entries: HeldEntry[] = []
    let messages = 0
    let descriptors = 0
    try {
      for (const message of peekMessages(from)) {
        const isWanted = (entry: HeldEntry): boolean =>
          this.#counts(entry) && !moved.has(entry.name) && !batch.has(entry.name)
        entries.push(...message.entries)
        if (!batch.add(message.entries.filter(isWanted))) break
        messages += 1
        descriptors += message.descriptors
        // The next one would hardly fit, and looking at it costs as many descriptors.
        if (descriptors >= MAX_STORE_MESSAGE_DESCRIPTORS / 2) break
      }
    } catch (error) {
      closeHeld(entries)
      throw error
    }
    return { batch, entries, messages, descriptors }
  }

  #counts({ name, sequence }: HeldEntry): boolean {
    return (this.#live.get(name) ?? this.#removed.get(name)) === sequence
  }

  /** Keeps the newest entry of a name and closes the other. */
  #weigh(newest: Map<string, HeldEntry>, entry: HeldEntry): void {
    this.#sequence = Math.max(this.#sequence, entry.sequence)
    const other = newest.get(entry.name)
    if (other !== undefined) this.#staleEntries += 1
    if (other !== undefined && other.sequence >= entry.sequence) return closeHeld([entry])
    if (other !== undefined) closeHeld([other])
    newest.set(entry.name, entry)
  }

  #turn(): void {
    ;[this.#front, this.#back] = [this.#back, this.#front]
  }
}

// Entries on their way into one message of the descriptor store, and the bounds of a message: its
// bytes and the number of its descriptors.

import { MAX_STORE_MESSAGE_BYTES, MAX_STORE_MESSAGE_DESCRIPTORS } from '../base/limits.ts'
import { packStoreMessage } from '../protocol/store-message.ts'
import type { HeldEntry } from './store-queue.ts'

export interface StoreBatch {
  readonly entries: readonly HeldEntry[]
  has(name: string): boolean
  /** False when they do not fit in any more; then nothing was added. */
  add(entries: readonly HeldEntry[]): boolean
}

export function createStoreBatch(): StoreBatch {
  const held: HeldEntry[] = []
  const names = new Set<string>()
  let bytes = 0
  let descriptors = 0
  return {
    entries: held,
    has: (name) => names.has(name),
    add(entries) {
      const size = Buffer.byteLength(packStoreMessage(entries))
      const count = entries.reduce((sum, entry) => sum + entry.count, 0)
      const isFirst = held.length === 0
      const isTooLong = bytes + size > MAX_STORE_MESSAGE_BYTES
      const isTooMany = descriptors + count > MAX_STORE_MESSAGE_DESCRIPTORS
      if (!isFirst && (isTooLong || isTooMany)) return false
      bytes += size
      descriptors += count
      held.push(...entries)
      for (const { name } of entries) names.add(name)
      return true
    },
  }
}

// Several logs as one, in the order of time: always the oldest head first (a binary heap).

import type { LogItem } from '../protocol/log-line.ts'
import type { LogSource } from './log-source.ts'

export const byTime = (left: LogItem, right: LogItem): number => left.timeUs - right.timeUs

interface Head {
  readonly source: LogSource
  /** Equal times keep the order of the sources. */
  readonly rank: number
  items: readonly LogItem[]
  next: number
}

/**
 * All items that are wanted, up to the present end or `untilUs`. `isFinal`: nobody will read on, so
 * unfinished lines are given too.
 */
export async function* mergeSources(
  sources: readonly LogSource[],
  isWanted: (item: LogItem) => boolean,
  untilUs: number,
  isFinal: boolean,
): AsyncGenerator<LogItem, void> {
  const heap: Head[] = []
  for (const [rank, source] of sources.entries()) {
    const head = { source, rank, items: [], next: 0 }
    if (await refill(head, isWanted, untilUs, isFinal)) push(heap, head)
  }
  for (let head = heap[0]; head !== undefined; head = heap[0]) {
    const item = head.items[head.next]
    if (item !== undefined) yield item
    head.next += 1
    const hasMore =
      head.next < head.items.length || (await refill(head, isWanted, untilUs, isFinal))
    if (!hasMore) {
      const last = heap.pop()
      if (last === undefined || last === head) continue
      heap[0] = last
    }
    sink(heap, 0)
  }
}

async function refill(
  head: Head,
  isWanted: (item: LogItem) => boolean,
  untilUs: number,
  isFinal: boolean,
): Promise<boolean> {
  head.next = 0
  for (;;) {
    if (head.source.isBeyond(untilUs)) return false
    const batch = await head.source.read()
    const isEnd = batch.length === 0
    head.items = (isEnd && isFinal ? head.source.flush() : batch).filter(isWanted)
    if (head.items.length > 0) return true
    if (isEnd) return false
  }
}

function isEarlier(left: Head, right: Head): boolean {
  const leftUs = left.items[left.next]?.timeUs ?? 0
  const rightUs = right.items[right.next]?.timeUs ?? 0
  return leftUs === rightUs ? left.rank < right.rank : leftUs < rightUs
}

function push(heap: Head[], head: Head): void {
  let at = heap.push(head) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || !isEarlier(head, above)) break
    heap[at] = above
    heap[parent] = head
    at = parent
  }
}

function sink(heap: Head[], from: number): void {
  let at = from
  for (;;) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const below = heap[child]
      const current = heap[least]
      if (below !== undefined && current !== undefined && isEarlier(below, current)) least = child
    }
    const here = heap[at]
    const there = heap[least]
    if (least === at || here === undefined || there === undefined) return
    heap[at] = there
    heap[least] = here
    at = least
  }
}

// Follows logs: waits until a directory says that something changed, reads what has come, sorts it
// by time. Where the kernel's notification cannot be had, looks every quarter of a second.

import { type FSWatcher, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { InstanceId } from '../base/brands.ts'
import type { LogItem } from '../protocol/log-line.ts'
import { byTime } from './log-merge.ts'
import { seekTime } from './log-seek.ts'
import type { LogSource, LogStart } from './log-source.ts'

/** How often is looked where nothing tells us. */
const POLL_MS = 250
/** How often is looked nevertheless: notifications get lost when there are too many at once. */
const SAFETY_MS = 2_000
/** Batches of one instance before others have their turn. */
const BATCHES_A_TURN = 4

export interface FollowSettings {
  readonly directory: string
  readonly signal: AbortSignal
  readonly listInstances?: (() => readonly InstanceId[]) | undefined
  readonly sources: readonly LogSource[]
  readonly open: (instance: InstanceId, start: LogStart) => LogSource
  readonly isWanted: (item: LogItem) => boolean
}

interface Followed {
  readonly source: LogSource
  watcher: FSWatcher | undefined
  inode: number
}

/** Yields what comes from now on, until the signal. */
export async function* followSources(settings: FollowSettings): AsyncGenerator<LogItem, void> {
  const { signal, isWanted } = settings
  const startedUs = Date.now() * 1000
  const followed = new Map<string, Followed>()
  const dirty = new Set<Followed>()
  let wake = (): void => {}
  const mark = (one: Followed): void => {
    dirty.add(one)
    wake()
  }
  const add = (source: LogSource): void => {
    const one: Followed = { source, watcher: undefined, inode: 0 }
    followed.set(source.instance, one)
    startWatch(one, mark)
    dirty.add(one)
  }
  const lookAround = (): void => {
    for (const instance of settings.listInstances?.() ?? []) {
      if (followed.has(instance)) continue
      const start = seekTime(join(settings.directory, instance), startedUs)
      add(settings.open(instance, start))
    }
    for (const one of followed.values()) {
      startWatch(one, mark)
      mark(one)
    }
  }
  for (const source of settings.sources) add(source)
  signal.addEventListener('abort', () => wake(), { once: true })
  try {
    while (!signal.aborted) {
      const items = await readDirty(dirty)
      yield* items.filter(isWanted)
      if (dirty.size > 0 || signal.aborted) continue
      const isDeaf = [...followed.values()].some((one) => one.watcher === undefined)
      const isChanged = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), isDeaf ? POLL_MS : SAFETY_MS)
        wake = () => {
          clearTimeout(timer)
          resolve(true)
        }
      })
      if (!isChanged) lookAround()
    }
  } finally {
    for (const one of followed.values()) one.watcher?.close()
  }
}

async function readDirty(dirty: Set<Followed>): Promise<readonly LogItem[]> {
  const items: LogItem[] = []
  for (const one of [...dirty]) {
    dirty.delete(one)
    for (let batches = 0; ; batches += 1) {
      if (batches === BATCHES_A_TURN) {
        dirty.add(one)
        break
      }
      const batch = await one.source.read()
      if (batch.length === 0) break
      items.push(...batch)
    }
  }
  return items.sort(byTime)
}

/** Watches the directory; again when it was deleted and made anew. */
function startWatch(one: Followed, mark: (one: Followed) => void): void {
  const { directory } = one.source
  const inode = statSync(directory, { throwIfNoEntry: false })?.ino ?? 0
  if (one.watcher !== undefined && inode === one.inode) return
  one.watcher?.close()
  one.watcher = undefined
  one.inode = inode
  if (inode === 0) return
  try {
    one.watcher = watch(directory, () => mark(one))
    one.watcher.on('error', () => {
      one.watcher?.close()
      one.watcher = undefined
    })
  } catch {
    // No more watches for this user, or the directory has just gone: looked at from time to time.
  }
}

// Reads logs straight from their files, with or without a supervisor: all, since a time, the last
// lines, or following; several instances merged by time. Memory is bounded by the number of
// instances, never by the size of the logs (the last lines of `lastLines` excepted).

import { join } from 'node:path'
import type { InstanceId } from '../base/brands.ts'
import { MAX_LOG_READ_BUFFER_BYTES, MAX_LOG_TAIL_LINES } from '../base/limits.ts'
import type { LogStream } from '../protocol/log-index.ts'
import type { LogItem } from '../protocol/log-line.ts'
import { followSources } from './log-follow.ts'
import { byTime, mergeSources } from './log-merge.ts'
import { OLDEST, seekBack, seekTime } from './log-seek.ts'
import { LogSource, type LogStart } from './log-source.ts'

export type { LogItem, LogLine } from '../protocol/log-line.ts'

const FIRST_WINDOW_BYTES = 64 * 1024
const MIN_BLOCK_BYTES = 4 * 1024
const MAX_BLOCK_BYTES = 256 * 1024

export interface ReadLogOptions {
  /** The log directory of the supervisor: `<directory>/<project>/<service>@<n>/`. */
  readonly directory: string
  readonly instances: readonly InstanceId[]
  /** Only the last so many items of all instances together. */
  readonly lastLines?: number | undefined
  /** Lines that began at this time or later, and at this time or earlier (microseconds). */
  readonly sinceUs?: number | undefined
  readonly untilUs?: number | undefined
  readonly stream?: LogStream | undefined
  readonly grep?: RegExp | undefined
  /** Goes on with what comes later, until the signal. */
  readonly follow?: FollowOptions | undefined
}

export interface FollowOptions {
  readonly signal: AbortSignal
  /** Asked from time to time: instances that appear later are followed from then on. */
  readonly listInstances?: (() => readonly InstanceId[]) | undefined
}

/** The items in the order of their times. Throws what node:fs throws (EACCES, EIO, …). */
export async function* readLog(options: ReadLogOptions): AsyncGenerator<LogItem, void> {
  const blockBytes = Math.max(
    MIN_BLOCK_BYTES,
    Math.min(
      MAX_BLOCK_BYTES,
      Math.floor(MAX_LOG_READ_BUFFER_BYTES / Math.max(1, options.instances.length)),
    ),
  )
  const isWanted = createFilter(options)
  /** By instance: an instance that is opened again is read from there instead. */
  const sources = new Map<InstanceId, LogSource>()
  const open = (instance: InstanceId, start: LogStart): LogSource => {
    sources.get(instance)?.close()
    const source = new LogSource(join(options.directory, instance), instance, start, blockBytes)
    sources.set(instance, source)
    return source
  }
  try {
    const { lastLines, untilUs = Number.POSITIVE_INFINITY } = options
    if (lastLines === undefined) {
      for (const instance of options.instances) open(instance, startOf(options, instance))
      const all = [...sources.values()]
      yield* mergeSources(all, isWanted, untilUs, options.follow === undefined)
    } else {
      yield* await readLast(options, Math.min(lastLines, MAX_LOG_TAIL_LINES), open, isWanted)
    }
    if (options.follow !== undefined) {
      const { directory, follow } = options
      yield* followSources({ ...follow, directory, sources: [...sources.values()], open, isWanted })
    }
  } finally {
    for (const source of sources.values()) source.close()
  }
}

function startOf(options: ReadLogOptions, instance: InstanceId): LogStart {
  if (options.sinceUs === undefined) return OLDEST
  return seekTime(join(options.directory, instance), options.sinceUs)
}

function createFilter(options: ReadLogOptions): (item: LogItem) => boolean {
  const { sinceUs = 0, untilUs = Number.POSITIVE_INFINITY, stream, grep } = options
  return (item) => {
    if (item.timeUs < sinceUs || item.timeUs > untilUs) return false
    if (item.kind === 'gap') return true
    if (stream !== undefined && item.stream !== stream) return false
    if (grep === undefined) return true
    grep.lastIndex = 0
    return grep.test(item.text)
  }
}

/** The last items of all instances; leaves their sources at the end. */
async function readLast(
  options: ReadLogOptions,
  count: number,
  open: (instance: InstanceId, start: LogStart) => LogSource,
  isWanted: (item: LogItem) => boolean,
): Promise<readonly LogItem[]> {
  let last: LogItem[] = []
  for (const instance of options.instances) {
    last.push(...(await lastOfOne(options, instance, count, open, isWanted)))
    last.sort(byTime)
    last = count === 0 ? [] : last.slice(-count)
  }
  return last
}

/** Reads a window before the end; when it has too few lines, a larger one. */
async function lastOfOne(
  options: ReadLogOptions,
  instance: InstanceId,
  count: number,
  open: (instance: InstanceId, start: LogStart) => LogSource,
  isWanted: (item: LogItem) => boolean,
): Promise<readonly LogItem[]> {
  const directory = join(options.directory, instance)
  const untilUs = options.untilUs ?? Number.POSITIVE_INFINITY
  const earliest = startOf(options, instance)
  for (let window = FIRST_WINDOW_BYTES; ; window *= 4) {
    const back = seekBack(directory, window, untilUs)
    const isWhole = back.isBeginning || isBefore(back, earliest)
    const source = open(instance, isWhole ? earliest : back)
    let items: LogItem[] = []
    for (;;) {
      const batch = await source.read()
      items.push(...batch.filter(isWanted))
      if (items.length > 2 * count) items = count === 0 ? [] : items.slice(-count)
      if (batch.length === 0 || source.isBeyond(untilUs)) break
    }
    if (options.follow === undefined) items.push(...source.flush().filter(isWanted))
    if (isWhole || items.length >= count) return items
  }
}

function isBefore(left: LogStart, right: LogStart): boolean {
  if (left.segment !== right.segment) return left.segment < right.segment
  return left.offset <= right.offset
}

// Where to begin reading a log: at a time, by the index; or so many bytes before the end, for the
// last lines. Reads only what it must: an index record here and there.

import type { LogStream } from '../protocol/log-index.ts'
import { findTime } from '../protocol/log-runs.ts'
import {
  firstTimeUs,
  isAtLineStart,
  type LogSegment,
  listSegments,
  openSegment,
} from './log-segment.ts'
import type { LogStart } from './log-source.ts'

/** The beginning of all that there is and will be. */
export const OLDEST: LogStart = { segment: 0, offset: 0, skipFirst: [] }

/** The first byte written at `timeUs` or later, in microseconds; the end when all is older. */
export function seekTime(directory: string, timeUs: number): LogStart {
  let later: LogStart | undefined
  for (const number of listSegments(directory).toReversed()) {
    const found = withSegment(directory, number, (segment) => {
      if (firstTimeUs(segment) >= timeUs) {
        later = startIn(directory, segment, 0)
        return undefined
      }
      if (segment.isCompressed) return startIn(directory, segment, 0)
      const offset = findTime(segment.readIndex, segment.indexBytes(), timeUs)
      if (offset === undefined) return later ?? startIn(directory, segment, segment.size())
      return startIn(directory, segment, offset)
    })
    if (found !== undefined) return found
  }
  return later ?? OLDEST
}

/** A place at least `bytes` before the end of what is older than `untilUs`. */
export function seekBack(
  directory: string,
  bytes: number,
  untilUs: number,
): LogStart & { readonly isBeginning: boolean } {
  let remaining = bytes
  for (const number of listSegments(directory).toReversed()) {
    const found = withSegment(directory, number, (segment) => {
      if (firstTimeUs(segment) > untilUs) return undefined
      const end = findTime(segment.readIndex, segment.indexBytes(), untilUs + 1)
      const size = Math.min(end ?? Number.POSITIVE_INFINITY, segment.size())
      if (size >= remaining) {
        return startIn(directory, segment, segment.isCompressed ? 0 : size - remaining)
      }
      remaining -= size
      return undefined
    })
    if (found !== undefined) return { ...found, isBeginning: false }
  }
  return { ...OLDEST, isBeginning: true }
}

function startIn(directory: string, segment: LogSegment, offset: number): LogStart {
  const skipFirst: LogStream[] = []
  for (const stream of ['stdout', 'stderr'] as const) {
    // Nothing here tells: the segment before may. When that does not either, better show a torn
    // line than lose one.
    const isStart =
      isAtLineStart(segment, offset, stream) ??
      withSegment(directory, segment.number - 1, (previous) =>
        isAtLineStart(previous, previous.size(), stream),
      ) ??
      true
    if (!isStart) skipFirst.push(stream)
  }
  return { segment: segment.number, offset, skipFirst }
}

function withSegment<T>(
  directory: string,
  number: number,
  action: (segment: LogSegment) => T | undefined,
): T | undefined {
  const segment = openSegment(directory, number)
  if (segment === undefined) return undefined
  try {
    return action(segment)
  } finally {
    segment.close()
  }
}

// Compresses rotated segments with zstd, one at a time, on the thread pool of Node: to a temporary
// name, then renamed, then the raw file is deleted. What a crash interrupts is cleaned up by
// scanSegments in log-files.ts.

import {
  createReadStream,
  createWriteStream,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import type { InstanceId } from '../base/brands.ts'
import { MAX_COMPRESSION_QUEUE } from '../base/limits.ts'
import { segmentFileName } from '../protocol/log-index.ts'
import { errnoOf, ifThere, type RotatedSegment } from './log-files.ts'
import type { LogQuota, Shelf } from './log-quota.ts'

export interface LogCompressor {
  /** Queues a segment. When the queue is full it stays raw until the next start. */
  add(shelf: Shelf, segment: RotatedSegment): void
  /** Resolves when nothing is queued or being compressed. */
  settled(): Promise<void>
  /** Gives up what is being done, and the queue. */
  close(): Promise<void>
}

export function createLogCompressor(
  quota: LogQuota,
  onError: (instance: InstanceId, error: Error) => void,
): LogCompressor {
  const queue: { readonly shelf: Shelf; readonly segment: RotatedSegment }[] = []
  const abort = new AbortController()
  let running: Promise<void> | undefined

  async function work(): Promise<void> {
    for (;;) {
      const job = queue.shift()
      if (job === undefined || abort.signal.aborted) break
      try {
        await compressSegment(quota, job.shelf, job.segment, abort.signal)
      } catch (error) {
        if (!abort.signal.aborted) onError(job.shelf.instance, error as Error)
      }
    }
    running = undefined
  }

  return {
    add(shelf, segment) {
      if (segment.isCompressed || queue.length >= MAX_COMPRESSION_QUEUE) return
      if (queue.some((job) => job.segment === segment)) return
      queue.push({ shelf, segment })
      running ??= work()
    },
    async settled() {
      await running
    },
    async close() {
      queue.length = 0
      abort.abort()
      await running
    },
  }
}

async function compressSegment(
  quota: LogQuota,
  shelf: Shelf,
  segment: RotatedSegment,
  signal: AbortSignal,
): Promise<void> {
  const isWanted = (): boolean => shelf.rotated.includes(segment)
  let bytes = sizeOf(shelf, segment, 'idx')
  for (const kind of ['log', 'stamped.log'] as const) {
    if (!isWanted()) return
    const raw = join(shelf.directory, segmentFileName(segment.number, kind))
    if (ifThere(() => statSync(raw)) !== undefined) await compressFile(raw, isWanted, signal)
    bytes += sizeOf(shelf, segment, `${kind}.zst`)
  }
  if (!isWanted()) return
  segment.isCompressed = true
  quota.resize(segment, bytes)
}

async function compressFile(
  raw: string,
  isWanted: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${raw}.zst.tmp`
  try {
    await compress(raw, temporary, signal)
    // Deleted meanwhile, by its own limits or the total one: it must not come back.
    if (!isWanted()) return
    renameSync(temporary, `${raw}.zst`)
    rmSync(raw)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  } finally {
    rmSync(temporary, { force: true })
  }
}

/**
 * Both files are opened here and not in the thread pool, where a spawn that runs meanwhile may have
 * lowered the limit of descriptors.
 */
async function compress(from: string, to: string, signal: AbortSignal): Promise<void> {
  const source = createReadStream(from, { fd: openSync(from, 'r') })
  try {
    const target = createWriteStream(to, { fd: openSync(to, 'w', 0o640), flush: true })
    await pipeline(source, createZstdCompress(), target, { signal })
  } finally {
    source.destroy()
  }
}

function sizeOf(
  shelf: Shelf,
  segment: RotatedSegment,
  kind: Parameters<typeof segmentFileName>[1],
): number {
  const path = join(shelf.directory, segmentFileName(segment.number, kind))
  return ifThere(() => statSync(path))?.size ?? 0
}

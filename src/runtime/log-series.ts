// The segments of one instance over time: the one that is being written, its rotation, its stamped
// twin, and what of the older ones is kept. The bytes are moved by log-capture.ts.

import type { Fd } from '../base/brands.ts'
import { MAX_ROTATED_LOG_SEGMENTS } from '../base/limits.ts'
import type { LogPlan } from '../model/service-definition.ts'
import type { LogStream } from '../protocol/log-index.ts'
import type { LogCompressor } from './log-compression.ts'
import { errnoOf, type RotatedSegment } from './log-files.ts'
import type { LogQuota, Shelf } from './log-quota.ts'
import { isFull, rotationDueMs } from './log-rotation.ts'
import { ActiveSegment, type DroppedBytes } from './log-segments.ts'
import { LogStamper } from './log-stamper.ts'
import type { LogPosition } from './log-watch.ts'

/** How often a busy segment is looked at for having been deleted or cut by somebody. */
const CHECK_US = 1_000_000
/** A stamped file that could not be written is made again after this time. */
const STAMP_RETRY_US = 1_000_000
const streams: readonly LogStream[] = ['stdout', 'stderr']

export interface SeriesContext {
  readonly quota: LogQuota
  readonly compressor: LogCompressor
  readonly nowUs: () => number
  readonly expectRotation: (dueMs: number) => void
  readonly onError: (error: Error) => void
}

/** Where a stream's last chunk ended; `torn`: in the middle of a line of an earlier segment. */
type ChunkEnd = number | 'torn' | undefined

export class LogSeries {
  readonly #context: SeriesContext
  readonly #shelf: Shelf
  #plan: LogPlan
  #segment: ActiveSegment
  #stamper: LogStamper | undefined
  #stampAtUs = 0
  #checkAtUs = 0
  readonly #chunkEnds: Record<LogStream, ChunkEnd> = { stdout: undefined, stderr: undefined }

  constructor(context: SeriesContext, shelf: Shelf, plan: LogPlan) {
    this.#context = context
    this.#shelf = shelf
    this.#plan = plan
    this.#segment = this.#continueNewest()
    shelf.rotate = () => this.rotate()
    this.#keep()
    for (const segment of shelf.rotated) this.#compress(segment)
    context.expectRotation(this.rotationDueMs())
  }

  get directory(): string {
    return this.#shelf.directory
  }

  get segmentCount(): number {
    return this.#shelf.rotated.length + (this.#segment.bytes > 0 ? 1 : 0)
  }

  position(): LogPosition {
    return { segment: this.#segment.number, offset: this.#segment.offset }
  }

  rotationDueMs(): number {
    return rotationDueMs(this.#plan, this.#segment.firstTimeUs)
  }

  update(plan: LogPlan): void {
    if (plan.timestamps !== this.#plan.timestamps) this.rotate()
    this.#plan = plan
    this.#segment.linkTo = linkTarget(plan)
    this.#keep()
    this.#context.expectRotation(this.rotationDueMs())
  }

  /** Announces a chunk of `stream` and says where to splice it to. Throws what the disk says. */
  begin(
    stream: LogStream,
    nowUs: number,
    dropped: DroppedBytes | undefined,
  ): { readonly fd: Fd; readonly offset: number } {
    this.#checkIntact(nowUs)
    const wasEmpty = this.#segment.firstTimeUs === undefined
    const fd = this.#open()
    this.#segment.record(stream, nowUs, dropped)
    if (wasEmpty) this.#context.expectRotation(this.rotationDueMs())
    return { fd, offset: this.#segment.offset }
  }

  /** So many bytes of the chunk have arrived. */
  moved(stream: LogStream, count: number): void {
    this.#segment.offset += count
    this.#chunkEnds[stream] = this.#segment.offset
  }

  /** After a turn: derives stamped lines, counts, rotates. */
  settle(): void {
    this.#stamp()
    const stamped = this.#stamper?.bytes ?? 0
    this.#context.quota.setActive(this.#shelf, this.#segment.bytes + stamped)
    if (isFull(this.#plan, Math.max(this.#segment.offset, stamped))) this.rotate()
    this.#context.quota.enforce()
  }

  /** Ends the segment, if there is anything in it; the next one begins with the next byte. */
  rotate(): void {
    const { number } = this.#segment
    if (this.#segment.bytes === 0) return
    this.#rememberTornLines()
    this.#stamp()
    this.#attempt(() => this.#stamper?.finish())
    const bytes = this.#segment.bytes + (this.#stamper?.bytes ?? 0)
    this.#stamper = undefined
    this.#segment.close()
    this.#context.quota.setActive(this.#shelf, 0)
    this.#segment = this.#newSegment(number + 1)
    this.#retire(number, bytes)
  }

  /** A process has ended: what it left unfinished is a line of its own. */
  breakLines(): void {
    this.#attempt(() => {
      for (const stream of streams) {
        const end = this.#chunkEnds[stream]
        this.#chunkEnds[stream] = undefined
        if (end === undefined || (end !== 'torn' && this.#isLineEnd(end))) continue
        this.#segment.breakLine(stream, this.#context.nowUs())
      }
    })
  }

  /** Closes the files; they open again at the next byte. */
  closeFiles(): void {
    this.#stamper?.close()
    this.#stamper = undefined
    this.#segment.close()
  }

  close(): void {
    this.closeFiles()
    this.#shelf.rotate = undefined
  }

  #open(): Fd {
    const { number, bytes } = this.#segment
    const fd = this.#segment.fd()
    // The files of that number could not be continued: they are history now.
    if (this.#segment.number !== number) this.#retire(number, bytes)
    return fd
  }

  #checkIntact(nowUs: number): void {
    if (nowUs < this.#checkAtUs && this.#checkAtUs - nowUs <= CHECK_US) return
    this.#checkAtUs = nowUs + CHECK_US
    if (!this.#segment.isIntact()) this.rotate()
  }

  #isLineEnd(end: number): boolean {
    return this.#segment.byteAt(end - 1) === 10
  }

  #rememberTornLines(): void {
    this.#attempt(() => {
      for (const stream of streams) {
        const end = this.#chunkEnds[stream]
        if (typeof end !== 'number') continue
        this.#chunkEnds[stream] = this.#isLineEnd(end) ? undefined : 'torn'
      }
    })
  }

  #stamp(): void {
    if (this.#plan.timestamps !== 'inline' || this.#segment.firstTimeUs === undefined) return
    const nowUs = this.#context.nowUs()
    if (nowUs < this.#stampAtUs) return
    this.#attempt(() => {
      this.#stampAtUs = nowUs + STAMP_RETRY_US
      const { directory, number } = this.#segment
      const stamper = this.#stamper ?? new LogStamper(directory, number)
      this.#stamper = undefined
      try {
        stamper.pull()
        this.#stamper = stamper
        this.#stampAtUs = 0
      } finally {
        // It is made again, from the start, when it could not be written.
        if (this.#stamper === undefined) stamper.close()
      }
    })
  }

  /** Runs what may fail without harm to the capture: a failure of the world is only reported. */
  #attempt(action: () => void): void {
    try {
      action()
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      this.#context.onError(error as Error)
    }
  }

  #retire(number: number, bytes: number): void {
    const segment: RotatedSegment = {
      number,
      bytes,
      endedMs: this.#context.nowUs() / 1000,
      isCompressed: false,
      canContinue: false,
    }
    this.#context.quota.add(this.#shelf, segment)
    this.#keep()
    this.#compress(segment)
  }

  #keep(): void {
    const keep = Math.min(this.#plan.keep, MAX_ROTATED_LOG_SEGMENTS)
    while (this.#shelf.rotated.length > keep) {
      const oldest = this.#shelf.rotated[0]
      if (oldest === undefined) return
      this.#context.quota.discard(this.#shelf, oldest)
    }
  }

  #compress(segment: RotatedSegment): void {
    if (this.#plan.compress === 'zstd' && this.#shelf.rotated.includes(segment)) {
      this.#context.compressor.add(this.#shelf, segment)
    }
  }

  #continueNewest(): ActiveSegment {
    const newest = this.#shelf.rotated.at(-1)
    if (newest?.canContinue !== true) return this.#newSegment((newest?.number ?? 0) + 1)
    const segment = this.#newSegment(newest.number)
    this.#context.quota.take(this.#shelf, newest)
    // Its size and age must be known at once; a disk that refuses now may not at the first byte.
    this.#attempt(() => segment.fd())
    segment.close()
    if (segment.number !== newest.number) this.#context.quota.add(this.#shelf, newest)
    else this.#context.quota.setActive(this.#shelf, newest.bytes)
    return segment
  }

  #newSegment(number: number): ActiveSegment {
    return new ActiveSegment(this.#shelf.directory, number, linkTarget(this.#plan))
  }
}

function linkTarget(plan: LogPlan): 'log' | 'stamped.log' {
  return plan.timestamps === 'inline' ? 'stamped.log' : 'log'
}

// One instance: moves what is in its two pipes into its segments, or, when the disk refuses, away.
// The bytes go by splice(2) and are never in our memory. Which file they go to is decided in
// log-series.ts; the limits of all instances together are in log-port.ts and log-quota.ts.

import type { Fd, InstanceId } from '../base/brands.ts'
import { MAX_LOG_TURN_BYTES } from '../base/limits.ts'
import { pipeBytes } from '../kernel/fifo.ts'
import type { Poller } from '../kernel/poll.ts'
import { splice } from '../kernel/splice.ts'
import type { LogPlan } from '../model/service-definition.ts'
import type { LogStream } from '../protocol/log-index.ts'
import type { LogLine } from '../protocol/log-line.ts'
import { createDropCount, type DropCount } from './log-dropping.ts'
import { errnoOf } from './log-files.ts'
import type { LogPacer } from './log-pacer.ts'
import { LogPipe } from './log-pipe.ts'
import type { Shelf } from './log-quota.ts'
import { LogSeries, type SeriesContext } from './log-series.ts'
import {
  createLogWatch,
  type LogPosition,
  type LogWatch,
  type LogWatchOptions,
} from './log-watch.ts'

const streams: readonly LogStream[] = ['stdout', 'stderr']

export interface CaptureContext extends SeriesContext {
  readonly poller: Poller
  readonly pacer: LogPacer
  readonly devNull: Fd
  /** Bytes are about to go to this capture's files: it is the most recently used one. */
  readonly touch: (capture: Capture) => void
  readonly onDropped: (bytes: number, reason: string) => void
}

export class Capture {
  readonly #instance: InstanceId
  readonly #context: CaptureContext
  readonly #series: LogSeries
  readonly #drops: DropCount
  readonly #watches = new Set<LogWatch>()
  readonly #pipes: Readonly<Record<LogStream, LogPipe>>
  #movedBytes = 0

  constructor(
    context: CaptureContext,
    shelf: Shelf,
    fds: { readonly stdout: Fd; readonly stderr: Fd },
    plan: LogPlan,
  ) {
    this.#context = context
    this.#instance = shelf.instance
    this.#series = new LogSeries(context, shelf, plan)
    this.#drops = createDropCount(context.onDropped)
    const { poller, pacer } = context
    const open = (stream: LogStream): LogPipe =>
      new LogPipe(fds[stream], poller, pacer, () => this.#turn(stream))
    this.#pipes = { stdout: open('stdout'), stderr: open('stderr') }
  }

  stats(): { readonly bytes: number; readonly droppedBytes: number; readonly segments: number } {
    const segments = this.#series.segmentCount
    return { bytes: this.#movedBytes, droppedBytes: this.#drops.total(), segments }
  }

  position(): LogPosition {
    return this.#series.position()
  }

  update(plan: LogPlan): void {
    this.#series.update(plan)
  }

  rotationDueMs(): number {
    return this.#series.rotationDueMs()
  }

  rotate(): void {
    this.#series.rotate()
  }

  /** Closes the files; they open again at the next byte. */
  closeFiles(): void {
    this.#series.closeFiles()
  }

  watch(options: LogWatchOptions, onMatch: (line: LogLine) => void): { stop(): void } {
    const watch = createLogWatch(this.#series.directory, this.#instance, options, onMatch)
    this.#watches.add(watch)
    queueMicrotask(() => this.#look(watch))
    return {
      stop: () => {
        this.#watches.delete(watch)
        watch.close()
      },
    }
  }

  /** Moves all that is in the pipes now, and ends unfinished lines. */
  drain(): void {
    for (const stream of streams) {
      const waiting = pipeBytes(this.#pipes[stream].fd)
      if (waiting > 0) this.#pump(stream, waiting, waiting)
    }
    this.#series.breakLines()
    this.#settle()
  }

  /** Drains, and closes everything that was given to it. */
  detach(): void {
    this.drain()
    for (const watch of this.#watches) watch.close()
    this.#watches.clear()
    this.#drops.report()
    this.#series.close()
    for (const stream of streams) this.#pipes[stream].close()
  }

  /** What one turn leaves behind is another turn. */
  #turn(stream: LogStream): number {
    const moved = this.#pump(stream, 0, MAX_LOG_TURN_BYTES)
    this.#settle()
    return moved
  }

  #settle(): void {
    for (const watch of this.#watches) this.#look(watch)
    this.#series.settle()
  }

  #look(watch: LogWatch): void {
    try {
      watch.pull(this.#series.position().segment)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      this.#context.onError(error as Error)
    }
  }

  /** Moves `least` if that is there, and more as long as the pipe keeps filling up, to `most`. */
  #pump(stream: LogStream, least: number, most: number): number {
    const pipe = this.#pipes[stream]
    let moved = 0
    while (moved < most) {
      const count = this.#move(stream, pipe.fd)
      if (count === 'again') break
      if (count === 0) {
        pipe.hungUp()
        break
      }
      pipe.moved(count)
      moved += count
      if (moved >= least && !pipe.wasFull(count)) break
    }
    return moved
  }

  /** One chunk: its record first, then its bytes. */
  #move(stream: LogStream, from: Fd): number | 'again' {
    const nowUs = this.#context.nowUs()
    if (this.#drops.isWaiting(nowUs)) return this.#drop(from, nowUs)
    try {
      this.#context.touch(this)
      const { fd, offset } = this.#series.begin(stream, nowUs, this.#drops.unrecorded())
      this.#drops.recorded()
      const count = splice(from, fd, offset, MAX_LOG_TURN_BYTES)
      if (count === 'again' || count === 0) return count
      this.#series.moved(stream, count)
      this.#movedBytes += count
      this.#drops.recovered()
      return count
    } catch (error) {
      const reason = errnoOf(error)
      if (reason === undefined) throw error
      // A file that could not be written may be half open, or gone with its directory.
      this.#series.closeFiles()
      this.#drops.refused(reason, nowUs)
      return this.#drop(from, nowUs)
    }
  }

  #drop(from: Fd, nowUs: number): number | 'again' {
    const count = splice(from, this.#context.devNull, null, MAX_LOG_TURN_BYTES)
    if (count !== 'again' && count > 0) this.#drops.dropped(count, nowUs)
    return count
  }
}

// The logs of all instances: who is captured, which files are open, what all may take of the disk.
// The supervisor talks to this file only. At rest nothing here wakes up.

import { openSync } from 'node:fs'
import { type Fd, type InstanceId, toFd } from '../base/brands.ts'
import { DEFAULT_TOTAL_LOG_BYTES, MAX_OPEN_LOG_SEGMENTS } from '../base/limits.ts'
import { closeFd } from '../kernel/fd.ts'
import type { Poller } from '../kernel/poll.ts'
import type { LogPlan } from '../model/service-definition.ts'
import type { LogLine } from '../protocol/log-line.ts'
import { Capture, type CaptureContext } from './log-capture.ts'
import { wallClockUs } from './log-clock.ts'
import { createLogCompressor } from './log-compression.ts'
import { createLogPacer } from './log-pacer.ts'
import { LogQuota } from './log-quota.ts'
import { createRotationTimer } from './log-rotation.ts'
import type { LogPosition, LogWatchOptions } from './log-watch.ts'

export type { LogPosition, LogWatchOptions } from './log-watch.ts'

export interface LogPortOptions {
  /** `<directory>/<project>/<service>@<n>/0000000001.log` */
  readonly directory: string
  readonly poller: Poller
  readonly totalMaxBytes?: number
  /**
   * Bytes are gone: `reason` is an errno name when the disk refused them (`ENOSPC`, …; at most once
   * a second for an instance), or `total-limit` when a rotated segment had to make room.
   */
  readonly onDropped: (instance: InstanceId, bytes: number, reason: string) => void
  /** Something of less weight failed, for example a compression; the capture goes on. */
  readonly onError: (instance: InstanceId, error: Error) => void
  readonly nowUs?: () => number
}

export interface LogStats {
  /** Captured and dropped since the instance was attached. */
  readonly bytes: number
  readonly droppedBytes: number
  /** Segments that are on the disk. */
  readonly segments: number
}

export interface LogPort {
  /** Starts to capture and takes ownership of the descriptors. */
  attach(
    instance: InstanceId,
    fds: { readonly stdout: Fd; readonly stderr: Fd },
    plan: LogPlan,
  ): void
  /** Moves everything that is in both pipes now, and ends unfinished lines. Synchronous. */
  drain(instance: InstanceId): void
  update(instance: InstanceId, plan: LogPlan): void
  /** Drains, then closes the descriptors. */
  detach(instance: InstanceId): void
  /** Undefined when the instance is not attached. */
  stats(instance: InstanceId): LogStats | undefined
  /** `diskBytes`: what all segments and indexes take, also of instances that are not attached. */
  statsTotal(): LogStats & { readonly diskBytes: number }
  /** Where the next byte goes; undefined when the instance is not attached. */
  position(instance: InstanceId): LogPosition | undefined
  /**
   * Calls back for each line that matches, from `from` on. Never during this call. `stop` may be
   * called at any time, also from the callback.
   */
  watchLines(
    instance: InstanceId,
    options: LogWatchOptions,
    onMatch: (line: LogLine) => void,
  ): { stop(): void }
  /** Resolves when old logs have been counted and nothing waits for compression. */
  settled(): Promise<void>
  /** Detaches all, gives up a running compression; the next start takes it up. */
  close(): Promise<void>
}

export function createLogPort(options: LogPortOptions): LogPort {
  const { nowUs = wallClockUs, onDropped, onError } = options
  const captures = new Map<InstanceId, Capture>()
  const open = new Set<Capture>()
  const devNull = toFd(openSync('/dev/null', 'w'))
  const quota = new LogQuota({
    directory: options.directory,
    maxBytes: options.totalMaxBytes ?? DEFAULT_TOTAL_LOG_BYTES,
    onRemoved: (instance, bytes) => onDropped(instance, bytes, 'total-limit'),
    onError,
  })
  const pacer = createLogPacer()
  const compressor = createLogCompressor(quota, onError)
  const timer = createRotationTimer(
    () => nowUs() / 1000,
    (nowMs) => rotateDue(captures.values(), nowMs),
  )
  const contextOf = (instance: InstanceId): CaptureContext => ({
    poller: options.poller,
    pacer,
    quota,
    compressor,
    devNull,
    nowUs,
    expectRotation: timer.expect,
    touch: (capture) => touch(open, capture),
    onDropped: (bytes, reason) => onDropped(instance, bytes, reason),
    onError: (error) => onError(instance, error),
  })
  const scanned = quota.scan()

  function detach(instance: InstanceId): void {
    const capture = captures.get(instance)
    if (capture === undefined) return
    captures.delete(instance)
    capture.detach()
    open.delete(capture)
  }

  return {
    attach(instance, fds, plan) {
      detach(instance)
      captures.set(instance, new Capture(contextOf(instance), quota.shelf(instance), fds, plan))
    },
    drain: (instance) => captures.get(instance)?.drain(),
    update: (instance, plan) => captures.get(instance)?.update(plan),
    detach,
    stats: (instance) => captures.get(instance)?.stats(),
    statsTotal: () => ({ ...sumOf(captures.values()), diskBytes: quota.totalBytes }),
    position: (instance) => captures.get(instance)?.position(),
    watchLines(instance, watchOptions, onMatch) {
      const capture = captures.get(instance)
      return capture === undefined ? { stop: () => {} } : capture.watch(watchOptions, onMatch)
    },
    async settled() {
      await scanned
      await compressor.settled()
    },
    async close() {
      for (const instance of [...captures.keys()]) detach(instance)
      timer.close()
      quota.close()
      await compressor.close()
      await scanned
      closeFd(devNull)
    },
  }
}

/** Keeps the files of the most recently written instances open, and only of them. */
function touch(open: Set<Capture>, capture: Capture): void {
  open.delete(capture)
  open.add(capture)
  if (open.size <= MAX_OPEN_LOG_SEGMENTS) return
  for (const oldest of open) {
    open.delete(oldest)
    oldest.closeFiles()
    return
  }
}

/** Rotates what is old enough; answers when the next one is, or Infinity. */
function rotateDue(captures: Iterable<Capture>, nowMs: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const capture of captures) {
    if (capture.rotationDueMs() <= nowMs) capture.rotate()
    next = Math.min(next, capture.rotationDueMs())
  }
  return next
}

function sumOf(captures: Iterable<Capture>): LogStats {
  const sum = { bytes: 0, droppedBytes: 0, segments: 0 }
  for (const capture of captures) {
    const one = capture.stats()
    sum.bytes += one.bytes
    sum.droppedBytes += one.droppedBytes
    sum.segments += one.segments
  }
  return sum
}

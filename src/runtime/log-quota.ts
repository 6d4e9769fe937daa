// What all logs together may take of the disk. Keeps the names and sizes of all segments, of
// services that run and of those that do not, and deletes the oldest when there are too many.
// A segment that is being written is never deleted: its owner is asked to rotate it first.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { InstanceId } from '../base/brands.ts'
import { parseInstanceId, printInstanceId } from '../model/service-name.ts'
import { deleteSegment, ifThere, type RotatedSegment, scanSegments } from './log-files.ts'

/** The segments of one instance. */
export interface Shelf {
  readonly instance: InstanceId
  readonly directory: string
  /** Oldest first. */
  readonly rotated: RotatedSegment[]
  /** Bytes of the segment that is being written, and its index. */
  activeBytes: number
  /** Ends the segment that is being written; undefined when nobody writes. */
  rotate: (() => void) | undefined
}

export interface LogQuota {
  /** The shelf of an instance; reads its directory the first time. */
  shelf(instance: InstanceId): Shelf
  setActive(shelf: Shelf, bytes: number): void
  add(shelf: Shelf, segment: RotatedSegment): void
  /** Takes a segment from the shelf without deleting it. */
  take(shelf: Shelf, segment: RotatedSegment): void
  /** Takes it and deletes its files. */
  discard(shelf: Shelf, segment: RotatedSegment): void
  resize(segment: RotatedSegment, bytes: number): void
  /** Deletes until all fit. Does nothing as long as they do. */
  enforce(): void
  totalBytes(): number
  segmentCount(): number
  /** Learns of the logs of services that are not attached; a few directories a turn. */
  scan(): Promise<void>
  close(): void
}

export interface LogQuotaOptions {
  readonly directory: string
  readonly maxBytes: number
  /** A segment had to go although its service's own limits allowed it. */
  readonly onRemoved: (instance: InstanceId, bytes: number) => void
  readonly onError: (instance: InstanceId, error: Error) => void
}

export function createLogQuota(options: LogQuotaOptions): LogQuota {
  const { directory, maxBytes, onRemoved, onError } = options
  const shelves = new Map<InstanceId, Shelf>()
  let total = 0
  let isClosed = false
  let isEnforcing = false

  function shelf(instance: InstanceId): Shelf {
    const known = shelves.get(instance)
    if (known !== undefined) return known
    const path = join(directory, instance)
    const made: Shelf = {
      instance,
      directory: path,
      rotated: scanSegments(path),
      activeBytes: 0,
      rotate: undefined,
    }
    shelves.set(instance, made)
    for (const segment of made.rotated) total += segment.bytes
    return made
  }

  function take(from: Shelf, segment: RotatedSegment): void {
    const at = from.rotated.indexOf(segment)
    if (at === -1) return
    from.rotated.splice(at, 1)
    total -= segment.bytes
  }

  function discard(from: Shelf, segment: RotatedSegment): void {
    take(from, segment)
    try {
      deleteSegment(from.directory, segment.number)
    } catch (error) {
      onError(from.instance, error as Error)
    }
  }

  function removeOldest(): boolean {
    let owner: Shelf | undefined
    let oldest: RotatedSegment | undefined
    for (const candidate of shelves.values()) {
      const first = candidate.rotated[0]
      if (first === undefined || (oldest !== undefined && first.endedMs >= oldest.endedMs)) continue
      owner = candidate
      oldest = first
    }
    if (owner === undefined || oldest === undefined) return false
    discard(owner, oldest)
    onRemoved(owner.instance, oldest.bytes)
    return true
  }

  function rotateLargest(): boolean {
    let largest: Shelf | undefined
    for (const candidate of shelves.values()) {
      if (candidate.rotate === undefined || candidate.activeBytes === 0) continue
      if (largest === undefined || candidate.activeBytes > largest.activeBytes) largest = candidate
    }
    largest?.rotate?.()
    return largest !== undefined && largest.rotated.length > 0
  }

  function enforce(): void {
    if (isEnforcing) return
    isEnforcing = true
    try {
      while (total > maxBytes && (removeOldest() || rotateLargest()));
    } finally {
      isEnforcing = false
    }
  }

  return {
    shelf,
    setActive(of, bytes) {
      total += bytes - of.activeBytes
      of.activeBytes = bytes
    },
    add(to, segment) {
      to.rotated.push(segment)
      total += segment.bytes
    },
    take,
    discard,
    resize(segment, bytes) {
      total += bytes - segment.bytes
      segment.bytes = bytes
    },
    enforce,
    totalBytes: () => total,
    segmentCount: () => [...shelves.values()].reduce((sum, one) => sum + one.rotated.length, 0),
    async scan() {
      for (const instance of listInstances(directory)) {
        if (isClosed) return
        shelf(instance)
        await new Promise((resolve) => setImmediate(resolve))
      }
      enforce()
    },
    close() {
      isClosed = true
    },
  }
}

/** The instances that have a directory of logs. */
function listInstances(directory: string): readonly InstanceId[] {
  const found: InstanceId[] = []
  for (const project of ifThere(() => readdirSync(directory)) ?? []) {
    for (const name of ifThere(() => readdirSync(join(directory, project))) ?? []) {
      const parsed = parseInstanceId(`${project}/${name}`)
      if (parsed !== undefined) found.push(printInstanceId(parsed))
    }
  }
  return found
}

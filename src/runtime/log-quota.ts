// What all logs together may take of the disk. Keeps the names and sizes of all segments, of
// services that run and of those that do not, and deletes the oldest when there are too many.
// A segment that is being written is never deleted: its owner is asked to rotate it first.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { InstanceId } from '../base/brands.ts'
import { parseInstanceId, printInstanceId } from '../model/service-name.ts'
import { deleteSegment, errnoOf, ifThere, type RotatedSegment, scanSegments } from './log-files.ts'

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

export interface LogQuotaOptions {
  readonly directory: string
  readonly maxBytes: number
  /** A segment had to go although its service's own limits allowed it. */
  readonly onRemoved: (instance: InstanceId, bytes: number) => void
  readonly onError: (instance: InstanceId, error: Error) => void
}

/** All shelves, and their sum. */
export class LogQuota {
  readonly #options: LogQuotaOptions
  readonly #shelves = new Map<InstanceId, Shelf>()
  #total = 0
  #isClosed = false
  #isEnforcing = false

  constructor(options: LogQuotaOptions) {
    this.#options = options
  }

  get totalBytes(): number {
    return this.#total
  }

  /** The shelf of an instance; reads its directory the first time. */
  shelf(instance: InstanceId): Shelf {
    const known = this.#shelves.get(instance)
    if (known !== undefined) return known
    const directory = join(this.#options.directory, instance)
    const rotated = scanSegments(directory)
    const shelf: Shelf = { instance, directory, rotated, activeBytes: 0, rotate: undefined }
    this.#shelves.set(instance, shelf)
    for (const segment of rotated) this.#total += segment.bytes
    return shelf
  }

  setActive(shelf: Shelf, bytes: number): void {
    this.#total += bytes - shelf.activeBytes
    shelf.activeBytes = bytes
  }

  add(shelf: Shelf, segment: RotatedSegment): void {
    shelf.rotated.push(segment)
    this.#total += segment.bytes
  }

  /** Takes a segment from the shelf without deleting it. */
  take(shelf: Shelf, segment: RotatedSegment): void {
    const at = shelf.rotated.indexOf(segment)
    if (at === -1) return
    shelf.rotated.splice(at, 1)
    this.#total -= segment.bytes
  }

  /** Takes it and deletes its files. */
  discard(shelf: Shelf, segment: RotatedSegment): void {
    this.take(shelf, segment)
    try {
      deleteSegment(shelf.directory, segment.number)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      this.#options.onError(shelf.instance, error as Error)
    }
  }

  resize(segment: RotatedSegment, bytes: number): void {
    this.#total += bytes - segment.bytes
    segment.bytes = bytes
  }

  /** Deletes until all fit. Does nothing as long as they do. */
  enforce(): void {
    if (this.#isEnforcing) return
    this.#isEnforcing = true
    try {
      while (this.#total > this.#options.maxBytes) {
        if (!this.#removeOldest() && !this.#rotateLargest()) break
      }
    } finally {
      this.#isEnforcing = false
    }
  }

  /** Learns of the logs of services that are not attached; a directory a turn of the loop. */
  async scan(): Promise<void> {
    for (const instance of listInstances(this.#options.directory)) {
      if (this.#isClosed) return
      this.shelf(instance)
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.enforce()
  }

  close(): void {
    this.#isClosed = true
  }

  #removeOldest(): boolean {
    const owner = shelfWithOldest(this.#shelves.values())
    const oldest = owner?.rotated[0]
    if (owner === undefined || oldest === undefined) return false
    this.discard(owner, oldest)
    this.#options.onRemoved(owner.instance, oldest.bytes)
    return true
  }

  #rotateLargest(): boolean {
    const largest = shelfWithLargest(this.#shelves.values())
    largest?.rotate?.()
    return largest !== undefined && largest.rotated.length > 0
  }
}

function shelfWithOldest(shelves: Iterable<Shelf>): Shelf | undefined {
  let found: Shelf | undefined
  let oldestMs = Number.POSITIVE_INFINITY
  for (const shelf of shelves) {
    const endedMs = shelf.rotated[0]?.endedMs ?? Number.POSITIVE_INFINITY
    if (endedMs >= oldestMs) continue
    found = shelf
    oldestMs = endedMs
  }
  return found
}

function shelfWithLargest(shelves: Iterable<Shelf>): Shelf | undefined {
  let found: Shelf | undefined
  for (const shelf of shelves) {
    if (shelf.rotate === undefined) continue
    if (shelf.activeBytes > (found?.activeBytes ?? 0)) found = shelf
  }
  return found
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

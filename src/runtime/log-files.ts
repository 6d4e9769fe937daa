// The files of one instance's log: which segments there are, deleting one, cleaning up what an
// interrupted compression left. No writing of log bytes (log-segments.ts).

import {
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import {
  CURRENT_LINK,
  parseSegmentFileName,
  type SegmentFileKind,
  segmentFileName,
} from '../protocol/log-index.ts'

/** A segment that is no longer written. */
export interface RotatedSegment {
  readonly number: number
  /** All its files together. */
  bytes: number
  /** When it was last written, in milliseconds since the epoch. */
  readonly endedMs: number
  /** Nothing of it waits for compression. */
  isCompressed: boolean
  /** Its raw bytes are there, so that the next supervisor can go on writing it. */
  readonly canContinue: boolean
}

const allKinds: readonly SegmentFileKind[] = [
  'log',
  'log.zst',
  'stamped.log',
  'stamped.log.zst',
  'idx',
]

/** The errno's name of an error from a system call or node:fs; undefined for any other. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { errnoName, code, syscall } = error as Error & {
    readonly errnoName?: unknown
    readonly code?: unknown
    readonly syscall?: unknown
  }
  if (typeof errnoName === 'string') return errnoName
  return typeof code === 'string' && typeof syscall === 'string' ? code : undefined
}

/** Runs `action`; undefined when the file it needs is not there (ENOENT). */
export function ifThere<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/**
 * All segments in the directory, oldest first; empty when it does not exist. Deletes half-written
 * compressions, raw files whose compression is complete, and indexes without a segment.
 */
export function scanSegments(directory: string): RotatedSegment[] {
  const files = new Map<number, Set<SegmentFileKind>>()
  for (const name of ifThere(() => readdirSync(directory)) ?? []) {
    const file = parseSegmentFileName(name)
    if (file === undefined) continue
    if (file.isTemporary) rmSync(join(directory, name), { force: true })
    else files.set(file.number, (files.get(file.number) ?? new Set()).add(file.kind))
  }
  const numbers = [...files.keys()].sort((left, right) => left - right)
  const newest = numbers.at(-1)
  const segments: RotatedSegment[] = []
  for (const number of numbers) {
    const kinds = files.get(number) ?? new Set()
    const hasBytes = kinds.has('log') || kinds.has('log.zst')
    if (!hasBytes && number !== newest) {
      deleteSegment(directory, number)
      continue
    }
    finishCompression(directory, number, kinds)
    segments.push(measure(directory, number, kinds))
  }
  return segments
}

/** A crash between rename and unlink left both: the compressed one is whole. */
function finishCompression(directory: string, number: number, kinds: Set<SegmentFileKind>): void {
  for (const kind of ['log', 'stamped.log'] as const) {
    if (!kinds.has(kind) || !kinds.has(`${kind}.zst`)) continue
    rmSync(join(directory, segmentFileName(number, kind)), { force: true })
    kinds.delete(kind)
  }
}

function measure(directory: string, number: number, kinds: Set<SegmentFileKind>): RotatedSegment {
  let bytes = 0
  let endedMs = 0
  for (const kind of kinds) {
    const found = ifThere(() => statSync(join(directory, segmentFileName(number, kind))))
    bytes += found?.size ?? 0
    endedMs = Math.max(endedMs, found?.mtimeMs ?? 0)
  }
  return {
    number,
    bytes,
    endedMs,
    isCompressed: !kinds.has('log') && !kinds.has('stamped.log'),
    canContinue: !kinds.has('log.zst'),
  }
}

/** Deletes a segment: its bytes first, its index last. What is not there is no error. */
export function deleteSegment(directory: string, number: number): void {
  for (const kind of allKinds) {
    ifThere(() => unlinkSync(join(directory, segmentFileName(number, kind))))
  }
}

/** Points `current` at a file, atomically. */
export function linkCurrent(directory: string, target: string): void {
  const link = join(directory, CURRENT_LINK)
  try {
    if (readlinkSync(link) === target) return
  } catch (error) {
    // EINVAL: something that is no link has its name, and is replaced.
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'EINVAL') throw error
  }
  const temporary = join(directory, `.${CURRENT_LINK}.new`)
  rmSync(temporary, { force: true })
  symlinkSync(target, temporary)
  renameSync(temporary, link)
}

// The side index of a log segment: which bytes came when, and from which stream. Pure packing and
// names; who writes is in runtime/log-segments.ts. A record stands for the bytes from its offset up
// to the next record's offset, and is written BEFORE these bytes: a reader that takes the bytes
// first and the index second always knows every byte it holds.

/** A header of 16 bytes, then records of 16 bytes, all numbers little endian. */
const INDEX_VERSION = 1
export const INDEX_HEADER_BYTES = 16
export const INDEX_RECORD_BYTES = 16

export type LogStream = 'stdout' | 'stderr'

/**
 * `stdout`, `stderr`: bytes of that stream follow. `gap`: from here on bytes were dropped; the
 * record `gap-size` right after it says how many. `break-…`: the program ended in the middle of a
 * line; the next byte of that stream begins a new one.
 */
export type RecordKind = LogStream | 'gap' | 'gap-size' | 'break-stdout' | 'break-stderr'

export interface IndexRecord {
  readonly kind: RecordKind
  /** Where in the segment it applies from, in bytes. */
  readonly offset: number
  /** Microseconds since the epoch; for `gap-size` the number of dropped bytes. */
  readonly value: number
}

const kinds: readonly RecordKind[] = [
  'stdout',
  'stderr',
  'gap',
  'gap-size',
  'break-stdout',
  'break-stderr',
]
const kindNumbers = new Map(kinds.map((kind, index) => [kind, index + 1]))
const magic = [0x65, 0x75, 0x64, 0x6c, 0x6f, 0x67, 0x69, 0x78] // "eudlogix"
const TWO_TO_32 = 2 ** 32

/** The first 16 bytes of an index: magic, version, record size, zeros. */
export function packHeader(): Uint8Array {
  const header = new Uint8Array(INDEX_HEADER_BYTES)
  header.set(magic)
  const view = new DataView(header.buffer)
  view.setUint16(8, INDEX_VERSION, true)
  view.setUint16(10, INDEX_RECORD_BYTES, true)
  return header
}

/** True when these bytes are the header of an index that this version can read and continue. */
export function isHeader(bytes: Uint8Array): boolean {
  if (bytes.length < INDEX_HEADER_BYTES) return false
  if (magic.some((byte, index) => bytes[index] !== byte)) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, INDEX_HEADER_BYTES)
  return (
    view.getUint16(8, true) === INDEX_VERSION && view.getUint16(10, true) === INDEX_RECORD_BYTES
  )
}

/** Writes one record into `view` at byte `at`. Flags and reserved bytes are zero in version 1. */
export function packRecord(view: DataView, at: number, record: IndexRecord): void {
  view.setUint32(at, record.offset, true)
  view.setUint32(at + 4, kindNumbers.get(record.kind) ?? 0, true)
  view.setUint32(at + 8, record.value % TWO_TO_32, true)
  view.setUint32(at + 12, Math.floor(record.value / TWO_TO_32), true)
}

/** Undefined when the bytes are no record, for example zeros that a power failure left. */
export function unpackRecord(view: DataView, at: number): IndexRecord | undefined {
  const kind = kinds[view.getUint8(at + 4) - 1]
  if (kind === undefined) return undefined
  const value = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * TWO_TO_32
  return { kind, offset: view.getUint32(at, true), value }
}

/** The stream of a record that announces bytes; undefined for gaps and breaks. */
export function streamOf(record: IndexRecord): LogStream | undefined {
  return record.kind === 'stdout' || record.kind === 'stderr' ? record.kind : undefined
}

/** How many whole records an index file of this size has. */
export function recordCount(indexBytes: number): number {
  return Math.max(0, Math.floor((indexBytes - INDEX_HEADER_BYTES) / INDEX_RECORD_BYTES))
}

/** Where record number `index` (from 0) stands in the file. */
export function recordPosition(index: number): number {
  return INDEX_HEADER_BYTES + index * INDEX_RECORD_BYTES
}

export type SegmentFileKind = 'log' | 'log.zst' | 'idx' | 'stamped.log' | 'stamped.log.zst'

/** `0000000001.log`: ten digits, so that names sort like numbers. */
export function segmentFileName(number: number, kind: SegmentFileKind): string {
  return `${String(number).padStart(10, '0')}.${kind}`
}

export interface SegmentFile {
  readonly number: number
  readonly kind: SegmentFileKind
  /** Half-written by an interrupted compression; to be deleted. */
  readonly isTemporary: boolean
}

/** Undefined when the name is not that of a file of ours. */
export function parseSegmentFileName(name: string): SegmentFile | undefined {
  const match = /^(\d{10})\.((?:stamped\.)?log(?:\.zst)?|idx)(\.tmp)?$/.exec(name)
  if (!match || Number(match[1]) === 0) return undefined
  return {
    number: Number(match[1]),
    kind: match[2] as SegmentFileKind,
    isTemporary: match[3] !== undefined,
  }
}

/** The link to the newest segment, for `tail -F`. */
export const CURRENT_LINK = 'current'

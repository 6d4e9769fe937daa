// Reads a journal from its first byte to its last and tells good records, damage and a torn end
// apart. Changes nothing. Memory is bounded by one chunk and the index, whatever the file
// contains.

import { readSync } from 'node:fs'
import type { Fd } from '../base/brands.ts'
import { MAX_JOURNAL_RECORD_BYTES } from '../base/limits.ts'
import {
  looksLikeTornRecord,
  salvageJournalRecords,
  unpackJournalRecord,
  unpackJournalVersion,
} from '../protocol/journal-record.ts'

const CHUNK_BYTES = 256 * 1024

/** A part of the file, in bytes. Of a record: without its newline. */
export interface Range {
  readonly at: number
  readonly length: number
}

export interface JournalScan {
  /** Null when the version line is damaged or missing. */
  readonly version: number | null
  /** Where the newest value of each key is. */
  readonly index: Map<string, Range>
  readonly damaged: readonly Range[]
  /** Where the next record goes: what is behind was never written to its end. */
  readonly end: number
  /** The last record is whole, only its newline is missing. */
  readonly lacksNewline: boolean
}

interface Findings {
  version: number | null
  readonly index: Map<string, Range>
  readonly damaged: Range[]
}

export function scanJournal(fd: Fd): JournalScan {
  const found: Findings = { version: null, index: new Map(), damaged: [] }
  const chunk = Buffer.alloc(CHUNK_BYTES)
  let pending = ''
  let at = 0
  for (let position = 0; ; ) {
    const length = readSync(fd, chunk, 0, chunk.length, position)
    if (length === 0) break
    position += length
    const lines = chunk.toString('latin1', 0, length).split('\n')
    const rest = lines.pop() ?? ''
    for (const line of lines) {
      // A line is put together only when its end is there: a project's may be as long as many
      // chunks.
      const whole = pending + line
      pending = ''
      onLine(found, whole, at)
      at += whole.length + 1
    }
    pending += rest
    if (pending.length <= MAX_JOURNAL_RECORD_BYTES) continue
    onDamage(found, pending, at)
    at += pending.length
    pending = ''
  }
  return { ...found, ...onTail(found, pending, at) }
}

function onLine(found: Findings, line: string, at: number): void {
  const record = unpackJournalRecord(line)
  if (record !== null) return onRecord(found, record, { at, length: line.length })
  const version = unpackJournalVersion(line)
  if (version !== null && at === 0) found.version = version
  else onDamage(found, line, at)
}

function onRecord(found: Findings, record: { key: string; value: unknown }, range: Range): void {
  if (record.value === null) found.index.delete(record.key)
  else found.index.set(record.key, range)
}

function onDamage(found: Findings, text: string, at: number): void {
  found.damaged.push({ at, length: text.length })
  for (const record of salvageJournalRecords(text)) {
    const { start, end } = record
    onRecord(found, record, { at: at + start, length: end - start })
  }
}

function onTail(
  found: Findings,
  tail: string,
  at: number,
): { readonly end: number; readonly lacksNewline: boolean } {
  if (tail === '') return { end: at, lacksNewline: false }
  const isWhole = unpackJournalRecord(tail) !== null
  if (isWhole) onLine(found, tail, at)
  else if (salvageJournalRecords(tail).length > 0 || !looksLikeTornRecord(tail)) {
    onDamage(found, tail, at)
  } else return { end: at, lacksNewline: false }
  return { end: at + tail.length, lacksNewline: true }
}

// One line of the journal, the supervisor's state on disk: `<crc32> <json>\n`, in ASCII only, so
// that a character is a byte. The checksum covers the JSON text. What a record means is not known
// here.

const CRC_DIGITS = 8
const VERSION_TEXT = 'eudaemon journal'
const RECORD_START = /[0-9a-f]{8} \{"key":"/g

/** ES2025; the compiler's library does not know it yet. */
const rawInfinity = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('1e999')

/** The version of the journal that this code writes, and the newest that it reads. */
export const JOURNAL_VERSION = 1

/** The newest value of a key; null removes it. */
export interface JournalRecord {
  readonly key: string
  readonly value: unknown
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb88320
  return crc
})

/** One line, its newline included. The value must be what JSON can express, or Infinity. */
export function packJournalRecord({ key, value }: JournalRecord): string {
  return line(escapeBeyondAscii(JSON.stringify({ key, value }, withInfinity)))
}

/** JSON has no Infinity, but it has numbers that are read as it: a limit `infinity` survives. */
function withInfinity(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? rawInfinity : value
}

/** Null for anything that packJournalRecord has not written: the line is damaged or foreign. */
export function unpackJournalRecord(text: string): JournalRecord | null {
  const json = checkedText(text)
  if (json === null) return null
  try {
    const record = JSON.parse(json) as Partial<JournalRecord> | null
    if (typeof record?.key !== 'string' || record.value === undefined) return null
    return { key: record.key, value: record.value }
  } catch {
    return null
  }
}

/** The first line of a journal. Every later version keeps its form, so that it can be told. */
export function packJournalVersion(version: number): string {
  return line(`${VERSION_TEXT} ${version}`)
}

/** Null when the line is no undamaged version line. */
export function unpackJournalVersion(text: string): number | null {
  const match = /^([a-z ]+) (\d{1,9})$/.exec(checkedText(text) ?? '')
  return match?.[1] === VERSION_TEXT ? Number(match[2]) : null
}

/** A record that was found inside of a damaged line, and where: `[start, end)` in characters. */
export interface SalvagedRecord extends JournalRecord {
  readonly start: number
  readonly end: number
}

/**
 * The whole records inside of a damaged line. A lost newline joins two lines, and a hole swallows
 * the beginning of the next: a record behind the damage is still good. The text where a record
 * begins cannot occur inside of one, because JSON writes no space between its tokens.
 */
export function salvageJournalRecords(text: string): readonly SalvagedRecord[] {
  const starts = [...text.matchAll(RECORD_START)].map((match) => match.index)
  return starts.flatMap((start, index) => {
    const next = starts[index + 1] ?? text.length
    // The record fills the piece, or one damaged newline follows it, or other bytes do.
    const ends = new Set([next, next - 1, text.lastIndexOf('}', next - 1) + 1])
    for (const end of ends) {
      const record = unpackJournalRecord(text.slice(start, end))
      if (record !== null) return [{ ...record, start, end }]
    }
    return []
  })
}

/** True when the text may be the beginning of a record whose rest was never written. */
export function looksLikeTornRecord(text: string): boolean {
  return /^(?:[0-9a-f]{0,8}|[0-9a-f]{8} [ -~]*)$/.test(text)
}

function line(text: string): string {
  return `${crc32(text)} ${text}\n`
}

function checkedText(text: string): string | null {
  const body = text.slice(CRC_DIGITS + 1)
  const isWhole = text[CRC_DIGITS] === ' ' && crc32(body) === text.slice(0, CRC_DIGITS)
  return isWhole ? body : null
}

/** CRC-32 of IEEE 802.3, as zlib computes it, of a text whose characters are bytes. */
function crc32(text: string): string {
  let crc = 0xffff_ffff
  for (let at = 0; at < text.length; at += 1) {
    crc = (crc >>> 8) ^ (crcTable[(crc ^ text.charCodeAt(at)) & 0xff] ?? 0)
  }
  return ((crc ^ 0xffff_ffff) >>> 0).toString(16).padStart(CRC_DIGITS, '0')
}

function escapeBeyondAscii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

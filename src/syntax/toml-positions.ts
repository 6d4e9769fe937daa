// Where each key and list element of a TOML document stands. Works on text that a parser has
// accepted already, so it only tells structures apart and never judges. Knows headers, arrays of
// tables, dotted and quoted keys, inline tables, lists, all four kinds of strings and comments.

import { parse } from 'smol-toml'

type Path = (string | number)[]

interface Scan {
  readonly text: string
  offset: number
  /** Path (as JSON) -> offset of the key or element. */
  readonly offsets: Map<string, number>
  /** Path (as JSON) of an array of tables -> number of its tables so far. */
  readonly tableCounts: Map<string, number>
}

interface KeyPart {
  readonly name: string
  readonly offset: number
}

/** The name under which an offset is kept. */
export function pathKey(path: readonly (string | number)[]): string {
  return JSON.stringify(path)
}

/** Offsets in UTF-16 units by `pathKey`. For valid TOML; other text gives less, never a throw. */
export function scanTomlPositions(text: string): ReadonlyMap<string, number> {
  const scan: Scan = { text, offset: 0, offsets: new Map(), tableCounts: new Map() }
  if (text.charCodeAt(0) === 0xfeff) scan.offset = 1
  let table: Path = []
  for (;;) {
    skipBlank(scan)
    if (scan.offset >= text.length) return scan.offsets
    const start = scan.offset
    if (text[scan.offset] === '[') table = scanHeader(scan)
    else scanKeyValue(scan, table)
    if (scan.offset === start) scan.offset += 1
  }
}

function scanHeader(scan: Scan): Path {
  const isArray = scan.text[scan.offset + 1] === '['
  scan.offset += isArray ? 2 : 1
  const parts = scanKey(scan)
  scan.offset += isArray ? 2 : 1
  const path: Path = []
  for (const [index, part] of parts.entries()) {
    path.push(part.name)
    const key = pathKey(path)
    const isLast = index === parts.length - 1
    if (isLast && !isArray) scan.offsets.set(key, part.offset)
    else if (!scan.offsets.has(key)) scan.offsets.set(key, part.offset)
    if (isLast && isArray) scan.tableCounts.set(key, (scan.tableCounts.get(key) ?? 0) + 1)
    const count = scan.tableCounts.get(key)
    if (count === undefined) continue
    path.push(count - 1)
    if (isLast) scan.offsets.set(pathKey(path), part.offset)
  }
  return path
}

function scanKeyValue(scan: Scan, table: Path): void {
  const path = [...table]
  for (const part of scanKey(scan)) {
    path.push(part.name)
    const key = pathKey(path)
    if (!scan.offsets.has(key)) scan.offsets.set(key, part.offset)
  }
  if (scan.text[scan.offset] === '=') scan.offset += 1
  skipSpaces(scan)
  scanValue(scan, path)
}

/** Reads a dotted key and leaves the offset on what ends it (`=`, `]`). */
function scanKey(scan: Scan): KeyPart[] {
  const parts: KeyPart[] = []
  for (;;) {
    skipSpaces(scan)
    const offset = scan.offset
    const first = scan.text[offset]
    if (first === '"' || first === "'") {
      skipString(scan)
      parts.push({ name: decodeKey(scan.text.slice(offset, scan.offset)), offset })
    } else {
      while (/[A-Za-z0-9_-]/.test(scan.text[scan.offset] ?? '')) scan.offset += 1
      parts.push({ name: scan.text.slice(offset, scan.offset), offset })
    }
    skipSpaces(scan)
    if (scan.text[scan.offset] !== '.') return parts
    scan.offset += 1
  }
}

function decodeKey(raw: string): string {
  if (!raw.startsWith('"') || !raw.includes('\\')) return raw.slice(1, -1)
  try {
    return String(parse(`key = ${raw}`)['key'])
  } catch {
    return raw.slice(1, -1)
  }
}

function scanValue(scan: Scan, path: Path): void {
  const first = scan.text[scan.offset]
  if (first === '"' || first === "'") skipString(scan)
  else if (first === '[') scanList(scan, path)
  else if (first === '{') scanInlineTable(scan, path)
  else while (!/[,\]}#\n]/.test(scan.text[scan.offset] ?? '\n')) scan.offset += 1
}

function scanList(scan: Scan, path: Path): void {
  scan.offset += 1
  for (let index = 0; ; index += 1) {
    skipBlank(scan)
    if (scan.text[scan.offset] === ']' || scan.offset >= scan.text.length) break
    const element = [...path, index]
    scan.offsets.set(pathKey(element), scan.offset)
    scanValue(scan, element)
    skipBlank(scan)
    if (scan.text[scan.offset] !== ',') break
    scan.offset += 1
  }
  if (scan.text[scan.offset] === ']') scan.offset += 1
}

function scanInlineTable(scan: Scan, path: Path): void {
  scan.offset += 1
  for (;;) {
    skipBlank(scan)
    if (scan.text[scan.offset] === '}' || scan.offset >= scan.text.length) break
    scanKeyValue(scan, path)
    skipBlank(scan)
    if (scan.text[scan.offset] !== ',') break
    scan.offset += 1
  }
  if (scan.text[scan.offset] === '}') scan.offset += 1
}

function skipString(scan: Scan): void {
  const quote = scan.text[scan.offset] ?? ''
  const isMultiLine = scan.text.startsWith(quote.repeat(3), scan.offset)
  const end = isMultiLine ? quote.repeat(3) : quote
  scan.offset += end.length
  while (scan.offset < scan.text.length && !scan.text.startsWith(end, scan.offset)) {
    scan.offset += quote === '"' && scan.text[scan.offset] === '\\' ? 2 : 1
  }
  scan.offset += end.length
  // A multi-line string may end with up to two quotes of its own before the closing three.
  for (let extra = 0; isMultiLine && extra < 2 && scan.text[scan.offset] === quote; extra += 1) {
    scan.offset += 1
  }
}

function skipSpaces(scan: Scan): void {
  while (scan.text[scan.offset] === ' ' || scan.text[scan.offset] === '\t') scan.offset += 1
}

/** Skips spaces, line ends and comments. */
function skipBlank(scan: Scan): void {
  for (;;) {
    const character = scan.text[scan.offset]
    if (character === '#') {
      const end = scan.text.indexOf('\n', scan.offset)
      scan.offset = end < 0 ? scan.text.length : end
    } else if (
      character === ' ' ||
      character === '\t' ||
      character === '\n' ||
      character === '\r'
    ) {
      scan.offset += 1
    } else return
  }
}

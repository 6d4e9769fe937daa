// A short name for the content of a definition: equal definitions have equal digests, whatever
// the order of their keys. FNV-1a of 64 bits over canonical JSON in UTF-8; no protection against
// malice.
// See https://datatracker.ietf.org/doc/html/draft-eastlake-fnv for the numbers.

import type { ProjectDefinition, ServiceDefinition } from './service-definition.ts'

/** 16 hexadecimal digits; stable between versions as long as the model is. */
export function digestDefinition(definition: ServiceDefinition | ProjectDefinition): string {
  return hashText(printCanonical(definition))
}

/** JSON with sorted keys; Infinity as the text `infinity`. */
export function printCanonical(value: unknown): string {
  if (value === Number.POSITIVE_INFINITY) return '"infinity"'
  if (Array.isArray(value)) return `[${value.map(printCanonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  const members = entries.map(([key, item]) => `${JSON.stringify(key)}:${printCanonical(item)}`)
  return `{${members.join(',')}}`
}

const PRIME_LOW = 0x1b3

/** FNV-1a, 64 bits, as 16 hexadecimal digits. */
export function hashText(text: string): string {
  let high = 0xcbf29ce4
  let low = 0x84222325
  const add = (byte: number): void => {
    low = (low ^ byte) >>> 0
    // The prime is 2^40 + 0x1b3; the product is taken in halves, which doubles hold exactly.
    const product = low * PRIME_LOW
    high = (high * PRIME_LOW + Math.floor(product / 2 ** 32) + ((low << 8) >>> 0)) % 2 ** 32
    low = product % 2 ** 32
  }
  for (const character of text) addUtf8(character.codePointAt(0) ?? 0, add)
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

function addUtf8(code: number, add: (byte: number) => void): void {
  if (code < 0x80) return add(code)
  if (code < 0x800) add(0xc0 | (code >> 6))
  else {
    if (code < 0x10000) add(0xe0 | (code >> 12))
    else {
      add(0xf0 | (code >> 18))
      add(0x80 | ((code >> 12) & 0x3f))
    }
    add(0x80 | ((code >> 6) & 0x3f))
  }
  add(0x80 | (code & 0x3f))
}

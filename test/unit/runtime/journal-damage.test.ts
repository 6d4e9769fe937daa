// The journal when any of its bytes have changed: it opens, finds what is whole, and invents
// nothing.

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { packJournalRecord, packJournalVersion } from '../../../src/protocol/journal-record.ts'
import { contentsOf, freshDirectory } from '../../support/state-folder.ts'

test('random damage never fails, never invents, loses only what it hit', (context) => {
  const directory = freshDirectory(context)
  const path = join(directory, 'journal')
  const keys = ['a', 'b', 'c', 'd', 'e']
  const lines = Array.from({ length: 40 }, (_, number) => {
    const value = { number, text: 'x{"key":"'.repeat(number % 4) }
    return packJournalRecord({ key: keys[number % 5] ?? '', value })
  })
  const whole = Buffer.from(packJournalVersion(1) + lines.join(''), 'latin1')
  const starts: number[] = []
  let length = packJournalVersion(1).length
  for (const line of lines) {
    starts.push(length)
    length += line.length
  }
  const place = fc.record({
    at: fc.integer({ min: 0, max: whole.length - 1 }),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc.constantFrom(new Uint8Array(300), Buffer.from('\n'), Buffer.from('}')),
    ),
    kind: fc.constantFrom('overwrite', 'insert', 'cut'),
  })
  const check = (damages: readonly { at: number; bytes: Uint8Array; kind: string }[]): void => {
    // Every byte with the place that it came from; null for a foreign one.
    let bytes: readonly (readonly [number, number | null])[] = [...whole].map((byte, origin) => [
      byte,
      origin,
    ])
    for (const { at, bytes: rubbish, kind } of damages) {
      const behind = kind === 'insert' ? at : at + rubbish.length
      const middle = kind === 'cut' ? [] : [...rubbish].map((byte) => [byte, null] as const)
      bytes = [...bytes.slice(0, at), ...middle, ...bytes.slice(behind)]
    }
    const places = new Map(bytes.map(([, origin], place) => [origin, place]))
    const isWhole = (number: number): boolean => {
      const start = starts[number] ?? 0
      const place = places.get(start) ?? Number.NaN
      const length = lines[number]?.length ?? 0
      return Array.from({ length }).every((_, step) => places.get(start + step) === place + step)
    }
    writeFileSync(path, Buffer.from(bytes.map(([byte]) => byte)))
    rmSync(join(directory, 'quarantine'), { recursive: true, force: true })
    const found = contentsOf(directory)
    for (const [position, key] of keys.entries()) {
      const numbers = lines.map((_, number) => number).filter((number) => number % 5 === position)
      const newestWhole = numbers.filter(isWhole).at(-1) ?? -1
      const value = found[key] as { number: number; text: string } | undefined
      if (newestWhole >= 0) assert.ok((value?.number ?? -1) >= newestWhole, `${key} was lost`)
      if (value === undefined) continue
      assert.equal(value.number % 5, position)
      assert.equal(value.text, 'x{"key":"'.repeat(value.number % 4))
    }
    assert.ok(Object.keys(found).every((key) => keys.includes(key)))
  }
  fc.assert(fc.property(fc.array(place, { minLength: 1, maxLength: 6 }), check), { numRuns: 400 })
})

test('bytes that never were a journal open as an empty one', (context) => {
  const directory = freshDirectory(context)
  const path = join(directory, 'journal')
  const check = (bytes: Uint8Array): void => {
    writeFileSync(path, bytes)
    rmSync(join(directory, 'quarantine'), { recursive: true, force: true })
    assert.deepEqual(contentsOf(directory), {})
    assert.deepEqual(contentsOf(directory), {})
  }
  check(Buffer.alloc(3 * 1024 * 1024))
  check(Buffer.alloc(1024 * 1024, '{"key":"'))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), check), { numRuns: 200 })
})

// Points in time as people write them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseLogTime } from '../../../src/client/log-time.ts'

const now = new Date(2026, 10, 21, 15, 30, 0).getTime()
const local = (...parts: [number, number, number, number?, number?, number?]): number =>
  new Date(
    parts[0],
    parts[1] - 1,
    parts[2],
    parts[3] ?? 0,
    parts[4] ?? 0,
    parts[5] ?? 0,
  ).getTime() * 1000

test('every notation', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['now', now * 1000],
    ['10min', (now - 600_000) * 1000],
    ['-10min', (now - 600_000) * 1000],
    ['1h 30min ago', (now - 5_400_000) * 1000],
    ['30', (now - 30_000) * 1000],
    ['infinity', 0],
    ['today', local(2026, 11, 21)],
    ['yesterday', local(2026, 11, 20)],
    ['today 10:00', local(2026, 11, 21, 10)],
    ['10:05', local(2026, 11, 21, 10, 5)],
    ['2026-11-20', local(2026, 11, 20)],
    ['2026-11-20 10:00', local(2026, 11, 20, 10)],
    ['2026-11-20T10:00:07.25', local(2026, 11, 20, 10, 0, 7) + 250_000],
    ['2026-11-20T10:00:07.000001Z', Date.UTC(2026, 10, 20, 10, 0, 7) * 1000 + 1],
    ['2026-11-20 10:00:07 UTC', Date.UTC(2026, 10, 20, 10, 0, 7) * 1000],
    ['2026-11-20T10:00+02:00', Date.UTC(2026, 10, 20, 8) * 1000],
    ['2026-11-20T10:00-0130', Date.UTC(2026, 10, 20, 11, 30) * 1000],
    ['@1700000000.5', 1_700_000_000_500_000],
    ['', undefined],
    ['soon', undefined],
    ['2026-13-01', undefined],
    ['2026-02-30', undefined],
    ['2026-11-20 25:00', undefined],
    ['2026-11-20 10:00 11:00', undefined],
    ['10:00 2026-11-20', undefined],
  ]
  for (const [text, expected] of cases) assert.equal(parseLogTime(text, now), expected, `'${text}'`)
})

test('what toISOString prints is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
      assert.equal(parseLogTime(new Date(ms).toISOString(), now), ms * 1000)
    }),
  )
})

test('any text: a number or undefined, never a throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-0-9T:.Z+ @a-z]{0,20}$/)), (text) => {
      const found = parseLogTime(text, now)
      assert.ok(found === undefined || Number.isFinite(found))
    }),
  )
})

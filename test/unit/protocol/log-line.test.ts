// Lines from bytes: cut anywhere, of any length, of any bytes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogStream } from '../../../src/protocol/log-index.ts'
import { createLineAssembler, type LogItem } from '../../../src/protocol/log-line.ts'
import { printStampedLine } from '../../../src/protocol/log-stamp.ts'

const encoder = new TextEncoder()

function assemble(maxLineBytes?: number, skipFirst: readonly LogStream[] = []) {
  const items: LogItem[] = []
  const assembler = createLineAssembler({
    instance: 'shop/web@1',
    decode: (bytes) => new TextDecoder().decode(bytes),
    emit: (item) => items.push(item),
    skipFirst,
    ...(maxLineBytes === undefined ? {} : { maxLineBytes }),
  })
  const shown = () =>
    items.map((item) =>
      item.kind === 'gap'
        ? `gap ${item.bytes}`
        : `${item.stream} ${item.timeUs} ${item.isPartial ? 'P' : 'F'} ${item.text}`,
    )
  const run = (text: string, stream: LogStream, timeUs: number): void =>
    assembler.run(encoder.encode(text), stream, timeUs)
  return { assembler, items, shown, run }
}

test('each stream is put together on its own, with the time of the first byte', () => {
  const { run, shown, assembler } = assemble()
  run('one\ntw', 'stdout', 1)
  run('err', 'stderr', 2)
  run('o\n\n', 'stdout', 3)
  run('or\n', 'stderr', 4)
  assert.equal(assembler.pendingTimeUs(), undefined)
  assert.deepEqual(shown(), ['stdout 1 F one', 'stdout 1 F two', 'stdout 3 F ', 'stderr 2 F error'])
})

test('a gap, a break and the end give what is unfinished, as a part', () => {
  const { run, shown, assembler } = assemble()
  run('a', 'stdout', 1)
  run('b', 'stderr', 2)
  assert.equal(assembler.pendingTimeUs(), 1)
  assembler.gap(3, 99)
  run('c', 'stdout', 4)
  assembler.lineBreak('stderr')
  assembler.lineBreak('stdout')
  run('d', 'stderr', 5)
  assembler.flush()
  assert.deepEqual(shown(), [
    'stdout 1 P a',
    'stderr 2 P b',
    'gap 99',
    'stdout 4 P c',
    'stderr 5 P d',
  ])
})

test('the rest of a line whose beginning is not wanted is skipped', () => {
  const { run, shown } = assemble(4, ['stdout'])
  run('a very long rest', 'stdout', 1)
  run('e1\n', 'stderr', 1)
  run(' of it\nnext\n', 'stdout', 2)
  assert.deepEqual(shown(), ['stderr 1 F e1', 'stdout 2 F next'])
})

test('a long line comes in parts, and no character is torn', () => {
  const { run, shown } = assemble(4)
  run('abcdefgh\nabc\u20acde\n\u20ac\u20ac\n1234\n', 'stdout', 1)
  assert.deepEqual(shown(), [
    'stdout 1 P abcd',
    'stdout 1 F efgh',
    'stdout 1 P abc',
    'stdout 1 P \u20acd',
    'stdout 1 F e',
    'stdout 1 P \u20ac',
    'stdout 1 F \u20ac',
    'stdout 1 F 1234',
  ])
})

test('however the bytes are cut, the same text comes out', () => {
  const text = fc
    .array(fc.oneof(fc.constant('\n'), fc.string({ unit: 'grapheme', maxLength: 12 })), {
      maxLength: 30,
    })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(
      text,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.integer({ min: 4, max: 20 }),
      (whole, cuts, maxLineBytes) => {
        const { assembler, items } = assemble(maxLineBytes)
        const bytes = encoder.encode(whole)
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1
          assembler.run(bytes.slice(at, at + length), 'stdout', at)
          at += length
        }
        assembler.flush()
        const printed = items
          .map((item) => (item.kind === 'gap' ? '' : item.text + (item.isPartial ? '' : '\n')))
          .join('')
        assert.equal(printed, new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
        for (const item of items) {
          assert.ok(item.kind === 'gap' || encoder.encode(item.text).length <= maxLineBytes)
        }
      },
    ),
  )
})

test('any bytes: never throws, and what is no UTF-8 is replaced', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      const { assembler, items } = assemble(8)
      for (const chunk of chunks) assembler.run(chunk, 'stderr', 1)
      assembler.flush()
      const newlines = chunks.reduce((sum, chunk) => sum + chunk.filter((b) => b === 10).length, 0)
      const full = items.filter((item) => item.kind === 'line' && !item.isPartial)
      assert.equal(full.length, newlines)
    }),
  )
  const { assembler, shown } = assemble()
  assembler.run(new Uint8Array([0x61, 0xff, 0x62, 10]), 'stdout', 1)
  assert.deepEqual(shown(), ['stdout 1 F a\ufffdb'])
})

test('a stamped line is what container tools read', () => {
  const line = {
    kind: 'line',
    instance: 'shop/web@1',
    stream: 'stderr',
    text: 'hm',
    isPartial: true,
    timeUs: Date.UTC(2026, 10, 21, 4, 5, 6) * 1000 + 7,
  } as const
  assert.equal(printStampedLine(line), '2026-11-21T04:05:06.000007Z stderr P hm\n')
})

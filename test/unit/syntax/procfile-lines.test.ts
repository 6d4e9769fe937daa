// Procfile lines: names, commands, and which lines are told to be ignored.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseProcfileLines } from '../../../src/syntax/procfile-lines.ts'

test('names, commands and line numbers', () => {
  const text = '\ufeffweb: node a:b\r\n\n# note\nno-blank:x y \nempty:\nweb_2:\tz'
  assert.deepEqual(parseProcfileLines(text), {
    entries: [
      { name: 'web', command: 'node a:b', line: 1 },
      { name: 'no-blank', command: 'x y', line: 4 },
      { name: 'empty', command: '', line: 5 },
      { name: 'web_2', command: 'z', line: 6 },
    ],
    ignored: [],
  })
})

test('other lines are ignored, and told', () => {
  assert.deepEqual(parseProcfileLines(' web: x\nfoo\na.b: c').ignored, [
    { text: ' web: x', line: 1 },
    { text: 'foo', line: 2 },
    { text: 'a.b: c', line: 3 },
  ])
})

test('no text makes it throw, and no line is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => {
      const text = lines.join('\n')
      const { entries, ignored } = parseProcfileLines(text)
      const told = new Set([...entries, ...ignored].map(({ line }) => line))
      for (const [index, line] of text
        .replace(/^\uFEFF/, '')
        .split('\n')
        .entries()) {
        if (!/^\s*(#|$)/.test(line)) assert.ok(told.has(index + 1))
      }
    }),
    { numRuns: 2_000 },
  )
})

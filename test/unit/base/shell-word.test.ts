// Words for a shell, read back by real shells.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { quoteShellWord } from '../../../src/base/shell-word.ts'

const nasty = [
  "'",
  "'\\''",
  '$(exit 9)',
  '`',
  '\\',
  '\n',
  '',
  '~',
  '-n',
  'A=b',
  'if',
  '*',
  '"',
  '#',
]

function readBack(shell: string, words: readonly string[]): readonly string[] {
  const script = `printf '%s\\0' ${words.map(quoteShellWord).join(' ')}`
  const result = spawnSync(shell, ['-c', script], { encoding: 'utf8', env: { LC_ALL: 'C.UTF-8' } })
  assert.equal(result.status, 0, result.stderr)
  return result.stdout.split('\0').slice(0, -1)
}

for (const shell of ['/bin/sh', '/bin/bash']) {
  test(`${shell} reads a quoted word as what it was`, () => {
    assert.deepEqual(readBack(shell, nasty), nasty)
    const word = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
      fc.array(fc.constantFrom(...nasty)).map((parts) => parts.join('')),
    )
    const words = fc.array(word, { minLength: 1 })
    fc.assert(
      fc.property(words, (list) => assert.deepEqual(readBack(shell, list), list)),
      { numRuns: 60 },
    )
  })
}

test('options and paths of plain characters stay readable', () => {
  assert.equal(quoteShellWord('--limit=nofile=1024:4096'), '--limit=nofile=1024:4096')
  assert.equal(quoteShellWord('/usr/bin/env'), '/usr/bin/env')
})

test('what a shell could take for its own is quoted', () => {
  for (const word of ['if', 'A=b', '', '~', 'a b']) assert.equal(quoteShellWord(word), `'${word}'`)
})

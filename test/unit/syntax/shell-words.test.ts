// Shell words: judged by the shell of this machine.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { quoteWords, splitWords } from '../../../src/syntax/shell-words.ts'

/** What a POSIX shell makes of the line; only for lines without expansions and operators. */
function askShell(line: string): string[] {
  const script = `set -f; set -- ${line}\nfor word; do printf '%s\\0' "$word"; done`
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

const lines = [
  'node server.js',
  `a 'b c' "d e"`,
  `a"b"'c'd`,
  `"" ''`,
  'a\\ b',
  '\\"x\\"',
  `"a\\"b\\\\c\\d"`,
  `'a\\'`,
  '"a\\$b"',
  ' lead\ttab  trail ',
  'a\\\nb',
  '"a\\\nb"',
  '',
]

for (const line of lines) {
  test(`splits ${JSON.stringify(line)} as the shell does`, () => {
    assert.deepEqual(splitWords(line).words, askShell(line))
  })
}

test('says what is left open', () => {
  assert.match(splitWords("a 'b").problem ?? '', /single quote/)
  assert.match(splitWords('a "b').problem ?? '', /double quote/)
  assert.match(splitWords('a\\').problem ?? '', /backslash/)
})

test('quoted words are split back into themselves', () => {
  const words = fc.array(fc.string({ unit: 'binary' }).map((word) => word.replaceAll('\0', '')))
  fc.assert(
    fc.property(words, (list) => {
      assert.deepEqual(splitWords(quoteWords(list)).words, list)
    }),
    { numRuns: 2_000 },
  )
  const sample = ["it's", '$HOME', 'a b', '', '`x`', '*', 'ü', '\n', '~', '-n']
  assert.deepEqual(askShell(quoteWords(sample)), sample)
})

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { words, problem } = splitWords(text)
      assert.equal(words === null, problem !== null)
    }),
    { numRuns: 2_000 },
  )
})

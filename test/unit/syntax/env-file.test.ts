// Env files: what each notation gives, what is refused and where.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseEnvFile } from '../../../src/syntax/env-file.ts'

const values: readonly (readonly [line: string, value: string])[] = [
  ['A=b', 'b'],
  ['export A=b', 'b'],
  ['  A = b  ', 'b'],
  ['A=', ''],
  ['A=""', ''],
  ['A=\'a $b \\n "c"\'', 'a $b \\n "c"'],
  ['A="a\\nb\\t\\"c\\" \\\\ \\$d \\e"', 'a\nb\t"c" \\ $d \\e'],
  ['A="$HOME"', '$HOME'],
  ['A=a#b', 'a#b'],
  ['A=a b # comment', 'a b'],
  ['A=# comment', ''],
  ['A="x" # comment', 'x'],
  ['A=x=y', 'x=y'],
  ['A="first\nsecond"', 'first\nsecond'],
  ['A=b\r', 'b'],
  ['\ufeffA=b', 'b'],
  ['A=1\nA=2', '2'],
]

for (const [line, value] of values) {
  test(`${JSON.stringify(line)} gives ${JSON.stringify(value)}`, () => {
    const { variables, diagnostics } = parseEnvFile(line, '.env')
    assert.deepEqual(diagnostics, [])
    assert.deepEqual([...variables], [['A', value]])
  })
}

const refused: readonly (readonly [text: string, line: number, message: RegExp])[] = [
  ['# ok\nnonsense', 2, /'nonsense' is not KEY=VALUE/],
  ['1A=b', 1, /'1A' is not a name/],
  ['A-B=c', 1, /'A-B' is not a name/],
  ['A=b\n\nB="open', 3, /B: the quote " is not closed/],
  ["A='x' y", 1, /A: there is text after the closing quote/],
  ['A=\0', 1, /NUL/],
]

for (const [text, line, message] of refused) {
  test(`${JSON.stringify(text)} is refused`, () => {
    const { diagnostics } = parseEnvFile(text, '.env')
    assert.equal(diagnostics.length, 1)
    assert.match(diagnostics[0]?.message ?? '', message)
    assert.equal(diagnostics[0]?.position?.line, line)
  })
}

test('a bad line does not hide the good ones', () => {
  const { variables, diagnostics } = parseEnvFile('A=1\n?\nB="x\nC=3\n', '.env')
  assert.deepEqual(
    [...variables],
    [
      ['A', '1'],
      ['C', '3'],
    ],
  )
  assert.equal(diagnostics.length, 2)
})

test('any value survives double quotes, and no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseEnvFile(text, '.env')
      const value = text.replaceAll('\0', '')
      const quoted = value.replace(/[\\"]/g, '\\$&')
      assert.equal(parseEnvFile(`A="${quoted}"`, '.env').variables.get('A'), value)
    }),
    { numRuns: 2_000 },
  )
})

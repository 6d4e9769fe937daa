// Small tools for messages and paths: nothing that a user wrote can break a terminal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { printDiagnosticWithExcerpt } from '../../../src/base/diagnostic.ts'
import { parseHttpUrl } from '../../../src/base/http-url.ts'
import { baseName, resolvePath } from '../../../src/base/path.ts'
import { quote, quoteList } from '../../../src/base/quote.ts'
import { printExcerpt } from '../../../src/base/source-position.ts'

const control = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

test('quote escapes and cuts', () => {
  assert.equal(quote("it's\n\u001b[31m"), "'it\\'s\\n\\u{1b}[31m'")
  assert.equal(quote('x'.repeat(61)), `'${'x'.repeat(60)}…'`)
  assert.equal(quoteList(['a', 'b', 'c']), "'a', 'b' and 'c'")
  assert.equal(quoteList(['a']), "'a'")
  assert.equal(quoteList([]), '')
})

test('no text gets control characters past quote', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(quote(text), control)
      assert.ok(!quote(text).includes('\n'))
    }),
    { numRuns: 2_000 },
  )
})

test('paths are joined without a disk', () => {
  assert.equal(resolvePath('/srv/shop', 'app'), '/srv/shop/app')
  assert.equal(resolvePath('/srv/shop/', './app//x/../y/'), '/srv/shop/app/y')
  assert.equal(resolvePath('/srv', '/etc/x'), '/etc/x')
  assert.equal(resolvePath('/srv', '../../..'), '/')
  assert.equal(baseName('/srv/shop/'), 'shop')
  assert.equal(baseName('/'), '')
})

test('the caret stands under the column, whatever is in front of it', () => {
  const at = (line: number, column: number) => ({ file: 'f', line, column })
  assert.equal(printExcerpt('a = b', at(1, 5)), '1 | a = b\n        ^')
  assert.equal(printExcerpt('x\n\tk = 1', at(2, 2)), '2 | \tk = 1\n    \t^')
  assert.equal(printExcerpt('x\n\n', at(2, 1)), '')
  assert.equal(printExcerpt('x', at(9, 1)), '')
  const long = printExcerpt(`${'x'.repeat(500)}!`, at(1, 501)).split('\n')
  assert.equal(long[0]?.at((long[1] ?? '').indexOf('^')), '!')
  assert.ok((long[0]?.length ?? 0) <= 110)
})

test('a diagnostic for people has the line and the hint', () => {
  const diagnostic = {
    severity: 'error',
    code: 'x',
    message: 'wrong',
    hint: 'Do it.',
    setting: 'k',
    position: { file: 'f', line: 1, column: 1 },
  } as const
  assert.equal(
    printDiagnosticWithExcerpt(diagnostic, 'k = 1'),
    'f:1:1: error: wrong [k]\n  1 | k = 1\n      ^\n  Do it.',
  )
})

test('http addresses', () => {
  assert.deepEqual(parseHttpUrl('http://a.b:8080/x?y'), { host: 'a.b', port: 8080, path: '/x?y' })
  assert.deepEqual(parseHttpUrl('http://[::1]?q'), { host: '::1', port: 80, path: '/?q' })
  for (const bad of [
    'https://a',
    'http://',
    'http://:80',
    'http://a b',
    'http://a/#x',
    'http://u@a',
  ]) {
    assert.equal(parseHttpUrl(bad), undefined, bad)
  }
})

// Words of unit files, read back by a reader of systemd.syntax(7) that knows nothing of the writer.
// What systemd itself reads is in test/system/2702-boot-tools.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  commandLine,
  isUnitPath,
  isUnitPattern,
  isUnitProgram,
  isUnitUser,
  isUnitVariable,
  unitText,
  unitWord,
} from '../../../../src/daemonize/boot/systemd-words.ts'

/** What a backslash and a letter stand for; the manual's table, without the numbers. */
const letters: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ' },
  ...{ '\\': '\\', '"': '"', "'": "'" },
}

function readEscape(text: string): readonly [value: string, length: number] {
  const number = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))/.exec(text)
  const digits = number?.[1] ?? number?.[2] ?? number?.[3]
  if (number !== null && digits !== undefined) {
    return [String.fromCodePoint(Number.parseInt(digits, 16)), number[0].length]
  }
  const value = letters[text[0] ?? '']
  assert.ok(value !== undefined, `an escape that systemd does not know: ${text}`)
  return [value, 1]
}

/** Splits at spaces, removes quotes that enclose a whole word, resolves escapes and `%%`. */
function readWords(line: string): readonly string[] {
  const joined = line.replaceAll('\\\n', ' ')
  assert.ok(!joined.includes('\n'), 'a line break that is no continuation')
  const words: string[] = []
  let at = 0
  while (at < joined.length) {
    if (joined[at] === ' ') at += 1
    else {
      const quoted = joined[at] === '"'
      let word = ''
      if (quoted) at += 1
      while (at < joined.length && joined[at] !== (quoted ? '"' : ' ')) {
        if (joined[at] === '\\') {
          const [value, length] = readEscape(joined.slice(at + 1))
          word += value
          at += 1 + length
        } else {
          assert.ok(quoted || !/["';#]/.test(joined[at] ?? ''), 'a mark outside of quotes')
          word += joined[at]
          at += 1
        }
      }
      if (quoted) assert.equal(joined[at], '"', 'a quote that is not closed')
      if (quoted) at += 1
      assert.ok(at >= joined.length || joined[at] === ' ', 'a quote inside of a word')
      assert.equal(word.replaceAll('%%', '').includes('%'), false, 'a specifier')
      words.push(word.replaceAll('%%', '%'))
    }
  }
  return words
}

/** Without `:` in front, systemd puts variables in place of `$`. */
function readCommand(line: string): readonly string[] {
  const [first = '', ...rest] = readWords(line)
  if (first.startsWith(':')) return [first.slice(1), ...rest]
  assert.ok(![first, ...rest].some((word) => word.includes('$')), 'a `$` that is replaced')
  return [first, ...rest]
}

const nothingOdd = (text: string): string =>
  text.replaceAll(/[\0\p{Noncharacter_Code_Point}\p{Surrogate}]/gu, '')
const word = fc.oneof(
  fc.string({ unit: 'binary' }).map(nothingOdd),
  fc
    .array(fc.constantFrom('"', "'", '\\', '%', '%%', '$', '${A}', ' ', '\n', ';', '#', 'x', 'ü'))
    .map((parts) => parts.join('')),
)

test('a command line is read back as its words', () => {
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const argv = ['/bin/a b', ...words]
      assert.deepEqual(readCommand(commandLine(argv)), argv)
    }),
    { numRuns: 2_000 },
  )
})

test('a word is read back', () => {
  fc.assert(
    fc.property(word, (text) => assert.deepEqual(readWords(unitWord(text)), [text])),
    { numRuns: 2_000 },
  )
})

test('what is plain stays readable, a long command has a word a line', () => {
  assert.equal(commandLine(['/bin/echo', '--a=b', '50%']), '/bin/echo --a=b 50%%')
  assert.equal(commandLine(['/bin/echo', '$A']), ':/bin/echo "$A"')
  const long = ['/bin/echo', 'a'.repeat(50), 'b'.repeat(50)]
  assert.equal(commandLine(long), long.join(' \\\n    '))
})

test('text that systemd would drop is refused', () => {
  for (const text of ['\uffff', '\ud800', '\0', '\u{1ffff}']) {
    assert.throws(() => unitWord(text), { code: 'ERR_BOOT_TEXT' })
    assert.throws(() => unitText(text), { code: 'ERR_BOOT_TEXT' })
  }
})

test('which values systemd takes without quotes', () => {
  for (const path of ['/', '/a b', '/ü', '/a"b', '/a..b']) assert.ok(isUnitPath(path), path)
  for (const path of ['a', '/a ', '/a\n', '/a\\', '/../a']) assert.ok(!isUnitPath(path), path)
  for (const path of ['/a*', '/a?', '/[a]', '/a\\b']) assert.ok(!isUnitPattern(path), path)
  for (const path of ['/a"', "/a'", '/a\\b', '/a\t']) assert.ok(!isUnitProgram(path), path)
  for (const name of ['a.b', '1a', '', 'ä']) assert.ok(!isUnitVariable(name), name)
  for (const name of ['a b', '-a', '', 'a$']) assert.ok(!isUnitUser(name), name)
  for (const name of ['www-data', '_apt', '1000']) assert.ok(isUnitUser(name), name)
})

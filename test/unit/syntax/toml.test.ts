// TOML with positions: every key and element of any document is found where it stands, every
// syntax error has a place and advice, and no text makes it throw.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { MAX_DEFINITION_TEXT } from '../../../src/base/limits.ts'
import { parseToml } from '../../../src/syntax/toml.ts'

const document = `# comment with [brackets] = "x"
title = "a # b"  # not a key = 1
'quoted key' = 1
"\\u0061bc" = 2
a.b . "c.d" = 3

[services.web]
command = ["node", 'it''s'.x]
`.replace(`, 'it''s'.x`, `, 'server.js'`)

const places: readonly (readonly [
  path: readonly (string | number)[],
  line: number,
  column: number,
])[] = [
  [['title'], 2, 1],
  [['quoted key'], 3, 1],
  [['abc'], 4, 1],
  [['a'], 5, 1],
  [['a', 'b'], 5, 3],
  [['a', 'b', 'c.d'], 5, 7],
  [['services'], 7, 2],
  [['services', 'web'], 7, 11],
  [['services', 'web', 'command'], 8, 1],
  [['services', 'web', 'command', 1], 8, 20],
  [['services', 'web', 'absent', 'deeper'], 7, 11],
]

for (const [path, line, column] of places) {
  test(`position of ${JSON.stringify(path)}`, () => {
    const { value, positionOf } = parseToml(document, 'f.toml')
    assert.ok(value)
    assert.deepEqual(positionOf(path), { file: 'f.toml', line, column })
  })
}

test('multi-line strings hide keys, inline tables and nested lists do not', () => {
  const text = [
    'text = """',
    'a = 1',
    '[b]"""" # ends with a quote of its own',
    "raw = '''x\\'''",
    'list = [ # comment ]',
    '  { a = 1, b.c = "}" }, [[2], 3],',
    ']',
    '[[jobs]]',
    'name = 1',
    '[[jobs]]',
    'name = 2',
    '[jobs.sub]',
    'day = 1979-05-27 07:32:00 # date with a blank',
    'last = 1',
  ].join('\r\n')
  const { value, positionOf, diagnostics } = parseToml(text, 'f')
  assert.deepEqual(diagnostics, [])
  assert.ok(value)
  const at = (...path: (string | number)[]) => {
    const position = positionOf(path)
    return `${position?.line}:${position?.column}`
  }
  assert.equal(at('a'), 'undefined:undefined')
  assert.equal(at('raw'), '4:1')
  assert.equal(at('list', 0, 'b', 'c'), '6:14')
  assert.equal(at('list', 1, 0, 0), '6:27')
  assert.equal(at('jobs', 0, 'name'), '9:1')
  assert.equal(at('jobs', 1), '10:3')
  assert.equal(at('jobs', 1, 'sub', 'day'), '13:1')
  assert.equal(at('jobs', 1, 'sub', 'last'), '14:1')
})

test('columns count characters, not UTF-16 units', () => {
  const { positionOf } = parseToml('a = { "🐙🐙" = 1, b = 2 }', 'f')
  assert.equal(positionOf(['a', 'b'])?.column, 17)
})

/** Every path of a value, leaves and tables. */
function pathsOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => [[...path, index], ...pathsOf(item, [...path, index])])
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => [
    [...path, key],
    ...pathsOf(item, [...path, key]),
  ])
}

const tree = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true }),
  ),
  node: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    fc.array(tie('leaf'), { maxLength: 3 }),
    fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), tie('node'), { maxKeys: 3 }), {
      maxLength: 3,
    }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('node'), { maxKeys: 4 }),
  ),
}))

test('every key of any document is found where it is written', () => {
  const documents = fc.dictionary(fc.string({ unit: 'grapheme' }), tree.node, { maxKeys: 4 })
  fc.assert(
    fc.property(documents, (value) => {
      const text = stringify(value)
      const parsed = parseToml(text, 'f')
      if (parsed.value === null) return assert.fail(`${text}: ${parsed.diagnostics[0]?.message}`)
      const lines = text.split('\n')
      for (const path of pathsOf(parsed.value)) {
        const last = path.at(-1)
        const position = parsed.positionOf(path)
        assert.ok(position, JSON.stringify(path))
        const rest = [...(lines[position.line - 1] ?? '')].slice(position.column - 1).join('')
        if (typeof last === 'string') {
          const isBare = rest.startsWith(last) && last !== ''
          const quoted = /^("(?:[^"\\]|\\.)*")/.exec(rest)?.[1]
          const isQuoted = quoted !== undefined && parse(`k = ${quoted}`)['k'] === last
          assert.ok(isBare || isQuoted, `${JSON.stringify(path)} at ${rest}`)
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

const pieces = fc.constantFrom(
  '[',
  ']',
  '[[',
  ']]',
  '{',
  '}',
  '=',
  '.',
  ',',
  '"',
  "'",
  '"""',
  "'''",
  '\\',
  '#',
  '\n',
  '\r\n',
  ' ',
  'a',
  'key',
  '1',
  '0',
  '-',
  ':',
  'true',
  '1979-05-27',
  '\0',
  '\u{1f419}',
  '\ud800',
  '\ufeff',
)

test('no text makes it throw, and what is refused has a place', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const { value, diagnostics, positionOf } = parseToml(text, 'f')
      assert.equal(value === null, diagnostics.length > 0)
      for (const { position, hint } of diagnostics) assert.ok(position && hint)
      for (const path of pathsOf(value)) assert.ok(positionOf(path), JSON.stringify(path))
    }),
    { numRuns: 4_000 },
  )
})

test('nesting and length are bounded', () => {
  const deep = parseToml(`a = ${'['.repeat(5_000)}`, 'f')
  assert.match(deep.diagnostics[0]?.message ?? '', /nested deeper than/)
  const long = parseToml('#'.repeat(MAX_DEFINITION_TEXT + 1), 'f')
  assert.equal(long.diagnostics[0]?.code, 'too-many')
})

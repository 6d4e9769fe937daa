// The native reader and the table of settings agree: every row is read, every default is the one
// that is printed, and the JSON Schema knows the same keys. No text makes the reader throw.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { printJsonSchema } from '../../../scripts/generating/json-schema.ts'
import { readProject } from '../../../src/formats/native/read.ts'
import { encodeDefinition, parseProjectDefinition } from '../../../src/model/definition-json.ts'
import {
  type FieldRow,
  projectFields,
  serviceFields,
  settingOfField,
} from '../../../src/model/service-fields.ts'
import { limitNames } from '../../../src/model/words.ts'

function read(text: string) {
  return readProject({
    file: '/srv/shop/eudaemon.toml',
    text,
    directory: '/srv/shop',
    projectName: 'folder',
    sideFiles: new Map(),
    callerEnvironment: {},
  })
}

const others = ['db', 'cache', 'migrate', 'web']
  .map((name) => `[services.${name}]\ncommand = "x"\n`)
  .join('')

/** A file with one service `it`, and others that examples name. */
const withService = (lines: string): string =>
  `[services.it]\n${/^command\b/m.test(lines) ? '' : 'command = "x"\n'}${lines}\n${others}`

/** What must stand beside a setting for it to make sense. */
const companions: Readonly<Record<string, string>> = {
  'ready.status': 'ready.http = "http://127.0.0.1/"',
  'ready.stream': 'ready.log = "x"',
  'ready.timeout': 'ready.tcp = 1',
  'ready.interval': 'ready.tcp = 1',
  'ready.attempt-timeout': 'ready.tcp = 1',
  'live.status': 'live.http = "http://127.0.0.1/"',
  'live.interval': 'live.tcp = 1',
  'live.attempt-timeout': 'live.tcp = 1',
  'live.failures': 'live.tcp = 1',
  'setup.timeout': 'setup.command = "x"',
  'finish.timeout': 'finish.command = "x"',
}

for (const row of serviceFields) {
  test(`service setting ${row.key}: its example is read and has an effect`, () => {
    const { project, diagnostics } = read(withService(row.example))
    assert.deepEqual(diagnostics, [])
    const plain = read(withService('')).project?.services['it']
    // The examples that write down the default, or only carry it.
    if (row.key === 'ready.immediate') return
    assert.notDeepEqual(project?.services['it'], plain)
  })
  const literal = /^`(.*?)`/.exec(row.default)?.[1]
  if (literal !== undefined) {
    test(`service setting ${row.key}: the printed default is the default`, () => {
      const companion = companions[row.key] ?? ''
      const written = read(withService(`${companion}\n${row.key} = ${literal}`))
      assert.deepEqual(written.diagnostics, [])
      assert.deepEqual(written.project, read(withService(companion)).project)
    })
  }
}

test('project settings: their examples are read and have an effect', () => {
  for (const row of projectFields) {
    const text = `${row.example}\n${others.replace('[services.web]\ncommand = "x"\n', '')}`
    const { project, diagnostics } = read(text)
    assert.deepEqual(diagnostics, [], row.key)
    assert.notDeepEqual(
      project,
      read(others.replace('[services.web]\ncommand = "x"\n', '')).project,
    )
  }
})

test('every part of the model has its setting in the table, and every limit its row', () => {
  const keys = new Set(serviceFields.map(({ key }) => key))
  for (const [field, setting] of Object.entries(settingOfField)) {
    assert.ok(field === 'name' || keys.has(setting), field)
  }
  for (const name of limitNames) assert.ok(keys.has(`limits.${name}`), name)
  assert.equal(keys.size, serviceFields.length, 'no key twice')
})

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly anyOf?: readonly SchemaNode[]
  readonly additionalProperties?: unknown
}

function schemaKeys(node: SchemaNode, prefix = ''): string[] {
  const inner = (node.anyOf ?? []).flatMap((one) => schemaKeys(one, prefix))
  const own = Object.entries(node.properties ?? {}).flatMap(([key, value]) => [
    `${prefix}${key}`,
    ...schemaKeys(value, `${prefix}${key}.`),
  ])
  return [...own, ...inner]
}

test('the JSON Schema has exactly the keys of the table', () => {
  const schema = JSON.parse(printJsonSchema())
  // Inside of one limit: not settings of their own.
  const keys = schemaKeys(schema.definitions.service).filter((key) => !/\.(soft|hard)$/.test(key))
  assert.deepEqual(keys.sort(), serviceFields.map(({ key }: FieldRow) => key).sort())
  assert.equal(schema.definitions.service.additionalProperties, false)
  assert.deepEqual(
    Object.keys(schema.properties),
    projectFields.map(({ key }) => key),
  )
})

test('values of wrong types are refused for every setting, never thrown', () => {
  const values = ['{}', '[[1]]', '1979-05-27', 'nan', '-1.5', '""', '"\\u0000"', '[{}]', 'inf']
  for (const { key, type } of serviceFields) {
    for (const value of values) {
      const { project, diagnostics } = read(
        withService(`${companions[key] ?? ''}\n${key} = ${value}`),
      )
      assert.equal(
        project === null,
        diagnostics.some(({ severity }) => severity === 'error'),
      )
      const isFine =
        (value === '{}' && ['table', 'environment', 'restart-policy'].includes(type)) ||
        (value === 'inf' && ['duration-or-infinity', 'grace'].includes(type))
      if (!isFine) assert.equal(project, null, `${key} = ${value} passed`)
    }
  }
})

const keys = fc.constantFrom(...serviceFields.map(({ key }) => key), 'nonsense', '"a.b"', 'ready.x')
const value = fc.oneof(
  fc.constantFrom(...serviceFields.map(({ example }) => example.replace(/^[^=]*= /, ''))),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.integer().map(String),
  fc.constantFrom(
    'true',
    '[]',
    '{}',
    '1e300',
    '9007199254740993',
    '"99999999d"',
    '[""]',
    '0x10',
    'inf',
    '07:32:00',
    '{ x = 1 }',
  ),
)
const lines = fc.uniqueArray(fc.tuple(keys, value), { selector: ([key]) => key, maxLength: 6 })

test('any mix of settings and values is answered with places and hints', () => {
  let usable = 0
  let parsed = 0
  fc.assert(
    fc.property(lines, (pairs) => {
      const text = withService(pairs.map(([key, one]) => `${key} = ${one}`).join('\n'))
      const { project, diagnostics } = read(text)
      if (project !== null) {
        usable += 1
        // What a reader accepts, the control API accepts, and gets the same.
        const sent = JSON.parse(encodeDefinition(project))
        assert.deepEqual(parseProjectDefinition(sent).project, project)
      }
      if (diagnostics[0]?.code !== 'syntax') parsed += 1
      assert.equal(
        project === null,
        diagnostics.some(({ severity }) => severity === 'error'),
      )
      for (const { position, hint, message } of diagnostics) {
        assert.ok(position && hint, message)
        assert.doesNotMatch(message, /\p{Cc}/u)
        assert.ok(text.split('\n').length >= position.line)
      }
    }),
    { numRuns: 3_000 },
  )
  assert.ok(usable > 100 && parsed > 1_000, `${usable} usable, ${parsed} parsed: too blunt a fuzz`)
})

test('any text is answered', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(read(text).project, null)
      assert.ok(read(`[services.it]\n${text}`).diagnostics.length > 0)
    }),
    { numRuns: 2_000 },
  )
})

test('5,000 services are read in seconds', () => {
  const text = Array.from(
    { length: 5_000 },
    (_, index) =>
      `[services.s${index}]\ncommand = ["x", "${index}"]\n` +
      (index === 0 ? '' : `requires = ["s${index - 1}"]\n`),
  ).join('')
  const started = performance.now()
  assert.equal(Object.keys(read(text).project?.services ?? {}).length, 5_000)
  // All wrong: positions and suggestions for each.
  assert.equal(read(text.replaceAll('requires', 'requiers')).diagnostics.length, 201)
  assert.ok(performance.now() - started < 8_000)
})

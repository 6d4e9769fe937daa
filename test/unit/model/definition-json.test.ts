// Definitions from JSON of unknown origin: what is valid comes back equal, every damage is refused
// with its place, nothing throws.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_DIAGNOSTICS } from '../../../src/base/limits.ts'
import { withDefaults } from '../../../src/model/defaults.ts'
import { encodeDefinition, parseProjectDefinition } from '../../../src/model/definition-json.ts'
import type { ServiceDefinition } from '../../../src/model/service-definition.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const golden = join(import.meta.dirname, '../../formats/native/everything/model.json')
const everything: Json = JSON.parse(readFileSync(golden, 'utf8'))

const service = (parts: Partial<ServiceDefinition> = {}): ServiceDefinition =>
  withDefaults({ name: 'web', command: { kind: 'shell', line: 'x' }, directory: '/', ...parts })

const project = (web: ServiceDefinition) => ({
  name: 'shop',
  file: '/f',
  directory: '/',
  services: { [web.name]: web },
})

test('a definition survives JSON, Infinity included', () => {
  const whole = project(
    service({
      limits: { core: { soft: 0, hard: Number.POSITIVE_INFINITY } },
      stop: {
        signal: 15,
        timeoutMs: Number.POSITIVE_INFINITY,
        kill: 'group',
        command: null,
        commandGraceMs: 5,
      },
    }),
  )
  assert.deepEqual(parseProjectDefinition(JSON.parse(encodeDefinition(whole))), {
    project: whole,
    diagnostics: [],
  })
  assert.deepEqual(parseProjectDefinition(whole).project, whole)
})

/** Each place of a value, with a function that gives a copy with another value there. */
function places(
  value: Json,
  rebuild: (changed: Json | undefined) => Json,
): [string, (changed: Json | undefined) => Json][] {
  const here: [string, (changed: Json | undefined) => Json][] = [['', rebuild]]
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const inner = (changed: Json | undefined) =>
        rebuild(
          value.flatMap((old, at) =>
            at === index ? (changed === undefined ? [] : [changed]) : [old],
          ),
        )
      here.push(
        ...places(item, inner).map(([path, f]) => [`[${index}]${path}`, f] as [string, typeof f]),
      )
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const inner = (changed: Json | undefined) => {
        const { [key]: _, ...rest } = value
        return rebuild(changed === undefined ? rest : { ...value, [key]: changed })
      }
      here.push(
        ...places(item, inner).map(([path, f]) => [`.${key}${path}`, f] as [string, typeof f]),
      )
    }
  }
  return here
}

const all = places(everything, (changed) => changed ?? null)

test('a value of a wrong type is refused wherever it stands', () => {
  assert.ok(all.length > 300)
  for (const [path, change] of all) {
    // No field of a definition takes a list of lists, or a number with a fraction.
    for (const wrong of [[[[]]], 0.5]) {
      const { project: found, diagnostics } = parseProjectDefinition(change(wrong))
      assert.equal(found, null, `${JSON.stringify(wrong)} at ${path} passed`)
      assert.ok(diagnostics.length > 0)
    }
  }
})

test('a missing key is refused wherever it belongs', () => {
  const free = /\.(environment|limits|services)\.[^.]+$|\]$/
  for (const [path, change] of all) {
    if (path === '' || free.test(path)) continue
    const { project: found, diagnostics } = parseProjectDefinition(change(undefined))
    assert.equal(found, null, `${path} may be missing`)
    assert.ok(
      diagnostics.some(({ message }) => /^is missing$|^must be one of/.test(message)),
      path,
    )
  }
})

test('an unknown key is refused, not ignored', () => {
  const { project: found, diagnostics } = parseProjectDefinition(
    project({ ...service(), memory: 1 } as ServiceDefinition),
  )
  assert.equal(found, null)
  assert.deepEqual(
    diagnostics.map(({ setting, message }) => [setting, message]),
    [['services.web.memory', 'is unknown to this version']],
  )
})

const damages: readonly (readonly [Partial<ServiceDefinition>, RegExp])[] = [
  [{ name: 'we b' }, /'we b' is not a valid name/],
  [{ command: { kind: 'argv', argv: [] } }, /from 1 to/],
  [{ command: { kind: 'argv', argv: [''] } }, /must not be empty/],
  [{ command: { kind: 'argv', argv: ['a\0'] } }, /NUL/],
  [{ command: { kind: 'shell', line: '  ' } }, /is not a command/],
  [{ directory: 'app' }, /'app' is not an absolute path/],
  [{ environment: { 'A B': '' } }, /'A B' is not a variable name/],
  [{ environment: { EUDAEMON_PROJECT: '' } }, /is not a variable name/],
  [
    { environment: Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`A${at}`, ''])) },
    /at most 4096 entries/,
  ],
  [{ environment: { A: 'x'.repeat(130_000), B: 'x'.repeat(131_072) } }, /at most 131071/],
  [
    {
      environment: Object.fromEntries(
        Array.from({ length: 9 }, (_, at) => [`A${at}`, 'x'.repeat(130_000)]),
      ),
    },
    /from 0 to 1048576/,
  ],
  [{ instances: 1_001 }, /from 1 to 1000/],
  [{ limits: { nofile: { soft: 2, hard: 1 } } }, /must not be above hard/],
  [{ restart: { ...service().restart, backoffMinMs: 5, backoffMaxMs: 4 } }, /backoffMaxMs/],
  [{ readiness: { kind: 'log', pattern: '(', stream: 'any', timeoutMs: 1 } }, /regular expression/],
  [{ readiness: { kind: 'notify-fd', fd: 2, timeoutMs: 1 } }, /from 3 to 255/],
  [{ requires: ['db'] }, /'web' requires 'db', which is not defined/],
  [{ requires: ['web'] }, /cannot depend on itself/],
  [{ kind: 'oneshot', restart: service().restart }, /would never be done/],
]

for (const [parts, message] of damages) {
  test(`refused: ${message.source}`, () => {
    const web = service(parts)
    const { project: found, diagnostics } = parseProjectDefinition(project(web))
    assert.equal(found, null)
    assert.ok(
      diagnostics.some((one) => message.test(one.message)),
      JSON.stringify(diagnostics),
    )
  })
}

test('the name inside must be the key', () => {
  const { diagnostics } = parseProjectDefinition({
    ...project(service()),
    services: { a: service() },
  })
  assert.match(diagnostics[0]?.message ?? '', /is 'web', but the key is 'a'/)
})

test('any JSON is answered, bounded, and never thrown at', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (value) => {
      assert.equal(parseProjectDefinition(value).project, null)
    }),
    { numRuns: 2_000 },
  )
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.jsonValue(), ([, change], value) => {
      const { project: found, diagnostics } = parseProjectDefinition(change(value as Json))
      assert.equal(
        found === null,
        diagnostics.some(({ severity }) => severity === 'error'),
      )
    }),
    { numRuns: 2_000 },
  )
  const many = { ...project(service()), services: Array.from({ length: 9 }, () => 1) }
  const wide = { ...project(service({ requires: Array.from({ length: 9_000 }, () => ' ') })) }
  for (const value of [many, wide]) {
    assert.ok(parseProjectDefinition(value).diagnostics.length <= MAX_DIAGNOSTICS)
  }
  const own = JSON.parse('{"__proto__":{},"name":"a","file":"/","directory":"/","services":{}}')
  assert.equal(parseProjectDefinition(own).project, null)
})

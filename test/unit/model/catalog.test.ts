// Catalog, digest and diff: what is the same, what changed, and what the change costs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildCatalog } from '../../../src/model/catalog.ts'
import { diffProjects } from '../../../src/model/catalog-diff.ts'
import { defaultRestart, withDefaults } from '../../../src/model/defaults.ts'
import { digestDefinition, hashText, printCanonical } from '../../../src/model/definition-digest.ts'
import type { ProjectDefinition, ServiceDefinition } from '../../../src/model/service-definition.ts'

const service = (name: string, parts: Partial<ServiceDefinition> = {}): ServiceDefinition =>
  withDefaults({ name, command: { kind: 'argv', argv: ['x'] }, directory: '/', ...parts })

const project = (name: string, ...services: ServiceDefinition[]): ProjectDefinition => ({
  name,
  file: `/${name}/eudaemon.toml`,
  directory: `/${name}`,
  services: Object.fromEntries(services.map((one) => [one.name, one])),
})

test('the hash is FNV-1a of 64 bits', () => {
  // Vectors of the reference code, http://www.isthe.com/chongo/tech/comp/fnv/.
  assert.equal(hashText(''), 'cbf29ce484222325')
  assert.equal(hashText('a'), 'af63dc4c8601ec8c')
  assert.equal(hashText('foobar'), '85944171f73967e8')
})

test('the hash agrees with one in big integers, over UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      let hash = 0xcbf29ce484222325n
      for (const byte of new TextEncoder().encode(text)) {
        hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
      }
      assert.equal(hashText(text), hash.toString(16).padStart(16, '0'))
    }),
    { numRuns: 1_000 },
  )
})

test('the digest ignores the order of keys and sees every value', () => {
  const web = service('web', { environment: { A: '1', B: '2' } })
  const turned = Object.fromEntries(Object.entries(web).reverse()) as unknown as ServiceDefinition
  assert.equal(
    digestDefinition({ ...turned, environment: { B: '2', A: '1' } }),
    digestDefinition(web),
  )
  assert.notEqual(
    digestDefinition({ ...web, environment: { A: '1', B: '3' } }),
    digestDefinition(web),
  )
  const never = { ...web, stop: { ...web.stop, timeoutMs: Number.POSITIVE_INFINITY } }
  assert.notEqual(digestDefinition(never), digestDefinition(web))
  assert.equal(printCanonical({ b: [1, null], a: undefined }), '{"b":[1,null]}')
})

const changes: readonly (readonly [
  Partial<ServiceDefinition>,
  'restart-needed' | 'live',
  string,
])[] = [
  [{ command: { kind: 'argv', argv: ['y'] } }, 'restart-needed', 'command'],
  [{ environment: { A: '1' } }, 'restart-needed', 'env'],
  [{ environmentFiles: [{ path: '/e', isOptional: false }] }, 'restart-needed', 'env-file'],
  [{ user: 'nobody' }, 'restart-needed', 'user'],
  [{ directory: '/srv' }, 'restart-needed', 'directory'],
  [{ limits: { nofile: { soft: 1, hard: 1 } } }, 'restart-needed', 'limits'],
  [{ readiness: { kind: 'notify-fd', fd: 3, timeoutMs: 1 } }, 'restart-needed', 'ready'],
  [{ readiness: { kind: 'delay', delayMs: 1 } }, 'live', 'ready'],
  [{ restart: { ...defaultRestart('longrun'), policy: 'never' } }, 'live', 'restart'],
  [{ stop: { signal: 2, timeoutMs: 1, kill: 'group', command: null } }, 'live', 'stop'],
  [{ instances: 2 }, 'live', 'instances'],
  [{ requires: ['db'] }, 'live', 'requires'],
  [{ description: 'new' }, 'live', 'description'],
]

for (const [parts, kind, setting] of changes) {
  test(`a change of ${Object.keys(parts)[0]} is ${kind}`, () => {
    const [change] = diffProjects(project('p', service('web')), project('p', service('web', parts)))
    assert.deepEqual(change, {
      service: 'web',
      kind,
      settings: [setting],
      restartSettings: kind === 'restart-needed' ? [setting] : [],
    })
  })
}

test('added, removed, unchanged, and both kinds of change at once', () => {
  const before = project('p', service('a'), service('b'), service('c'))
  const after = project('p', service('c', { instances: 2, user: 'x' }), service('b'), service('d'))
  assert.deepEqual(diffProjects(before, after), [
    {
      service: 'c',
      kind: 'restart-needed',
      settings: ['user', 'instances'],
      restartSettings: ['user'],
    },
    { service: 'b', kind: 'unchanged', settings: [], restartSettings: [] },
    { service: 'd', kind: 'added', settings: [], restartSettings: [] },
    { service: 'a', kind: 'removed', settings: [], restartSettings: [] },
  ])
  assert.deepEqual(diffProjects(null, null), [])
  assert.deepEqual(
    diffProjects(null, before).map(({ kind }) => kind),
    ['added', 'added', 'added'],
  )
  assert.deepEqual(
    diffProjects(before, null).map(({ kind }) => kind),
    ['removed', 'removed', 'removed'],
  )
})

test('a catalog holds projects, graphs and digests', () => {
  const web = service('constructor', { requires: ['db'] })
  const { catalog, diagnostics } = buildCatalog([project('p', web, service('db')), project('q')])
  assert.deepEqual(diagnostics, [])
  const found = catalog?.projects.get('p')
  assert.equal(found?.services.get('constructor'), web)
  assert.equal(found?.services.get('toString'), undefined)
  assert.equal(found?.digests.get('constructor'), digestDefinition(web))
  assert.equal(found?.graph.waitsFor.get('constructor')?.[0]?.to, 'db')
})

test('a catalog refuses what contradicts', () => {
  const twice = buildCatalog([project('p'), { ...project('p'), file: '/other' }])
  assert.equal(twice.catalog, null)
  assert.match(
    twice.diagnostics[0]?.message ?? '',
    /of \/other exists already, from \/p\/eudaemon.toml/,
  )
  const ring = buildCatalog([
    project('p', service('a', { wants: ['b'] }), service('b', { after: ['a'] })),
  ])
  assert.equal(ring.catalog, null)
  assert.match(ring.diagnostics[0]?.message ?? '', /a wants b, b starts after a/)
})

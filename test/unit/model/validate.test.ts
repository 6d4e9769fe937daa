// Checks of whole projects that a file of reasonable size cannot show: bounds, and their speed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withDefaults } from '../../../src/model/defaults.ts'
import { printSettingPath, toDiagnostic } from '../../../src/model/problem.ts'
import type { ServiceDefinition } from '../../../src/model/service-definition.ts'
import { isValidName, toProjectName } from '../../../src/model/service-name.ts'
import { validateProject } from '../../../src/model/validate.ts'

const many = (count: number, parts: (index: number) => Partial<ServiceDefinition>) => ({
  name: 'p',
  file: '/p',
  directory: '/',
  services: Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const name = `service-${index}`
      const base = { name, command: { kind: 'shell', line: 'x' }, directory: '/' } as const
      return [name, withDefaults({ ...base, ...parts(index) })]
    }),
  ),
})

test('10,000 services pass, one more does not', () => {
  const whole = many(10_000, (index) => ({ requires: index === 0 ? [] : ['service-0'] }))
  assert.deepEqual(validateProject(whole), [])
  const [problem] = validateProject(many(10_001, () => ({})))
  assert.equal(problem?.message, '10001 services, more than 10000')
})

test('instances are bounded in sum', () => {
  assert.deepEqual(validateProject(many(20, () => ({ instances: 1_000 }))), [])
  const [problem] = validateProject(many(21, () => ({ instances: 1_000 })))
  assert.equal(problem?.message, '21000 instances in all, more than 20000')
})

test('thousands of unknown names are told quickly', () => {
  const started = performance.now()
  const problems = validateProject(many(5_000, (index) => ({ wants: [`servise-${index}`] })))
  assert.equal(problems.length, 5_000)
  assert.match(problems[0]?.hint ?? '', /Did you mean 'service-0'/)
  assert.ok(performance.now() - started < 5_000)
})

test('a long cycle is named in part', () => {
  const ring = many(50, (index) => ({ requires: [`service-${(index + 1) % 50}`] }))
  const [problem, ...more] = validateProject(ring)
  assert.equal(more.length, 0)
  assert.match(problem?.message ?? '', /service-0 requires service-1, .*… \(50 in all\)$/)
})

test('paths print as in TOML', () => {
  assert.equal(printSettingPath(['services', 'a.b', 'requires', 0]), 'services."a.b".requires[0]')
  const problem = { severity: 'error', code: 'syntax', path: [], message: 'm' } as const
  assert.deepEqual(toDiagnostic(problem), { severity: 'error', code: 'syntax', message: 'm' })
})

test('any folder gives a valid project name', () => {
  assert.equal(toProjectName('My Shop!'), 'My-Shop')
  assert.equal(toProjectName('.hidden'), 'hidden')
  for (const folder of ['', '---', 'ä', 'a'.repeat(300), `${'a'.repeat(63)}- b`, '日本']) {
    assert.ok(isValidName(toProjectName(folder)), folder)
  }
})

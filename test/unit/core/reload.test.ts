// A new definition as a difference: what is added, changed, taken live, removed, scaled, and what
// becomes of it when it is applied twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toInstanceId } from '../../../src/base/brands.ts'
import type { Effect } from '../../../src/core/effect.ts'
import type { ServiceDefinition } from '../../../src/model/service-definition.ts'
import { makeProject, makeService } from '../../fixtures/definitions.ts'
import { Bench } from './bench.ts'

function running(...services: readonly ServiceDefinition[]): Bench {
  const bench = new Bench()
  bench.apply(makeProject('shop', services))
  rest(bench)
  return bench
}

function rest(bench: Bench): readonly string[] {
  const lines: string[] = []
  while (bench.answerNext((effect) => lines.push(printed(effect)))) {
    // Until nothing is asked for any more.
  }
  return lines.filter((line) => line !== '')
}

function printed(effect: Effect): string {
  if (effect.type === 'signal') return `signal ${effect.id}`
  if (effect.type === 'spawn') return `spawn ${effect.id}`
  if (effect.type === 'update-log') return `update-log ${effect.id}`
  return effect.type === 'forget' ? `forget ${effect.id}` : ''
}

const web = makeService('web')
const db = makeService('db')

test('the same definition again does nothing but store it', () => {
  const bench = running(web, db)
  const effects = bench.apply(makeProject('shop', [web, db]))
  assert.deepEqual(
    effects.map(({ type }) => type),
    ['store-project'],
  )
})

test('added: started; removed: stopped and forgotten; the rest is left alone', () => {
  const bench = running(web, db)
  bench.apply(makeProject('shop', [db, makeService('api')]))
  assert.deepEqual(rest(bench), ['signal shop/web@1', 'spawn shop/api@1', 'forget shop/web@1'])
  assert.deepEqual(bench.state.projects.get('shop')?.record.retired, {})
})

test('changed: restarted once, and its counters begin again', () => {
  const bench = running(web)
  bench.apply(makeProject('shop', [{ ...web, environment: { A: '1' } }]))
  assert.deepEqual(rest(bench), ['signal shop/web@1', 'spawn shop/web@1'])
  const instance = bench.state.instances.get(toInstanceId('shop/web@1'))
  assert.equal(instance?.revision, 1)
  assert.equal(instance?.restarts, 0)
})

test('two changes while it stops: one restart, with the last definition', () => {
  const bench = running(web)
  bench.apply(makeProject('shop', [{ ...web, environment: { A: '1' } }]))
  bench.apply(makeProject('shop', [{ ...web, environment: { A: '2' } }]))
  assert.deepEqual(rest(bench), ['signal shop/web@1', 'spawn shop/web@1'])
})

test('log settings are taken live', () => {
  const bench = running(web)
  bench.apply(makeProject('shop', [{ ...web, log: { ...web.log, keep: 3 } }]))
  assert.deepEqual(rest(bench), ['update-log shop/web@1'])
})

test('stopped by hand and changed: it stays down, and starts with the new definition', () => {
  const bench = running({ ...web, isStartedAtBoot: false }, db)
  bench.want('up', ['web'])
  rest(bench)
  bench.want('down', ['web'])
  rest(bench)
  const changed = { ...web, isStartedAtBoot: false, environment: { A: '1' } }
  bench.apply(makeProject('shop', [changed, db]))
  assert.deepEqual(rest(bench), [])
})

test('what a changed service newly requires is started, though nobody named it', () => {
  const manual = makeService('cache', { isStartedAtBoot: false })
  const bench = running({ ...web, isStartedAtBoot: false }, manual)
  bench.want('up', ['web'])
  rest(bench)
  const changed = { ...web, isStartedAtBoot: false, requires: ['cache'], environment: { A: '1' } }
  bench.apply(makeProject('shop', [changed, manual]))
  assert.deepEqual(rest(bench), ['signal shop/web@1', 'spawn shop/cache@1', 'spawn shop/web@1'])
})

test('only the services that were named are started', () => {
  const bench = new Bench()
  bench.apply(makeProject('shop', [web, db]), ['db'])
  assert.deepEqual(rest(bench), ['spawn shop/db@1'])
})

test('scaling: a count of the file that changes wins over one that was set by hand', () => {
  const bench = running(web)
  bench.take({ type: 'want-scale', project: 'shop', service: 'web', count: 3 })
  rest(bench)
  assert.equal(bench.state.instances.size, 3)
  bench.apply(makeProject('shop', [{ ...web, description: 'other' }]))
  rest(bench)
  assert.equal(bench.state.instances.size, 3)
  bench.apply(makeProject('shop', [{ ...web, instances: 2 }]))
  rest(bench)
  assert.equal(bench.state.instances.size, 2)
})

test('scaling a stopped service starts nothing; from none it starts what is asked for', () => {
  const bench = running(web)
  bench.want('down', ['web'])
  rest(bench)
  bench.take({ type: 'want-scale', project: 'shop', service: 'web', count: 2 })
  assert.deepEqual(rest(bench), [])
  bench.take({ type: 'want-scale', project: 'shop', service: 'web', count: 0 })
  rest(bench)
  bench.take({ type: 'want-scale', project: 'shop', service: 'web', count: 1 })
  assert.deepEqual(rest(bench), ['spawn shop/web@1'])
})

test('removing a project stops it in order and forgets everything', () => {
  const bench = running(db, { ...web, requires: ['db'] })
  bench.remove('shop')
  assert.deepEqual(rest(bench), [
    'signal shop/web@1',
    'forget shop/web@1',
    'signal shop/db@1',
    'forget shop/db@1',
  ])
  assert.equal(bench.state.projects.size, 0)
})

test('nothing can be wanted of what is being removed', () => {
  const bench = running(web)
  bench.remove('shop')
  bench.want('up', ['web'])
  bench.take({ type: 'want-scale', project: 'shop', service: 'web', count: 2 })
  assert.deepEqual(rest(bench), ['signal shop/web@1', 'forget shop/web@1'])
})

test('a service that comes back before its former instance has ended is restarted', () => {
  const bench = running(db, web)
  bench.apply(makeProject('shop', [db]))
  bench.apply(makeProject('shop', [db, { ...web, environment: { A: '1' } }]))
  assert.deepEqual(rest(bench), ['signal shop/web@1', 'spawn shop/web@1'])
})

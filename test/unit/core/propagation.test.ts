// Propagation on random acyclic graphs, against a reference that knows no graph algorithm: from
// everything wanted up, and from a set of services wanted down, it says who may run.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Effect } from '../../../src/core/effect.ts'
import type { SupervisorState } from '../../../src/core/supervisor-state.ts'
import type { ServiceDefinition } from '../../../src/model/service-definition.ts'
import { makeProject, makeService } from '../../fixtures/definitions.ts'
import { Bench } from './bench.ts'

interface Graph {
  readonly services: readonly ServiceDefinition[]
}

/** Service `s3` may only need services with smaller numbers. */
const graphArb: fc.Arbitrary<Graph> = fc
  .integer({ min: 1, max: 9 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, index) =>
        fc.record({
          requires: fc.subarray(namesBelow(index), { maxLength: Math.min(index, 3) }),
          wants: fc.subarray(namesBelow(index), { maxLength: Math.min(index, 1) }),
          after: fc.subarray(namesBelow(index), { maxLength: Math.min(index, 1) }),
          readiness: fc.constantFrom(
            { kind: 'immediate' } as const,
            { kind: 'notify-fd', fd: 3, timeoutMs: 30_000 } as const,
          ),
        }),
      ),
    ),
  )
  .map((list) => ({ services: list.map((one, index) => makeService(`s${index}`, one)) }))

function namesBelow(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `s${index}`)
}

/** Nobody in it, and nobody that it needs however far away, is wanted down. */
function mayRun(graph: Graph, name: string, down: ReadonlySet<string>): boolean {
  if (down.has(name)) return false
  const service = graph.services.find((one) => one.name === name)
  return service?.requires.every((other) => mayRun(graph, other, down)) ?? false
}

function phaseOf(state: SupervisorState, name: string): string {
  const found = [...state.instances.values()].find(({ id }) => id === `shop/${name}@1`)
  return found?.phase.name ?? 'unknown'
}

/** Everything that was asked for happens: who is told to end ends, who starts becomes ready. */
function rest(bench: Bench, onEffect: (effect: Effect) => void = () => {}): void {
  while (bench.answerNext(onEffect)) {
    // One answer at a time, in the order of the effects.
  }
}

test('everything comes up, each after what it requires', () => {
  fc.assert(
    fc.property(graphArb, (graph) => {
      const bench = new Bench()
      const started: string[] = []
      bench.apply(makeProject('shop', graph.services))
      rest(bench, (effect) => {
        if (effect.type !== 'spawn') return
        const name = effect.definition.name
        for (const other of effect.definition.requires) {
          assert.equal(phaseOf(bench.state, other), 'up', `${name} starts before ${other} is up`)
        }
        started.push(name)
      })
      assert.equal(started.length, graph.services.length)
      for (const { name } of graph.services) assert.equal(phaseOf(bench.state, name), 'up')
    }),
    { numRuns: 300 },
  )
})

test('who is wanted down takes those along that need it, and they come back', () => {
  fc.assert(
    fc.property(graphArb, fc.array(fc.nat(8), { maxLength: 4 }), (graph, picks) => {
      const bench = new Bench()
      bench.apply(makeProject('shop', graph.services))
      rest(bench)
      const down = new Set(picks.flatMap((pick) => graph.services[pick]?.name ?? []))
      bench.want('down', [...down])
      rest(bench, (effect) => {
        assert.notEqual(effect.type, 'spawn', 'nothing is started by a stop')
        if (effect.type !== 'signal') return
        const [, name = ''] = /\/(.*)@/.exec(effect.id) ?? []
        for (const other of graph.services) {
          if (!other.requires.includes(name)) continue
          const phase = phaseOf(bench.state, other.name)
          assert.ok(
            ['down', 'waiting'].includes(phase),
            `${other.name} is '${phase}' before ${name}`,
          )
        }
      })
      for (const { name } of graph.services) {
        const expected = down.has(name) ? 'down' : mayRun(graph, name, down) ? 'up' : 'waiting'
        assert.equal(phaseOf(bench.state, name), expected, name)
      }
      bench.want('up', [...down])
      rest(bench)
      for (const { name } of graph.services) assert.equal(phaseOf(bench.state, name), 'up', name)
    }),
    { numRuns: 300 },
  )
})

test('a ladder of forty steps is settled at once', () => {
  const services: ServiceDefinition[] = []
  for (let step = 0; step < 40; step += 1) {
    const requires = services.slice(-2).map(({ name }) => name)
    services.push(makeService(`l${step}`, { requires, after: requires }))
    services.push(makeService(`r${step}`, { requires, after: requires }))
  }
  const bench = new Bench()
  bench.apply(makeProject('shop', services))
  rest(bench)
  for (const { name } of services) assert.equal(phaseOf(bench.state, name), 'up')
})

test('a hundred services that all need each other stop in one order', () => {
  const services: ServiceDefinition[] = []
  for (let index = 0; index < 100; index += 1) {
    services.push(makeService(`s${index}`, { requires: services.map(({ name }) => name) }))
  }
  const bench = new Bench()
  bench.apply(makeProject('shop', services))
  rest(bench)
  bench.remove('shop')
  rest(bench)
  assert.equal(bench.state.instances.size, 0)
})

// The dependency graph, judged by a naive twin that recomputes everything from reachability.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildDependencyGraph,
  closureOf,
  dependencyKinds,
  dependentsOf,
  findCycles,
  startOrder,
} from '../../../src/model/dependency-graph.ts'

type Lists = Record<(typeof dependencyKinds)[number], string[]>
type Services = Record<string, Lists>

const none = (): Lists => ({ requires: [], wants: [], after: [], before: [] })

/** Pairs [waits, waited for]. */
function naiveEdges(services: Services, kinds: readonly string[]): (readonly [string, string])[] {
  return Object.entries(services).flatMap(([name, lists]) =>
    dependencyKinds
      .filter((kind) => kinds.includes(kind))
      .flatMap((kind) => lists[kind].map((other) => [kind, other] as const))
      .filter(([, other]) => other !== name && Object.hasOwn(services, other))
      .map(([kind, other]): readonly [string, string] =>
        kind === 'before' ? [other, name] : [name, other],
      ),
  )
}

/** All that can be reached, by repeating until nothing is added. */
function naiveReach(edges: readonly (readonly [string, string])[], from: string): Set<string> {
  const found = new Set<string>()
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const [left, right] of edges) if (left === from || found.has(left)) found.add(right)
  }
  return found
}

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'constructor']
const list = fc.uniqueArray(fc.constantFrom(...names, 'unknown'), { maxLength: 3 })
const lists = fc.record({ requires: list, wants: list, after: list, before: list })
const sparse = fc.oneof(
  fc.constant(none()),
  lists,
  list.map((after) => ({ ...none(), after })),
)
const services: fc.Arbitrary<Services> = fc
  .array(sparse, { minLength: 1, maxLength: names.length })
  .map((all) => Object.fromEntries(all.map((one, index) => [names[index] ?? '', one])))

test('closure and dependents agree with the twin', () => {
  fc.assert(
    fc.property(services, fc.constantFrom(...names), (all, name) => {
      const graph = buildDependencyGraph(all)
      const isKnown = Object.hasOwn(all, name)
      const pull = naiveEdges(all, ['requires', 'wants'])
      const closure = isKnown ? [...naiveReach(pull, name).add(name)] : []
      assert.deepEqual([...closureOf(graph, [name])].sort(), closure.sort())
      const back = naiveEdges(all, ['requires']).map(([left, right]) => [right, left] as const)
      const dependents = isKnown ? [...naiveReach(back, name).add(name)] : []
      assert.deepEqual([...dependentsOf(graph, [name])].sort(), dependents.sort())
    }),
    { numRuns: 2_000 },
  )
})

test('order and cycles agree with the twin', () => {
  fc.assert(
    fc.property(services, (all) => {
      const graph = buildDependencyGraph(all)
      const edges = naiveEdges(all, dependencyKinds)
      const isOnCycle = (name: string) => naiveReach(edges, name).has(name)
      const order = startOrder(graph)
      const expected = Object.keys(all).filter(
        (name) => !isOnCycle(name) && ![...naiveReach(edges, name)].some(isOnCycle),
      )
      assert.deepEqual([...order].sort(), expected.sort())
      for (const [waits, waitedFor] of edges) {
        if (order.includes(waits)) assert.ok(order.indexOf(waitedFor) < order.indexOf(waits))
      }
      const cycles = findCycles(graph)
      assert.equal(cycles.length > 0, Object.keys(all).some(isOnCycle))
      const knotted = new Set<string>()
      for (const cycle of cycles) {
        for (const [index, { from, to, kind }] of cycle.entries()) {
          assert.equal(to, cycle[(index + 1) % cycle.length]?.from, 'the chain is closed')
          assert.ok(naiveEdges(all, [kind]).some(([one, two]) => one === from && two === to))
          assert.ok(!knotted.has(from), 'knots do not overlap, nobody is on a cycle twice')
          knotted.add(from)
        }
      }
      // One cycle a knot: who is on some cycle reaches one of those that were reported.
      for (const name of Object.keys(all).filter(isOnCycle)) {
        const reach = naiveReach(edges, name)
        assert.ok([...knotted].some((one) => reach.has(one) && naiveReach(edges, one).has(name)))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('10,000 services in a chain, a star and a ring need no recursion and little time', () => {
  const count = 10_000
  const chain: Services = {}
  for (let index = 0; index < count; index += 1) {
    chain[`s${index}`] = {
      ...none(),
      requires: index === 0 ? [] : [`s${index - 1}`],
      after: ['s0'],
    }
  }
  const started = performance.now()
  const graph = buildDependencyGraph(chain)
  assert.equal(startOrder(graph).length, count)
  assert.equal(startOrder(graph)[count - 1], `s${count - 1}`)
  assert.equal(closureOf(graph, [`s${count - 1}`]).length, count)
  assert.equal(dependentsOf(graph, ['s0']).length, count)
  assert.deepEqual(findCycles(graph), [])
  const ring = buildDependencyGraph({ ...chain, s0: { ...none(), wants: [`s${count - 1}`] } })
  assert.equal(findCycles(ring).length, 1)
  assert.deepEqual(startOrder(ring), [])
  // Quadratic work would take minutes.
  assert.ok(performance.now() - started < 5_000)
})

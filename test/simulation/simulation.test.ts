// The simulation as a test: two thousand histories without a violated rule, and every mutant is
// caught. More of them: npm run simulate -- --runs 100000.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playHistory } from './history.ts'
import { mutants } from './mutants.ts'
import { runSeeds } from './run-seeds.ts'

test('2,000 histories violate no rule', () => {
  const { runs, deaths, hits, failures } = runSeeds({ from: 1, count: 2_000 })
  assert.deepEqual(failures, [])
  assert.equal(runs, 2_000)
  // A simulation in which nothing goes wrong shows nothing.
  assert.ok(deaths > 5_000, `${deaths} deaths of the supervisor`)
  for (const fault of ['crash', 'spawnFailure', 'stuck', 'diskFull', 'reboot', 'hold']) {
    assert.ok((hits[fault] ?? 0) > 10, `${fault}: ${hits[fault]}`)
  }
})

test('a seed is a whole history', () => {
  const trace = (): string[] => {
    const lines: string[] = []
    playHistory(42, { trace: (line) => lines.push(line) })
    return lines
  }
  assert.deepEqual(trace(), trace())
})

for (const [name, { core, breaks }] of Object.entries(mutants)) {
  test(`a core that ${name} is caught`, () => {
    const { failures } = runSeeds({ from: 1, count: 500, core })
    const caught = failures.filter(({ message }) => breaks.test(message))
    assert.ok(caught.length > 0, `500 seeds, ${failures.length} failed, none by its rule`)
  })
}

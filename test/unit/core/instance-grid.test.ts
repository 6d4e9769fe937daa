// Every cell of the grid at least once: what is impossible throws, everything else keeps the
// invariants, and what it does is the golden file grid.golden.txt beside this one (after a change
// that is meant: node test/unit/core/instance-grid.test.ts --rewrite, and read the difference).

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { AssertionError } from '../../../src/base/assert.ts'
import type { InstanceEventType } from '../../../src/core/instance-event.ts'
import { answer, impossible, instanceGrid, stay } from '../../../src/core/instance-grid.ts'
import type { PhaseName } from '../../../src/core/instance-state.ts'
import { assertInstance } from '../../../src/core/invariants.ts'
import {
  contextOf,
  eventsOf,
  instanceIn,
  isPossible,
  oneshot,
  phases,
  plain,
  rich,
} from './instances.ts'

const golden = new URL('grid.golden.txt', import.meta.url)
const phaseNames = Object.keys(instanceGrid) as PhaseName[]
const eventTypes = Object.keys(instanceGrid.down).sort() as InstanceEventType[]
const definitions = { plain, rich, oneshot }

/** All outcomes of a cell, over shapes of the phase, events, definitions, desired and hold. */
function outcomesOf(phaseName: PhaseName, type: InstanceEventType): readonly string[] {
  const outcomes = new Set<string>()
  for (const phase of phases[phaseName]) {
    for (const event of eventsOf(type)) {
      if (!isPossible(phase, event)) continue
      for (const definition of Object.values(definitions)) {
        for (const isHeld of [false, true]) {
          for (const desired of ['up', 'down'] as const) {
            const instance = instanceIn(phase)
            const isFixed = ['down', 'waiting', 'backoff', 'failed'].includes(phaseName)
            if (isFixed && desired !== instance.desired) continue
            const before = { ...instance, desired }
            const result = answer(before, event, contextOf(definition, isHeld))
            if (result === null) {
              outcomes.add(phaseName)
              continue
            }
            assertInstance(result.instance)
            assert.equal(result.instance.id, before.id)
            outcomes.add(result.instance.phase.name)
          }
        }
      }
    }
  }
  return [...outcomes].sort()
}

for (const phaseName of phaseNames) {
  for (const type of eventTypes) {
    const cell = instanceGrid[phaseName][type]
    test(`${phaseName}, ${type}: ${typeof cell === 'string' ? cell : 'acts'}`, () => {
      const phase = phases[phaseName][0]
      const event = eventsOf(type)[0]
      assert.ok(phase && event)
      const ask = () => answer(instanceIn(phase), event, contextOf(plain))
      if (cell === impossible) assert.throws(ask, AssertionError)
      else if (cell === stay) assert.equal(ask(), null)
      else assert.ok(outcomesOf(phaseName, type).length > 0)
    })
  }
}

test('the grid is the one of grid.golden.txt', () => {
  const lines = phaseNames.flatMap((phaseName) => [
    phaseName,
    ...eventTypes.map((type) => {
      const cell = instanceGrid[phaseName][type]
      const answered = typeof cell === 'string' ? cell : outcomesOf(phaseName, type).join(' | ')
      return `  ${type.padEnd(14)} ${answered}`
    }),
  ])
  const now = `${lines.join('\n')}\n`
  if (process.argv.includes('--rewrite')) writeFileSync(golden, now)
  else assert.equal(now, readFileSync(golden, 'utf8'))
})

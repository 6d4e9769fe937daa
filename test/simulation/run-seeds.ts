// Plays a range of seeds and adds up what happened in them.

import type { Core } from './core.ts'
import { playHistory } from './history.ts'

export interface Failure {
  readonly seed: number
  readonly message: string
}

export interface Totals {
  runs: number
  steps: number
  deaths: number
  readonly hits: Record<string, number>
  readonly failures: Failure[]
}

export interface Range {
  readonly from: number
  readonly count: number
  readonly stopAtFailure?: boolean
  readonly core?: Core
}

export function newTotals(): Totals {
  return { runs: 0, steps: 0, deaths: 0, hits: {}, failures: [] }
}

export function addTotals(sum: Totals, more: Totals): void {
  sum.runs += more.runs
  sum.steps += more.steps
  sum.deaths += more.deaths
  for (const [fault, count] of Object.entries(more.hits)) {
    sum.hits[fault] = (sum.hits[fault] ?? 0) + count
  }
  sum.failures.push(...more.failures)
}

export function runSeeds({ from, count, stopAtFailure = false, core }: Range): Totals {
  const totals = newTotals()
  for (let seed = from; seed < from + count; seed += 1) {
    totals.runs += 1
    try {
      const { steps, deaths, hits } = playHistory(seed, core === undefined ? {} : { core })
      addTotals(totals, { runs: 0, steps, deaths, hits, failures: [] })
    } catch (error) {
      totals.failures.push({ seed, message: error instanceof Error ? error.message : 'unknown' })
      if (stopAtFailure) break
    }
  }
  return totals
}

// npm run simulate -- --runs 100000 [--from 1] [--jobs 2]     many seeds, a summary
// npm run simulate -- --seed 42                                one seed, with its whole trace
//
// Exit status 0: no rule was violated; 1: one was, and the seed is printed; 100: wrong usage.

import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { playHistory } from './history.ts'
import { addTotals, newTotals, runSeeds, type Totals } from './run-seeds.ts'

const BATCH = 500
const LAST_LINES = 40

function toCount(text: string, option: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text)
  throw new TypeError(`--${option} wants a number, not '${text}'`)
}

/** Prints the history of one seed; `limit` keeps only the last lines. */
function replay(seed: number, limit: number): boolean {
  const lines: string[] = []
  const print = (line: string) => {
    if (limit === Number.POSITIVE_INFINITY) console.log(line)
    else lines.push(line)
  }
  try {
    playHistory(seed, { trace: print })
    print('no rule was violated')
    return true
  } catch (error) {
    for (const line of lines.slice(-limit)) console.log(line)
    console.log(error instanceof Error ? (error.stack ?? error.message) : error)
    return false
  }
}

async function runMany(from: number, runs: number, jobs: number): Promise<Totals> {
  const totals = newTotals()
  let next = from
  let told = 0
  const take = () => {
    const range = { from: next, count: Math.min(BATCH, from + runs - next) }
    next += range.count
    return range
  }
  const add = (more: Totals) => {
    addTotals(totals, more)
    const tenth = Math.floor((totals.runs * 10) / runs)
    if (tenth === told) return
    told = tenth
    console.log(`${totals.runs} runs, ${totals.failures.length} failed`)
  }
  if (jobs <= 1) {
    while (next < from + runs) add(runSeeds(take()))
    return totals
  }
  const work = Array.from({ length: jobs }, () => workOff(take, add, () => next < from + runs))
  await Promise.all(work)
  return totals
}

function workOff(
  take: () => { readonly from: number; readonly count: number },
  add: (more: Totals) => void,
  isMore: () => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url))
    const go = () => {
      if (isMore()) worker.postMessage(take())
      else void worker.terminate().then(() => resolve())
    }
    worker.on('message', (more: Totals) => {
      add(more)
      go()
    })
    worker.on('error', reject)
    go()
  })
}

function printSummary(totals: Totals, seconds: number): void {
  const { runs, steps, deaths, hits, failures } = totals
  const faults = Object.entries(hits)
    .sort(([, one], [, other]) => other - one)
    .map(([fault, count]) => `${fault} ${count}`)
  console.log(`runs                ${runs}`)
  console.log(`decisions           ${steps}`)
  console.log(`supervisor deaths   ${deaths}`)
  console.log(`faults              ${faults.join(', ')}`)
  console.log(`seconds             ${seconds.toFixed(1)}`)
  console.log(`rules violated in   ${failures.length}`)
  for (const { seed, message } of failures.slice(0, 20)) console.log(`  seed ${seed}: ${message}`)
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      seed: { type: 'string' },
    },
  })
  if (values.seed !== undefined) {
    return replay(toCount(values.seed, 'seed'), Number.POSITIVE_INFINITY) ? 0 : 1
  }
  const [from, runs] = [toCount(values.from, 'from'), toCount(values.runs, 'runs')]
  const began = process.hrtime.bigint()
  const totals = await runMany(from, runs, toCount(values.jobs, 'jobs'))
  printSummary(totals, Number(process.hrtime.bigint() - began) / 1e9)
  const first = totals.failures[0]
  if (first === undefined) return 0
  console.log(`\nthe last ${LAST_LINES} lines of seed ${first.seed}:`)
  replay(first.seed, LAST_LINES)
  return 1
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  console.error(error.message)
  process.exitCode = 100
}

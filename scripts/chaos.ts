// Kills the supervisor with SIGKILL again and again, under load, and counts what that did to the
// services: `npm run chaos -- --kills 200 [--seed N]`. Exit status 1 when a figure that must be
// zero is not. The seed repeats the instants and the choices, not the machine's own timing.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { makeHome } from '../test/support/home.ts'
import { describeProcess } from '../test/support/processes.ts'
import { type Driver, seeded, startDriver } from './chaos/driver.ts'
import { judge, steadyPids } from './chaos/judge.ts'
import { type Deaths, killRepeatedly } from './chaos/killer.ts'
import { writeLoad } from './chaos/load.ts'
import { printReport } from './chaos/report.ts'
import type { WatchResult } from './chaos/watch.ts'

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
  },
})

async function main(): Promise<number> {
  const kills = Number(options.kills)
  const seed = Number(options.seed)
  if (!Number.isInteger(kills) || kills < 1) throw new Error('--kills takes a whole number from 1')
  if (!Number.isInteger(seed)) throw new Error('--seed takes a whole number')
  console.log(`chaos: ${kills} kills, seed ${seed}`)
  const { home, close } = makeHome()
  try {
    writeLoad(home)
    const up = await home.run(['up', '-d'])
    if (up.status !== 0) throw new Error(`the load does not start:\n${up.stderr}`)
    const steady = steadyPids(await home.status())
    const began = performance.now()
    const watcher = new Worker(new URL('./chaos/watch.ts', import.meta.url), {
      workerData: { home: home.path },
    })
    const driver: Driver = startDriver(home, seeded(seed + 1))
    const deaths: Deaths = await killRepeatedly(home, kills, seeded(seed), (kind) => {
      driver.deaths.push(kind)
    })
    const seconds = (performance.now() - began) / 1_000
    await driver.stop()
    const watched = await resultOf(watcher)
    const verdict = await judge(home, steady)
    const down = await home.run(['down'])
    const left = home.processes().filter(({ env }) => env.has('EUDAEMON_SERVICE'))
    if (down.status !== 0) throw new Error(`down: ${down.status}\n${down.stderr}`)
    driver.findings.leftOver.push(...left.map((seen) => `after down: ${describeProcess(seen)}`))
    return printReport({ deaths, findings: driver.findings, watched, verdict, seconds })
  } catch (error) {
    console.error(error)
    const log = join(home.path, 'state/supervisor.log')
    if (existsSync(log)) console.error(readFileSync(log, 'utf8').slice(-4_000))
    return 1
  } finally {
    await close()
  }
}

function resultOf(watcher: Worker): Promise<WatchResult> {
  return new Promise((resolve, reject) => {
    watcher.once('message', (result: WatchResult) => resolve(result))
    watcher.once('error', reject)
    watcher.postMessage('over')
  })
}

const code = await main().catch((error: unknown) => {
  console.error(error)
  return 1
})
// After a failure the driver still waits for answers that will not come.
process.exit(code)

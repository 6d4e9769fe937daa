// Starts and stops services all the time, while others kill the supervisor, and checks what became
// of each request. A request that got no answer is sent again: everything asked here can be.

import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { nextRandom } from '../../src/base/prng.ts'
import type { StatusRow } from '../../src/protocol/response.ts'
import { ask } from '../../test/support/control.ts'
import type { Home } from '../../test/support/home.ts'
import { describeProcess, processesOfInstance } from '../../test/support/processes.ts'
import { until } from '../../test/support/until.ts'
import { exits, flappers, forkers, recordOf, setNextStatus } from './load.ts'

/** What the driver found; each text names the service and what was seen. */
export interface Findings {
  exitsChecked: number
  readonly wrongExits: string[]
  readonly unknownExits: string[]
  /** Unknown, but guardian and supervisor had died together during that life. */
  readonly excusedExits: string[]
  stopsChecked: number
  readonly leftOver: string[]
  requests: number
}

export interface Driver {
  readonly findings: Findings
  /** Every death so far, in order: `both`, `guardian` or `supervisor`. */
  readonly deaths: string[]
  /** Ends after what is under way has been checked; rejects when a check could not be done. */
  stop(): Promise<void>
}

type Verb = 'up' | 'down' | 'restart'

/** Starts everything that moves; `random` decides on times and statuses. */
export function startDriver(home: Home, random: () => number): Driver {
  const findings: Findings = {
    exitsChecked: 0,
    wrongExits: [],
    unknownExits: [],
    excusedExits: [],
    stopsChecked: 0,
    leftOver: [],
    requests: 0,
  }
  let isOver = false
  const driver: Driver = {
    findings,
    deaths: [],
    stop: async () => {
      isOver = true
      await Promise.all(loops)
    },
  }
  const below = (limit: number): number => Math.floor(random() * limit)
  const forever = async (step: () => Promise<void>): Promise<void> => {
    while (!isOver) await step()
  }
  const want = async (verb: Verb, service: string): Promise<void> => {
    const body = { verb, project: 'shop', services: [service] }
    await until(`an answer to ${verb} ${service}`, async () => {
      const answer = await ask(home.socket, 'POST', '/v1/want', body)
      if (answer !== undefined && answer.status !== 200) throw new Error(answer.body)
      return answer
    })
    findings.requests += 1
  }
  const parts = { home, driver, want, below }
  const loops = [
    ...exits.map((service) => forever(() => checkExit(parts, service))),
    ...forkers.map((service) => forever(() => checkStop(parts, service))),
    ...flappers.map((service) => forever(() => flap(parts, service))),
    forever(() => restartByCommand(home, findings)),
  ]
  // A failure is told by stop(); until then it must not end the program.
  for (const loop of loops) loop.catch(() => undefined)
  return driver
}

interface Parts {
  readonly home: Home
  readonly driver: Driver
  readonly want: (verb: Verb, service: string) => Promise<void>
  readonly below: (limit: number) => number
}

/** All statuses in turn, and some signals (256 and the number). */
const signals: readonly number[] = [1, 2, 6, 9, 11, 15].map((number) => 256 + number)
const signalNames: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
}

/** One life with a known end: the supervisor must know it as well, wherever it was meanwhile. */
async function checkExit({ home, driver, want, below }: Parts, service: string): Promise<void> {
  const { findings } = driver
  const status = below(4) === 0 ? (signals[below(signals.length)] ?? 0) : below(256)
  const before = livesOf(home, service).length
  const deathsBefore = driver.deaths.length
  setNextStatus(home, service, status)
  await want('up', service)
  const row = await until(`the end of ${service}`, async () => {
    const lives = livesOf(home, service)
    if (lives.length === before || lives.at(-1)?.startsWith('start')) return false
    const found = await rowOf(home, service)
    const isSettled = found?.pid === null && ['down', 'failed', 'up'].includes(found.phase)
    return isSettled && livesOf(home, service).length === lives.length && found
  })
  findings.exitsChecked += 1
  const deaths = driver.deaths.slice(deathsBefore)
  const known = JSON.stringify(row.exit)
  const said = `${service}: ended with ${status}, known as ${known}; deaths meanwhile: ${deaths}`
  const expected = status > 255 ? { signal: signalNames[status - 256] } : { code: status }
  if (JSON.stringify(row.exit) === JSON.stringify(expected)) return
  const isUnknown = row.exit === null || 'unknown' in row.exit
  if (!isUnknown) findings.wrongExits.push(said)
  else if (deaths.includes('both')) findings.excusedExits.push(said)
  else findings.unknownExits.push(said)
}

/** After a stop that the supervisor calls done, nothing of the service may live. */
async function checkStop({ home, driver, want, below }: Parts, service: string): Promise<void> {
  await want('up', service)
  const record = recordOf(home, service)
  await until(`${service} to fork`, () => existsSync(record))
  await pause(below(100))
  await want('down', service)
  await until(`${service} to be down`, async () => {
    const row = await rowOf(home, service)
    return row?.desired === 'down' && row.phase === 'down'
  })
  driver.findings.stopsChecked += 1
  const left = processesOfInstance(home.path, `${service}@1`)
  driver.findings.leftOver.push(...left.map((seen) => `after a stop: ${describeProcess(seen)}`))
}

async function flap({ want, below }: Parts, service: string): Promise<void> {
  const verbs: readonly Verb[] = ['up', 'down', 'restart', 'up']
  await want(verbs[below(verbs.length)] ?? 'up', service)
  await pause(below(80))
}

/** The same by the command, which must ride out the deaths by itself. */
async function restartByCommand(home: Home, findings: Findings): Promise<void> {
  await home.run(['restart', '--timeout', '20s', flappers[0] ?? ''])
  findings.requests += 1
}

async function rowOf(home: Home, service: string): Promise<StatusRow | undefined> {
  const rows = await home.status().catch(() => [])
  return rows.find((row) => row.service === service)
}

/** The lines of a record: `start ID`, `end ID STATUS`. */
export function livesOf(home: Home, service: string): readonly string[] {
  const record = recordOf(home, service)
  if (!existsSync(record)) return []
  return readFileSync(record, 'utf8').trim().split('\n')
}

/** Numbers in [0, 1) that the seed repeats. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    const next = nextRandom(state)
    state = next.state
    return next.value
  }
}

// One supervisor with many services, measured from its start to the death of everything: the cells
// that share such a crowd, in an order in which none disturbs the next.

import { setTimeout as pause } from 'node:timers/promises'
import { type Eudaemon, runCommand } from './eudaemon.ts'
import type { Peer, Place, Service } from './peers.ts'
import { cpuOf, kill, memoryOf, supervisorSide } from './processes.ts'
import { nowMs, openRecords, type Records } from './records.ts'
import { type Figure, median, type Results } from './table.ts'

export const crowdCells = [
  'start',
  'memory',
  'rest',
  'status',
  'restart',
  'young',
  'storm',
  'recovery',
] as const

export type CrowdCell = (typeof crowdCells)[number]

export interface SessionOptions {
  readonly cells: ReadonlySet<string>
  readonly services: number
  readonly kills: number
  readonly restSeconds: number
  /** The static program that every service is, and the folder that it lies in. */
  readonly program: string
  readonly programs: string
}

interface Session extends SessionOptions {
  readonly peer: Peer
  readonly place: Place
  readonly names: readonly string[]
  readonly records: Records
  readonly results: Results
}

const figures = {
  start: { title: 'cold start of all', unit: 's', digits: 2 },
  restart: { title: 'kill -9 of an old service to its new instance', unit: 'ms', digits: 1 },
  young: { title: 'the same, 0.1 s old', unit: 'ms', digits: 1 },
  storm: { title: 'kill -9 of all until all are back', unit: 's', digits: 2 },
  memory: { title: 'memory after the start', unit: 'MiB', digits: 1 },
  memoryAfter: { title: 'memory after kills and storm', unit: 'MiB', digits: 1 },
  rest: { title: 'processor time at rest', unit: 's', digits: 4 },
  status: { title: 'status of one', unit: 'ms', digits: 1 },
  statusAll: { title: 'status of all', unit: 'ms', digits: 1 },
  recovery: { title: 'kill -9 of the supervisor until it shows all', unit: 's', digits: 2 },
} satisfies Readonly<Record<string, Figure>>

/** What throttles a second start within a second has forgotten the first after this. */
const SETTLE_MS = 1_500
const YOUNG_MS = 100
const PAUSE_MS = 60
const STATUS_RUNS = 11

/** Runs every asked cell on one supervisor and stops it, also after a failure. */
export async function runSession(
  peer: Peer,
  place: Place,
  options: SessionOptions,
  results: Results,
): Promise<void> {
  const names = Array.from({ length: options.services }, (_, index) => `s${index + 1}`)
  const records = openRecords(`${place.folder}/records`)
  const services: readonly Service[] = names.map((name) => ({
    name,
    command: [options.program, name, records.path],
  }))
  peer.prepare(place, services)
  const session: Session = { ...options, peer, place, names, records, results }
  const has = (cell: CrowdCell) => options.cells.has(cell)
  try {
    await startAll(session)
    await pause(SETTLE_MS)
    if (has('memory')) measureMemory(session, figures.memory)
    if (has('rest')) await measureRest(session)
    if (has('status')) await measureStatus(session)
    if (has('restart')) await measureRestart(session)
    if (has('young')) await measureYoung(session)
    if (has('storm')) await measureStorm(session)
    if (has('memory') && has('storm')) measureMemory(session, figures.memoryAfter)
    if (has('recovery') && 'supervisor' in peer) await measureRecovery(session, peer as Eudaemon)
  } finally {
    await peer.stop(place)
    records.close()
  }
}

async function startAll({ peer, place, records, services, cells, results }: Session) {
  const began = nowMs()
  const command = peer.start(place)
  const ended = await Promise.race([
    records.reach(services),
    command.then(() => records.reach(services)),
  ])
  if (cells.has('start')) results.add(figures.start, peer.name, (ended - began) / 1_000)
  await command
}

function side({ place, programs }: Session): readonly number[] {
  return supervisorSide(place.tag, programs)
}

function measureMemory(session: Session, figure: Figure): void {
  session.results.add(figure, session.peer.name, memoryOf(side(session)))
}

async function measureRest(session: Session): Promise<void> {
  const pids = side(session)
  const before = cpuOf(pids)
  await pause(session.restSeconds * 1_000)
  session.results.add(figures.rest, session.peer.name, cpuOf(pids) - before)
}

async function measureStatus({ peer, place, names, results }: Session): Promise<void> {
  const [first = ''] = names
  const commands = [
    { figure: figures.status, by: peer.name, words: peer.status(place, first) },
    { figure: figures.statusAll, by: peer.name, words: peer.statusAll(place, names) },
  ]
  if ('supervisor' in peer) {
    for (const { figure } of [...commands]) {
      commands.push({ figure, by: 'node -e 0', words: ['env', process.execPath, '-e', '0'] })
    }
  }
  const times = commands.map((): number[] => [])
  for (let run = 0; run < STATUS_RUNS; run += 1) {
    for (const [index, { words }] of commands.entries()) {
      const [program = '', ...rest] = words
      const began = nowMs()
      await runCommand(program, rest, place)
      times[index]?.push(nowMs() - began)
    }
  }
  for (const [index, { figure, by }] of commands.entries()) {
    results.add(figure, by, median(times[index] ?? []))
  }
}

/** Kills the newest life of a service; gives the milliseconds until the next one. */
async function killOne({ records }: Session, name: string): Promise<number> {
  const count = records.count()
  const life = records.from(0).findLast((record) => record.name === name)
  if (life === undefined) throw new Error(`${name} has never lived`)
  const killedAt = nowMs()
  kill(life.pid)
  return (await records.reach(count + 1)) - killedAt
}

async function measureRestart(session: Session): Promise<void> {
  const { names, kills, peer, results } = session
  const times: number[] = []
  for (const name of names.slice(0, kills)) {
    times.push(await killOne(session, name))
    await pause(PAUSE_MS)
  }
  results.add(figures.restart, peer.name, median(times))
}

/** Services that have not died before: each is started anew by command, and killed 0.1 s later. */
async function measureYoung(session: Session): Promise<void> {
  const { names, kills, peer, place, records, results } = session
  const times: number[] = []
  for (const name of names.slice(-kills)) {
    const count = records.count()
    const [program = '', ...words] = peer.restart(place, name)
    await runCommand(program, words, place)
    await pause((await records.reach(count + 1)) + YOUNG_MS - nowMs())
    times.push(await killOne(session, name))
  }
  results.add(figures.young, peer.name, median(times))
  await pause(SETTLE_MS)
}

async function measureStorm({ records, services, peer, results }: Session): Promise<void> {
  const newest = new Map(records.from(0).map(({ name, pid }) => [name, pid]))
  const count = records.count()
  const began = nowMs()
  for (const pid of newest.values()) kill(pid)
  const ended = await records.reach(count + services)
  results.add(figures.storm, peer.name, (ended - began) / 1_000)
  await pause(SETTLE_MS)
}

async function measureRecovery(session: Session, peer: Eudaemon): Promise<void> {
  const { place, services, records, results } = session
  const old = await peer.supervisor(place)
  if (old === null) throw new Error('no supervisor answers')
  const lives = records.count()
  const began = nowMs()
  kill(old)
  while ((await peer.countStatus(place)) !== services) await pause(2)
  results.add(figures.recovery, peer.name, (nowMs() - began) / 1_000)
  await pause(SETTLE_MS)
  if (records.count() !== lives) throw new Error('a service was started again by the recovery')
}

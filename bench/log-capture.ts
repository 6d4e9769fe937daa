// How fast output gets into log files that are rotated at 16 MiB and keep the time of every line:
// writers that put out lines of 100 bytes as fast as they can, into us and into the loggers of
// others. Every line is checked afterwards.

import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Eudaemon } from './eudaemon.ts'
import { environmentOf, type Place, type Service } from './peers.ts'
import { killAll } from './processes.ts'
import type { Programs } from './programs.ts'
import { nowMs, openRecords, type Records } from './records.ts'
import type { Figure, Results } from './table.ts'

export interface CaptureOptions {
  readonly writers: number
  /** Of all writers together. */
  readonly lines: number
  readonly programs: Programs
}

/** A logger that reads standard input: its words, the folder comes last. */
export interface Logger {
  readonly name: string
  readonly words: readonly string[]
}

export const loggers: readonly Logger[] = [
  { name: 's6-log', words: ['s6-log', 't', 'n1000', 's16777216'] },
  { name: 'multilog', words: ['multilog', 't', 'n1000', 's16777215'] },
]

/** What a service of ours is told; `keep` holds everything that is written. */
export const captureSettings =
  'log = { max-size = "16M", keep = 1000, compress = "none", timestamps = "index" }'

const LINE_BYTES = 100
/** `@`, 24 digits and a space (TAI64N). */
const STAMP_BYTES = 26

interface Run extends CaptureOptions {
  readonly place: Place
  readonly records: Records
  readonly gate: string
  readonly linesEach: number
  readonly services: readonly Service[]
}

function prepare(options: CaptureOptions, place: Place, isEnding: boolean): Run {
  const { writers, lines, programs } = options
  const records = openRecords(`${place.folder}/records`)
  const gate = `${place.folder}/gate`
  execFileSync('mkfifo', [gate])
  const linesEach = Math.ceil(lines / writers)
  const end = isEnding ? ['end'] : []
  const services = Array.from({ length: writers }, (_, index) => {
    const name = `w${index + 1}`
    return { name, command: [programs.writer, name, records.path, gate, String(linesEach), ...end] }
  })
  return { ...options, place, records, gate, linesEach, services }
}

/** Opens the gate when all stand there; resolves to the seconds until `isDone`. */
async function race(run: Run, isDone: () => Promise<void>): Promise<number> {
  await run.records.reach(run.writers)
  execFileSync('sync', ['-f', run.place.folder])
  await pause(300)
  const began = nowMs()
  const gate = openSync(run.gate, 'r+')
  await isDone()
  const seconds = (nowMs() - began) / 1_000
  closeSync(gate)
  return seconds
}

function figureOf({ writers }: CaptureOptions): Figure {
  const title = `log capture, ${writers} ${writers === 1 ? 'writer' : 'writers'}`
  return { title, unit: 'MB/s', digits: 0, isMoreBetter: true }
}

function speed({ writers, linesEach }: Run, seconds: number): number {
  return (writers * linesEach * LINE_BYTES) / 1e6 / seconds
}

/** Throws when a line is missing, torn or doubled. */
function check(run: Run, skip: number, files: readonly string[]): void {
  execFileSync(run.programs.checkLines, [String(skip), String(run.linesEach), ...files])
}

export async function measureLogger(
  { name, words }: Logger,
  place: Place,
  options: CaptureOptions,
  results: Results,
): Promise<void> {
  const run = prepare(options, place, true)
  const folder = (service: Service) => join(place.folder, `log-${service.name}`)
  try {
    const ends = run.services.map((service) => {
      const line = `${service.command.join(' ')} | exec ${words.join(' ')} ${folder(service)}`
      const child = spawn('/bin/sh', ['-c', line], { env: environmentOf(place), stdio: 'ignore' })
      return new Promise<void>((resolve) => void child.on('close', () => resolve()))
    })
    const seconds = await race(run, async () => void (await Promise.all(ends)))
    for (const service of run.services) {
      const names = readdirSync(folder(service))
        .filter((file) => file.startsWith('@'))
        .toSorted()
      const paths = [...names, 'current'].map((file) => join(folder(service), file))
      check(run, STAMP_BYTES, paths)
    }
    results.add(figureOf(options), name, speed(run, seconds))
  } finally {
    await killAll(place.tag)
    run.records.close()
  }
}

export async function measureOurs(
  peer: Eudaemon,
  place: Place,
  options: CaptureOptions,
  results: Results,
): Promise<void> {
  const run = prepare(options, place, false)
  const segments = (service: Service) => {
    const folder = peer.logFolder(place, service.name)
    const names = readdirSync(folder)
      .filter((file) => file.endsWith('.log'))
      .toSorted()
    return names.map((file) => join(folder, file))
  }
  const hasAll = (service: Service) => {
    const bytes = segments(service).reduce((sum, path) => sum + statSync(path).size, 0)
    return bytes >= run.linesEach * LINE_BYTES
  }
  peer.prepare(place, run.services)
  try {
    await peer.start(place)
    const seconds = await race(run, async () => {
      await run.records.reach(2 * run.writers)
      while (!run.services.every(hasAll)) await pause(1)
    })
    for (const service of run.services) check(run, 0, segments(service))
    results.add(figureOf(options), peer.name, speed(run, seconds))
  } finally {
    await peer.stop(place)
    run.records.close()
  }
}

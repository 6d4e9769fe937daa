// Fixture programs that make themselves daemons: run to the end of their first process, what they
// report of themselves, and what is left of them. Whatever lives at the end of a test is killed.

import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { killExactly, readProcess, type SeenProcess } from './processes.ts'
import { program } from './programs.ts'
import { until } from './until.ts'

/** Not one of ours: those are taken out of a daemon's environment. */
const MARK = 'SELF_DAEMON_TEST'

export type Facts = Readonly<Record<string, unknown>>

export interface StartOptions {
  /** A command that runs the rest of its arguments. */
  readonly prefix?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Of Node. */
  readonly nodeOptions?: readonly string[]
}

export interface Ended {
  readonly status: number | string
  readonly stderr: string
}

export interface Started {
  readonly pid: number
  errors(): string
  readonly ended: Promise<Ended>
}

export interface SelfDaemon {
  readonly folder: string
  readonly report: string
  readonly env: Readonly<Record<string, string | undefined>>
  argv(mode: string, options: object): readonly string[]
  start(mode: string, options?: object, how?: StartOptions): Started
  run(mode: string, options?: object, how?: StartOptions): Promise<Ended>
  /** What was reported under that name, in order. */
  facts(what: string): readonly Facts[]
  /** The first of them, as soon as it is there. */
  fact(what: string): Promise<Facts>
  /** Living processes of this test. */
  left(): readonly SeenProcess[]
  signal(pid: unknown, name: NodeJS.Signals): void
  /** Done after the test, before what is left is killed. */
  atEnd(action: () => Promise<unknown>): void
  /** Resolves when nothing of this test lives. */
  gone(): Promise<unknown>
}

/** A fresh folder that every user may use, and a report in it. */
export function selfDaemon(test: TestContext, fixture = 'self-daemon.ts'): SelfDaemon {
  const folder = mkdtempSync(join(tmpdir(), 'eudaemon-test-'))
  chmodSync(folder, 0o755)
  const report = join(folder, 'report')
  writeFileSync(report, '')
  chmodSync(report, 0o666)
  const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8', [MARK]: folder }
  const argv = (mode: string, options: object): readonly string[] => [
    process.execPath,
    program(fixture),
    mode,
    report,
    JSON.stringify(options),
  ]
  const facts = (what: string): readonly Facts[] => {
    const lines = readFileSync(report, 'utf8').split('\n').slice(0, -1)
    return lines.map((line): Facts => JSON.parse(line)).filter((fact) => fact['what'] === what)
  }
  const left = (): readonly SeenProcess[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readProcess(Number(name)) ?? [])
      .filter(({ env: its, state }) => its.get(MARK) === folder && state !== 'Z')
  const actions: (() => Promise<unknown>)[] = []
  // In this order: who restarts it, itself, its folder.
  test.after(async () => {
    for (const action of actions) await action()
    for (const seen of left()) killExactly(seen)
    await until('the end of the daemon', () => left().length === 0)
    rmSync(folder, { recursive: true, force: true })
  })
  const start: SelfDaemon['start'] = (mode, options = {}, how = {}) => {
    const { prefix = [], nodeOptions = [], cwd = folder } = how
    const [node = '', ...rest] = argv(mode, options)
    const [file = '', ...words] = [...prefix, node, ...nodeOptions, ...rest]
    const stdio = ['ignore', 'ignore', 'pipe'] as const
    const child = spawn(file, words, { cwd, env: { ...env, ...how.env }, stdio: [...stdio] })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code, signal) => resolve({ status: code ?? signal ?? '', stderr }))
    })
    return { pid: child.pid ?? 0, errors: () => stderr, ended }
  }
  return {
    folder,
    report,
    env,
    argv,
    start,
    run: (mode, options, how) => start(mode, options, how).ended,
    facts,
    fact: (what) => until(`the report of '${what}'`, () => facts(what)[0]),
    left,
    signal: (pid, name) => {
      const seen = left().find((one) => one.pid === pid)
      if (seen === undefined) throw new Error(`there is no process ${pid} of this test`)
      killExactly(seen, name)
    },
    atEnd: (action) => actions.push(action),
    gone: () => until('nothing to be left', () => left().length === 0),
  }
}

export const exists = (path: string): boolean => existsSync(path)

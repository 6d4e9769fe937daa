// A supervisor's world of its own for one test: an EUDAEMON_HOME in a short temporary path, a
// folder for projects, the real command, and a cleanup that stops everything through the product
// and fails the test when a process, a control group or a mount of it is left over.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { EventRow, StatusRow, SupervisorInfo } from '../../src/protocol/response.ts'
import { type Running, type RunOptions, type RunResult, run, start } from './command.ts'
import { ask, supervisorInfo } from './control.ts'
import { describeProcess, killExactly, processesOf, type SeenProcess } from './processes.ts'
import { until } from './until.ts'

export interface HomeOptions {
  /** What every command is run by, for example `unshare`; the services inherit it. */
  readonly prefix?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface Home {
  /** EUDAEMON_HOME. */
  readonly path: string
  /** Where commands run: the project `shop`, unless a test makes others. */
  readonly project: string
  readonly socket: string
  /** Writes a file of the project; gives its absolute path. */
  write(name: string, text: string): string
  /** Runs the command to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** Starts the command and leaves it running. */
  start(args: readonly string[], options?: RunOptions): Running
  /** The rows of `status --json --all`. */
  status(): Promise<readonly StatusRow[]>
  row(instance: string): Promise<StatusRow>
  /** The kept history of phases, oldest first. */
  events(): Promise<readonly EventRow[]>
  supervisor(): Promise<SupervisorInfo>
  processes(): readonly SeenProcess[]
  /** Called when all processes are gone, before the folder is removed. */
  atEnd(action: () => void): void
}

/** Everything in it is gone after the test, or the test fails. */
export function openHome(test: TestContext, options: HomeOptions = {}): Home {
  const { home, close } = makeHome(options)
  test.after(close)
  return home
}

/** For programs that are no tests: `close` rejects when something is left over. */
export function makeHome(options: HomeOptions = {}): {
  readonly home: Home
  readonly close: () => Promise<void>
} {
  const root = mkdtempSync('/tmp/eud-')
  const actions: (() => void)[] = []
  const path = join(root, 'h')
  const project = join(root, 'shop')
  mkdirSync(project)
  const socket = join(path, 'run/control.sock')
  const base: RunOptions = {
    cwd: project,
    prefix: options.prefix ?? [],
    env: { ...options.env, EUDAEMON_HOME: path, EUDAEMON_TEST: path },
  }
  const merge = (own: RunOptions = {}): RunOptions => ({
    ...base,
    ...own,
    env: { ...base.env, ...own.env },
  })
  const status = async (): Promise<readonly StatusRow[]> => {
    const answer = await ask(socket, 'GET', '/v1/status')
    if (answer?.status !== 200) throw new Error(`no status: ${answer?.body ?? 'no answer'}`)
    return JSON.parse(answer.body) as readonly StatusRow[]
  }
  const home: Home = {
    path,
    project,
    socket,
    write: (name, text) => {
      const file = join(project, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
      return file
    },
    run: (args, own) => run(args, merge(own)),
    start: (args, own) => start(args, merge(own)),
    status,
    row: async (instance) => {
      const rows = await status()
      const found = rows.find((row) => row.instance === instance)
      if (!found) throw new Error(`no row ${instance} in ${JSON.stringify(rows)}`)
      return found
    },
    events: async () => {
      const answer = await ask(socket, 'GET', '/v1/events?since=0')
      const lines = (answer?.body ?? '').split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as EventRow).filter((row) => 'to' in row)
    },
    supervisor: () => until('an answering supervisor', () => supervisorInfo(socket)),
    processes: () => processesOf(path),
    atEnd: (action) => actions.push(action),
  }
  return { home, close: () => closeHome(root, path, socket, actions) }
}

/** Removes every project through the API; then nothing of this home may be left. */
async function closeHome(
  root: string,
  path: string,
  socket: string,
  actions: readonly (() => void)[],
): Promise<void> {
  const faults: string[] = []
  try {
    const asked = new Set<string>()
    await until(
      'an empty home',
      async () => {
        if (processesOf(path).length === 0) return true
        const info = existsSync(socket) ? await supervisorInfo(socket) : undefined
        for (const { name } of info?.projects ?? []) {
          if (asked.has(name)) continue
          asked.add(name)
          await ask(socket, 'DELETE', `/v1/projects/${encodeURIComponent(name)}`)
        }
        if (info?.projects.length === 0) await ask(socket, 'POST', '/v1/shutdown')
        return false
      },
      25_000,
    )
  } catch (error) {
    const left = processesOf(path)
    faults.push(`${String(error)}; left over:\n${left.map(describeProcess).join('\n')}`)
    await killAll(path)
  }
  for (const action of actions) action()
  rmSync(root, { recursive: true, force: true })
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

/** The guardian first, so that nothing is started again while we go on. */
async function killAll(path: string): Promise<void> {
  await until('every process killed', () => {
    const left = processesOf(path).toSorted((a, b) => a.startTime - b.startTime)
    for (const seen of left) killExactly(seen)
    return left.length === 0
  })
}

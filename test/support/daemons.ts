// `eudaemon run` in tests. The process of the tests is a subreaper: whatever a daemon forks,
// detaches or leaves behind stays below it, so that "nothing is left" is looked up and not guessed.
// Helpers that need a supervisor are in home.ts.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { toPid } from '../../src/base/brands.ts'
import { descendantsOf } from '../../src/daemonize/descendants.ts'
import { ownPid } from '../../src/daemonize/own-pid.ts'
import { closeFd } from '../../src/kernel/fd.ts'
import { openPidfd } from '../../src/kernel/pidfd.ts'
import { setSubreaper } from '../../src/kernel/prctl.ts'
import { reap } from '../../src/kernel/wait.ts'
import { type Running, type RunOptions, type RunResult, start } from './command.ts'
import { killExactly, readProcess, type SeenProcess } from './processes.ts'
import { until } from './until.ts'

export interface Daemons {
  /** Everybody may enter it; where the test, its daemons and their notify sockets write. */
  readonly folder: string
  /** The absolute path of a file in it. */
  path(name: string): string
  /** Writes a file; gives its absolute path. */
  write(name: string, text: string, mode?: number): string
  read(name: string): string
  exists(name: string): boolean
  remove(name: string): void
  /** `eudaemon run ARGS`, to its end: until nobody holds its output any more. */
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>
  start(args: readonly string[], options?: RunOptions): Running
  /** What lives below this process at this moment, besides invokers that still run. */
  left(): readonly SeenProcess[]
  /** Resolves when nothing lives. */
  over(): Promise<void>
  /** Called when all processes are gone, before the folder is removed. */
  atEnd(action: () => void): void
}

/** Invokers that Node has started and will reap itself. */
const invokers = new Set<number>()

/** Everything of it is gone after the test, or the test fails. */
export function openDaemons(test: TestContext): Daemons {
  setSubreaper()
  const folder = mkdtempSync('/tmp/eud-')
  chmodSync(folder, 0o755)
  const runtime = join(folder, 'xdg')
  mkdirSync(runtime, { mode: 0o700 })
  const actions: (() => void)[] = []
  const path = (name: string): string => join(folder, name)
  const startRun: Daemons['start'] = (args, options = {}) => {
    const env = { XDG_RUNTIME_DIR: runtime, ...options.env }
    const running = start(['run', ...args], { ...options, env })
    invokers.add(running.pid)
    const forget = (): void => void invokers.delete(running.pid)
    running.ended.then(forget, forget)
    return running
  }
  test.after(async () => {
    const faults = [...(await endOf(left)), ...litterIn(folder, runtime)]
    for (const action of actions) action()
    rmSync(folder, { recursive: true, force: true })
    if (faults.length > 0) throw new Error(`left over:\n${faults.join('\n')}`)
  })
  return {
    folder,
    path,
    write: (name, text, mode = 0o644) => {
      mkdirSync(dirname(path(name)), { recursive: true })
      writeFileSync(path(name), text)
      chmodSync(path(name), mode)
      return path(name)
    },
    read: (name) => readFileSync(path(name), 'utf8'),
    exists: (name) => existsSync(path(name)),
    remove: (name) => rmSync(path(name), { force: true }),
    run: (args, options) => startRun(args, options).ended,
    start: startRun,
    left,
    over: () => until('nothing to be left', () => left().length === 0).then(() => undefined),
    atEnd: (action) => actions.push(action),
  }
}

function left(): readonly SeenProcess[] {
  return descendantsOf(ownPid(), new Set()).flatMap((pid) => {
    const seen = readProcess(pid)
    if (seen === undefined || invokers.has(pid)) return []
    if (seen.state !== 'Z') return [seen]
    // Its parent, the invoker, is gone: it is ours to bury, as init does.
    if (seen.parent === process.pid) bury(seen)
    return []
  })
}

function bury({ pid }: SeenProcess): void {
  const pidfd = openPidfd(toPid(pid))
  if (pidfd === null) return
  reap(pidfd)
  closeFd(pidfd)
}

/** A drain ends a moment after its daemon; all else is a fault, and killed. */
async function endOf(found: () => readonly SeenProcess[]): Promise<readonly string[]> {
  const isOver = await until('the end of drains', () => found().length === 0, 5_000).then(
    () => true,
    () => false,
  )
  if (isOver) return []
  const faults = found().map(({ pid, state, command }) => `${pid} (${state}) ${command}`)
  await until('every process killed', () => {
    for (const seen of found()) killExactly(seen)
    return found().length === 0
  })
  return faults
}

/** Notify sockets and the temporary files of claims. */
function litterIn(folder: string, runtime: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const temporary = names.filter((name) => /(?:^|\/)\..*\.new$/.test(name))
  return [...temporary, ...readdirSync(runtime)]
}

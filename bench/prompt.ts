// From the invocation of a daemonizer to the prompt: the whole command, as a shell waits for it.
// What it starts ends by itself. Beside it `node -e 0`, below which no command of Node can be.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure, Results } from './table.ts'
import { median } from './table.ts'

const prompt: Figure = { title: 'into the background', unit: 'ms', digits: 1 }
const ratio: Figure = { title: 'into the background, of `node -e 0`', unit: 'times', digits: 2 }

const TIMES = 40
const daemon = ['/bin/sleep', '0.1'] as const

const python =
  'import os, daemon\nwith daemon.DaemonContext(): os.execv("/bin/sleep", ["sleep", "0.1"])'

/** `name` -> command line; those that are not installed are left out. */
function commands(script: string): ReadonlyMap<string, readonly string[]> {
  const all: Readonly<Record<string, readonly string[]>> = {
    'node -e 0': [process.execPath, '-e', '0'],
    eudaemon: [process.execPath, script, 'run', '--', ...daemon],
    daemonize: ['/usr/bin/daemonize', ...daemon],
    daemon: ['/usr/bin/daemon', '--', ...daemon],
    'start-stop-daemon': [
      ...['/sbin/start-stop-daemon', '--start', '--background', '--name', 'bench-none'],
      ...['--startas', daemon[0], '--', daemon[1]],
    ],
    'setsid -f': ['/usr/bin/setsid', '-f', ...daemon],
    'python-daemon': ['/usr/bin/python3', '-c', python],
  }
  return new Map(
    Object.entries(all).filter(([name, [program = '', ...words]]) => {
      if (!existsSync(program)) return false
      return name !== 'python-daemon' || spawnSync(program, words).status === 0
    }),
  )
}

/** All in turn, so many times; medians of one round. */
export function measurePrompt(script: string, folder: string, results: Results): void {
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') }
  const measured = new Map<string, number[]>()
  const installed = commands(script)
  for (let time = 0; time < TIMES; time += 1) {
    for (const [name, [program = '', ...words]] of installed) {
      const begin = process.hrtime.bigint()
      const { status } = spawnSync(program, words, { env, stdio: ['ignore', 'ignore', 'inherit'] })
      const ms = Number(process.hrtime.bigint() - begin) / 1e6
      if (status !== 0) throw new Error(`${name}: exit ${status}`)
      measured.set(name, [...(measured.get(name) ?? []), ms])
    }
  }
  for (const [name, values] of measured) results.add(prompt, name, median(values))
  const bare = median(measured.get('node -e 0') ?? [])
  results.add(ratio, 'eudaemon', median(measured.get('eudaemon') ?? []) / bare)
}

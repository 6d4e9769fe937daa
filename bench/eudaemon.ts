// Ourselves, as a user has us: the packed package, unpacked into the folder of this run, started by
// its command in an EUDAEMON_HOME of its own.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { environmentOf, type Peer, type Place, type Service } from './peers.ts'
import { killAll, processesOf } from './processes.ts'

export interface Eudaemon extends Peer {
  /** The process number of the supervisor that answers, or null. */
  supervisor(place: Place): Promise<number | null>
  /** How many services its status shows; null while nobody answers. */
  countStatus(place: Place): Promise<number | null>
  logFolder(place: Place, service: string): string
}

const root = join(import.meta.dirname, '..')

/** Packs this checkout; gives the command's script in the unpacked package. */
export function unpackPackage(folder: string, isBuilt: boolean): string {
  const flags = isBuilt ? ['--ignore-scripts'] : []
  const npm = ['pack', '--silent', ...flags, '--pack-destination', folder]
  const names = execFileSync('npm', npm, { cwd: root, encoding: 'utf8' })
  const name = names.trim().split('\n').at(-1) ?? ''
  execFileSync('tar', ['-xzf', join(folder, name), '-C', folder])
  symlinkSync(join(root, 'node_modules'), join(folder, 'package/node_modules'))
  return join(folder, 'package/bin/eudaemon.js')
}

/** `flags`: for node, before the script; `settings`: TOML that every service gets. */
export function createEudaemon(
  script: string,
  cacheFolder: string,
  settings = '',
  flags: readonly string[] = [],
): Eudaemon {
  const home = (place: Place) => join(place.folder, 'home')
  const file = (place: Place) => join(place.folder, 'eudaemon.toml')
  const socket = (place: Place) => join(home(place), 'run/control.sock')
  const command = (place: Place, ...words: readonly string[]) => [
    'env',
    `EUDAEMON_HOME=${home(place)}`,
    `NODE_COMPILE_CACHE=${cacheFolder}`,
    process.execPath,
    ...flags,
    script,
    words[0] ?? '',
    '-f',
    file(place),
    ...words.slice(1),
  ]
  const run = (place: Place, ...words: readonly string[]): Promise<void> => {
    const [program = '', ...rest] = command(place, ...words)
    return runCommand(program, rest, place)
  }
  const get = async (place: Place, path: string): Promise<unknown> => {
    const text = await ask(socket(place), path)
    return text === null ? null : JSON.parse(text)
  }
  return {
    name: 'eudaemon',
    isInstalled: true,
    prepare: (place, services) => {
      mkdirSync(home(place), { recursive: true })
      writeFileSync(file(place), `name = "bench"\n${services.map(toToml(settings)).join('')}`)
    },
    start: (place) => run(place, 'up', '-d'),
    restart: (place, service) => command(place, 'restart', service),
    status: (place, service) => command(place, 'status', service),
    statusAll: (place) => command(place, 'status'),
    supervisor: async (place) => {
      const info = (await get(place, '/v1/supervisor')) as { readonly pid: number } | null
      return info?.pid ?? null
    },
    countStatus: async (place) => {
      const rows = (await get(place, '/v1/status')) as readonly unknown[] | null
      return rows?.length ?? null
    },
    logFolder: (place, service) => join(home(place), 'log/bench', `${service}@1`),
    stop: async (place) => {
      await run(place, 'down').catch(() => undefined)
      for (let left = 200; left > 0 && processesOf(place.tag).length > 0; left -= 1) {
        await pause(10)
      }
      await killAll(place.tag)
    },
  }
}

function toToml(settings: string): (service: Service) => string {
  return ({ name, command }) =>
    `[services.${name}]\ncommand = ${JSON.stringify(command)}\n${settings}\n`
}

/** Runs it to its end; rejects with what it said when that is a failure. */
export function runCommand(program: string, words: readonly string[], place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = environmentOf(place)
    const child = spawn(program, words, {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: place.folder,
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ${words.join(' ')}: exit ${code}: ${said}`))
    })
  })
}

function ask(socketPath: string, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('error', () => resolve(null))
      response.on('end', () => resolve(response.statusCode === 200 ? text : null))
    })
    asked.on('error', () => resolve(null))
    asked.end()
  })
}

// Where the fixture programs are, for definitions that tests write.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../fixtures/programs')

/** The absolute path of a fixture program. */
export function program(name: string): string {
  return join(folder, name)
}

/** A command for a definition, as TOML. */
export function command(name: string, ...args: readonly (string | number)[]): string {
  const path = program(name)
  const interpreter = name.endsWith('.js') ? process.execPath : '/bin/sh'
  return JSON.stringify([interpreter, path, ...args.map(String)])
}

/** Compiles a fixture program into a folder; gives its path. Needs a C compiler. */
export function compile(name: string, folder: string, flags: readonly string[] = []): string {
  const path = join(folder, name.replace(/\.c$/, ''))
  const words = ['-O1', '-Wall', '-Wextra', ...flags, '-o', path, program(name)]
  const result = spawnSync('cc', words, { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`cc ${name}: ${result.stderr}`)
  return path
}

/** Where a program is, as the shell finds it, system folders included; null when it is nowhere. */
export function findInstalled(name: string): string | null {
  const { PATH = '' } = process.env
  const env = { PATH: `${PATH}:/usr/local/sbin:/usr/sbin:/sbin` }
  const result = spawnSync('sh', ['-c', 'command -v "$0"', name], { env, encoding: 'utf8' })
  return result.status === 0 ? result.stdout.trim() : null
}

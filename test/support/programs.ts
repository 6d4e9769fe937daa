// Where the fixture programs are, for definitions that tests write.

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

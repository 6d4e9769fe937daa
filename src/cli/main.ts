// The door of the command: arguments in, exit status out. Commands live in files of their own.

import { readFileSync } from 'node:fs'

const WRONG_USAGE = 100

function ownVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  return (manifest as { readonly version: string }).version
}

/** Runs the command that `argv` (without node and script) asks for; resolves to its exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`${ownVersion()}\n`)
    return 0
  }
  const what = argv.length === 0 ? 'no command given' : `unknown command '${argv[0]}'`
  process.stderr.write(`eudaemon: ${what}\n`)
  return WRONG_USAGE
}

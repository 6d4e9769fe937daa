// A place where user 65534 can run tests: a copy of the checkout, a home and a temporary folder of
// its own, all below one folder that is removed afterwards. The copy uses the installed packages
// in place when that user can read them, else a copy of those that tests load.

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Place } from './run-part.ts'

const NOBODY = 65534

const prefix: readonly string[] = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
]

/** Large, and used by no test that runs as nobody. */
const toolPackages = /^(?:typescript|@typescript|@biomejs|knip|@oxc-.*|oxc-.*|@rolldown|rolldown)$/

/** Calls `action` with a place like `place`, and removes it afterwards. */
export async function withNobody<T>(
  place: Place,
  action: (there: Place) => Promise<T>,
): Promise<T> {
  // Short on purpose: the path of a Unix socket has room for 107 bytes.
  const folder = mkdtempSync('/tmp/eud-')
  try {
    chmodSync(folder, 0o755)
    const copy = join(folder, 'checkout')
    copyCheckout(place.root, copy)
    const env = {
      ...place.env,
      PATH: `${join(copy, 'node_modules/.bin')}:${place.env['PATH']}`,
      HOME: ownFolder(join(folder, 'home')),
      TMPDIR: ownFolder(join(folder, 'tmp')),
      USER: 'nobody',
      LOGNAME: 'nobody',
      XDG_RUNTIME_DIR: undefined,
      XDG_CONFIG_HOME: undefined,
      XDG_CACHE_HOME: undefined,
      XDG_STATE_HOME: undefined,
      XDG_DATA_HOME: undefined,
    }
    return await action({ root: copy, prefix, env })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function ownFolder(path: string): string {
  mkdirSync(path, { mode: 0o700 })
  chownSync(path, NOBODY, NOBODY)
  return path
}

function copyCheckout(root: string, copy: string): void {
  const left = new Set(['.git', 'node_modules', '.cache', 'dist'])
  mkdirSync(copy, { mode: 0o755 })
  for (const name of readdirSync(root).filter((entry) => !left.has(entry))) {
    cpSync(join(root, name), join(copy, name), { recursive: true })
  }
  spawnSync('chmod', ['-R', 'a+rX', copy])
  const packages = join(root, 'node_modules')
  const copied = join(copy, 'node_modules')
  if (isUsable(packages)) symlinkSync(packages, copied)
  else copyPackages(packages, copied)
}

function isUsable(packages: string): boolean {
  const [file = '', ...args] = prefix
  const node = join(packages, '.bin/node')
  const listing = `require('node:fs').readdirSync(${JSON.stringify(packages)})`
  const result = spawnSync(file, [...args, node, '-e', listing], { cwd: '/', stdio: 'ignore' })
  return result.status === 0
}

function copyPackages(from: string, to: string): void {
  mkdirSync(to, { mode: 0o755 })
  for (const name of readdirSync(from).filter((entry) => !toolPackages.test(entry))) {
    // The links in .bin are relative: as links they lead into the copy.
    cpSync(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true })
  }
  if (!existsSync(join(to, '.bin/node'))) throw new Error(`${from} has no .bin/node: run npm ci`)
  spawnSync('chmod', ['-R', 'a+rX', to])
}

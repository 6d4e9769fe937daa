// Adds to package-lock.json the optional packages of other platforms that npm left out because the
// registry in use does not carry them: `npm ci` refuses a lock file without them, even where they
// would never be installed. Run it after a change of the dependencies. What is added has a
// version and a platform, but no integrity hash: nobody here has seen the package.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockEntry {
  readonly version: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  packages: Record<string, LockEntry>
}

const file = join(import.meta.dirname, '../package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock

/** Reads the platform out of a name like `@scope/binding-linux-x64-musl`. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const [os = '', cpu = '', abi = ''] = name.replace(/^.*\/(?:[a-z]+-)?(?=\w+-\w+)/, '').split('-')
  if (os === 'wasm32') return { cpu: ['wasm32'] }
  const libc = abi.startsWith('musl') ? 'musl' : 'glibc'
  return os === 'linux' && abi !== ''
    ? { os: [os], cpu: [cpu], libc: [libc] }
    : { os: [os], cpu: [cpu] }
}

const packages = { ...lock.packages }
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`
    if (packages[key] || packages[`${path}/${key}`]) continue
    const dev = entry.dev === true ? { dev: true } : {}
    packages[key] = { version, ...dev, optional: true, ...platformOf(name) }
    console.log(`added ${name}@${version} ${JSON.stringify(platformOf(name))}`)
  }
}
lock.packages = Object.fromEntries(
  Object.entries(packages).sort(([left], [right]) => (left < right ? -1 : 1)),
)
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)

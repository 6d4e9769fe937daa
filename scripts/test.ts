// The whole suite: `npm test`. Installs the Debian packages that are missing (as root), runs every
// part in order and sums up. `--only NAME[,NAME]` runs some parts, `--as-nobody` only the second
// run of the marked files as an unprivileged user, `--strict` makes a skip a failure (also STRICT=1
// and CI=true). The last line and the exit status are what a machine needs.

import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { withNobody } from './testing/as-nobody.ts'
import { ensurePackages } from './testing/debian-packages.ts'
import { findNobodyPart, findParts, type Part } from './testing/parts.ts'
import { type Counts, type Place, runPart } from './testing/run-part.ts'

const root = join(import.meta.dirname, '..')
const compileCache = join(tmpdir(), `eudaemon-compiled-${process.pid}`)

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    'as-nobody': { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  },
})

const isStrict = options.strict || process.env['STRICT'] === '1' || process.env['CI'] === 'true'

interface Result extends Counts {
  readonly name: string
  readonly seconds: number
}

function choose(): readonly Part[] {
  const parts = findParts(root)
  const nobody = findNobodyPart(root)
  const all = nobody && process.getuid?.() === 0 ? [...parts, nobody] : parts
  if (options['as-nobody']) return all.filter((part) => part.name === 'as-nobody')
  if (options.only === undefined) return all
  const names = options.only.split(',')
  const unknown = names.filter((name) => !all.some((part) => part.name === name))
  if (unknown.length > 0) {
    const known = all.map((part) => part.name).join(', ')
    throw new Error(`no part named ${unknown.join(', ')}; there are ${known}`)
  }
  return all.filter((part) => names.includes(part.name))
}

function ownPlace(): Place {
  // What npm sets for its own children would reach the npm that tests start.
  const entries = Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/.test(name))
  const env: Record<string, string | undefined> = Object.fromEntries(entries)
  // A test that runs `node --test` itself would otherwise report to us.
  delete env['NODE_TEST_CONTEXT']
  if (isStrict) env['STRICT'] = '1'
  // The command caches compiled code; not in the cache of this machine while it is tested. The
  // second run as another user shares it.
  mkdirSync(compileCache, { recursive: true })
  chmodSync(compileCache, 0o1777)
  env['NODE_COMPILE_CACHE'] = compileCache
  env['PATH'] = `${join(root, 'node_modules/.bin')}:${env['PATH']}`
  return { root, prefix: [], env }
}

async function runNamed(part: Part, place: Place): Promise<Result> {
  console.log(`\n== ${part.name}`)
  const started = performance.now()
  const counts = await countsOf(part, place).catch((error: unknown): Counts => {
    console.error(error)
    return { passed: 0, failed: 1, skipped: 0, skips: [] }
  })
  return { name: part.name, seconds: (performance.now() - started) / 1_000, ...counts }
}

function countsOf(part: Part, place: Place): Promise<Counts> {
  if (part.name !== 'as-nobody') return runPart(part, place)
  // What needs root skips there, and has run as root before.
  const lenient = { ...place, env: { ...place.env, STRICT: undefined, CI: undefined } }
  return withNobody(lenient, (there) => runPart(part, there))
}

function printSummary(results: readonly Result[]): boolean {
  console.log('\n== summary')
  for (const result of results) {
    const { passed, failed, skipped } = result
    const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`
    console.log(`${result.name.padEnd(12)} ${counts} (${result.seconds.toFixed(1)} s)`)
    for (const skip of result.skips) console.log(`  skipped: ${skip}`)
  }
  const sum = (of: (result: Result) => number): number =>
    results.reduce((total, result) => total + of(result), 0)
  const skipped = sum((result) => (result.name === 'as-nobody' ? 0 : result.skipped))
  if (isStrict && skipped > 0) console.log('A skip is a failure here (STRICT).')
  const failed = sum((result) => result.failed) + (isStrict ? skipped : 0)
  const rest = isStrict ? 0 : skipped
  console.log(`${sum((result) => result.passed)} passed, ${failed} failed, ${rest} skipped`)
  return failed === 0
}

async function main(): Promise<number> {
  const parts = choose()
  if (parts.length === 0) throw new Error('there is nothing to run')
  const results: Result[] = []
  const needsPackages = parts.some((part) => part.kind === 'tests' && part.concurrency === 1)
  const packages = needsPackages ? ensurePackages() : { problem: null }
  if (packages.problem !== null) {
    console.error(packages.problem)
    results.push({ name: 'packages', seconds: 0, passed: 0, failed: 1, skipped: 0, skips: [] })
  }
  const place = ownPlace()
  try {
    for (const part of parts) results.push(await runNamed(part, place))
  } finally {
    rmSync(compileCache, { recursive: true, force: true })
  }
  return printSummary(results) ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  console.log('0 passed, 1 failed, 0 skipped')
  return 1
})

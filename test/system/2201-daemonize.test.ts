// runs-as: nobody
// eudaemon/daemonize as a program uses it: the first process and when it returns, what the daemon
// is then, starts that fail, PID files. Supervised programs are in 2211, DaemonContext in 2221.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isRoot } from '../support/rights.ts'
import { exists, type Facts, selfDaemon } from '../support/self-daemon.ts'
import { until } from '../support/until.ts'

async function answerOf(port: unknown): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/`)).text()
}

test('2201 the prompt comes back when it serves', async (t) => {
  const one = selfDaemon(t)
  const pidFile = join(one.folder, 'pid')
  const { status, stderr } = await one.run('serve', { pidFile })
  // The first of all connections, with nothing in between.
  assert.deepEqual([status, stderr], [0, 'I am starting\n'])
  const [port] = one.facts('port')
  assert.equal(await answerOf(port?.['port']), 'hello')
  const [daemon, ready] = ['daemon', 'ready'].map((what) => one.facts(what)[0] ?? {})
  assert.deepEqual(
    [daemon?.['detached'], daemon?.['supervisor'], daemon?.['pidFile'], ready?.['spoke']],
    [true, null, pidFile, 'fd'],
  )
  assert.equal(readFileSync(pidFile, 'utf8').split('\n')[0], String(daemon?.['pid']))
  assert.deepEqual(
    one.left().map(({ pid }) => pid),
    [daemon?.['pid']],
    'one process, and no drain beside it',
  )
  one.signal(daemon?.['pid'], 'SIGTERM')
  await one.gone()
  assert.equal(one.facts('drained')[0]?.['signal'], 'SIGTERM')
  assert.ok(!exists(pidFile), 'the PID file goes at a normal end')
})

test('2202 what the daemon is, and what it has from whom', async (t) => {
  const one = selfDaemon(t)
  const hostile = { TERM: 'x', SSH_TTY: 'x', LD_DEBUG_OUTPUT: '/dev/null', SETTING: 'kept' }
  const prefix = ['sh', '-c', 'umask 077; exec 7</dev/zero; exec "$@"', 'sh']
  const { status } = await one.run('serve', { umask: 0o027 }, { prefix, env: hostile })
  assert.equal(status, 0)
  const facts = await one.fact('daemon')
  const [ready = {}] = one.facts('ready')
  assert.notEqual(facts['session'], facts['pid'], 'it leads no session')
  assert.equal(facts['session'], facts['group'])
  assert.equal(facts['terminal'], 0)
  assert.equal(facts['directory'], '/')
  assert.equal(facts['umask'], 0o027)
  assert.deepEqual(facts['core'], ['0', '0'])
  assert.match(String(facts['blocked']), /^0+$/)
  const above = facts['above'] as Facts
  assert.equal(above['directory'], one.folder, 'above the call all is as it was')
  const names = facts['environment'] as readonly string[]
  assert.deepEqual(
    names.filter((name) => name in hostile || name.startsWith('EUDAEMON_DAEMONIZED')),
    ['SETTING'],
  )
  assert.deepEqual(ready['standard'], ['/dev/null', '/dev/null', '/dev/null'])
  assert.deepEqual(ready['files'], [])
})

const failures: readonly (readonly [mode: string, status: number, message: RegExp])[] = [
  ['throw', 1, /Error: the configuration is wrong[\s\S]*self-daemon: it ended before it was ready/],
  ['exit', 3, /I am starting\nself-daemon: it ended before it was ready: .*3/],
  ['kill', 137, /it ended before it was ready: .*SIGKILL/],
  ['end', 1, /it ended before it was ready: .*0/],
  ['never', 2, /it was not ready within 1s.*; it did not call ready\(\)/],
]

for (const [index, [mode, status, message]] of failures.entries()) {
  test(`2203.${index} a start that fails: ${mode}`, async (t) => {
    const one = selfDaemon(t)
    const pidFile = join(one.folder, 'pid')
    const ended = await one.run(mode, { pidFile, ...(mode === 'never' && { readyTimeout: '1s' }) })
    assert.equal(ended.status, status)
    assert.match(ended.stderr, message)
    assert.deepEqual(one.left(), [])
    assert.ok(!exists(pidFile))
  })
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`2204 ${signal} while it starts ends both`, async (t) => {
    const one = selfDaemon(t)
    const first = one.start('early-end')
    await one.fact('waiting')
    process.kill(first.pid, signal)
    const ended = await first.ended
    assert.equal(ended.status, status)
    assert.match(ended.stderr, /self-daemon: cancelled\n$/)
    assert.deepEqual(one.left(), [])
    // The daemon was asked with SIGTERM; the handlers of the first process were not run.
    assert.deepEqual(
      one.facts('drained').map((fact) => fact['signal']),
      ['SIGTERM'],
    )
  })
}

test('2205 SIGTERM for the daemon before it is ready ends the start cleanly', async (t) => {
  const one = selfDaemon(t)
  const first = one.start('early-end')
  await one.fact('waiting')
  one.signal((await one.fact('daemon'))['pid'], 'SIGTERM')
  const ended = await first.ended
  assert.equal(ended.status, 1)
  assert.match(ended.stderr, /it ended before it was ready/)
  assert.equal(one.facts('drained').length, 1)
  assert.deepEqual(one.left(), [])
})

test('2206 options that cannot be are refused in the first process', async (t) => {
  const one = selfDaemon(t)
  const wrong: readonly (readonly [object, number, RegExp])[] = [
    [{ umask: -1 }, 1, /ERR_BAD_OPTION|option 'umask': -1 is no number from 0 to 511/],
    [{ name: 'a b' }, 1, /option 'name': 'a b' cannot be a name/],
    [{ readyTimeout: 'soon' }, 1, /option 'readyTimeout': 'soon' is no time/],
    [{ workingDirectory: '/no/such' }, 111, /^self-daemon: chdir: '\/no\/such': there is no such/],
    [{ user: 'no-such-user' }, 111, /^self-daemon: credentials: user 'no-such-user'/],
    [{ pidFile: '/no/such/pid' }, 111, /The folder '\/no\/such' does not exist/],
    [{ stdout: '/no/such/out' }, 111, /cannot open '\/no\/such\/out' as standard output/],
  ]
  for (const [options, status, message] of wrong) {
    const ended = await one.run('serve', options)
    assert.equal(ended.status, status, JSON.stringify(options) + ended.stderr)
    assert.match(ended.stderr, message)
  }
  assert.deepEqual(one.facts('daemon'), [])
  assert.deepEqual(one.left(), [])
})

test('2207 single: of 20 concurrent starts there is one daemon', async (t) => {
  const one = selfDaemon(t)
  const name = `self-daemon-${process.pid}`
  const env = { XDG_RUNTIME_DIR: one.folder }
  const starts = Array.from({ length: 20 }, () => one.run('serve', { single: true, name }, { env }))
  const ended = await Promise.all(starts)
  const won = ended.filter(({ status }) => status === 0)
  const lost = ended.filter(({ status }) => status === 1)
  assert.deepEqual([won.length, lost.length], [1, 19])
  for (const { stderr } of lost) {
    assert.match(stderr, /^self-daemon-\d+: (already running as process|another start has claimed)/)
  }
  assert.deepEqual([one.facts('daemon').length, one.left().length], [1, 1])
  const [daemon] = one.facts('daemon')
  assert.equal(daemon?.['pidFile'], `${isRoot ? '/run' : one.folder}/${name}.pid`)
  one.signal(daemon?.['pid'], 'SIGTERM')
  await one.gone()
  assert.ok(!exists(String(daemon?.['pidFile'])))
})

test('2208 a PID file whose owner was killed does not hinder the next', async (t) => {
  const one = selfDaemon(t)
  const pidFile = join(one.folder, 'pid')
  assert.equal((await one.run('serve', { pidFile })).status, 0)
  one.signal((await one.fact('daemon'))['pid'], 'SIGKILL')
  await one.gone()
  assert.ok(exists(pidFile))
  assert.equal((await one.run('serve', { pidFile })).status, 0)
  const owner = readFileSync(pidFile, 'utf8').split('\n')[0]
  assert.equal(owner, String(one.facts('daemon')[1]?.['pid']))
})

test('2209 streams into files, from before the start to the end', async (t) => {
  const one = selfDaemon(t)
  const [stdout, stderr] = ['out', 'err'].map((name) => join(one.folder, name))
  writeFileSync(stderr ?? '', 'before\n')
  const ended = await one.run('serve', { stdout: 'out', stderr: 'err' })
  assert.equal(ended.status, 0)
  // What comes with the readiness may be shown or not.
  assert.match(ended.stderr, /^I am starting\n(I am ready\n)?$/)
  const read = (path = ''): string => readFileSync(path, 'utf8')
  await until('the last words', () => read(stdout) !== '')
  assert.deepEqual([read(stdout), read(stderr)], ['out\n', 'before\nI am starting\nI am ready\n'])
})

test('2210 another user, from the call on', async (t) => {
  const one = selfDaemon(t)
  if (!isRoot) {
    const ended = await one.run('serve', { user: 'root' })
    assert.equal(ended.status, 111)
    assert.match(ended.stderr, /credentials: user 'root': .* may not switch to another user/)
    return
  }
  const pidFile = join(one.folder, 'pid')
  const options = { user: 'nobody', groups: ['daemon'], workingDirectory: one.folder, pidFile }
  // A directory that this user may not even enter.
  const cwd = join(one.folder, 'private')
  mkdirSync(cwd, { mode: 0o700 })
  assert.equal((await one.run('serve', options, { cwd })).status, 0)
  const facts = await one.fact('daemon')
  assert.deepEqual(facts['uids'], [65534, 65534, 65534, 65534])
  assert.deepEqual(facts['gids'], [65534, 65534, 65534, 65534])
  assert.deepEqual((facts['groups'] as number[]).sort(), [1, 65534])
  assert.deepEqual([facts['home'], facts['directory']], ['/nonexistent', one.folder])
  const above = facts['above'] as Facts
  assert.deepEqual([above['uid'], above['directory']], [0, cwd])
  assert.deepEqual(one.facts('ready')[0]?.['standard'], ['/dev/null', '/dev/null', '/dev/null'])
  one.signal(facts['pid'], 'SIGTERM')
  await one.gone()
  assert.ok(exists(pidFile), 'this user may not remove it; it is stale')
})

test('2211 the second process is started as the first was', async (t) => {
  const one = selfDaemon(t)
  writeFileSync(join(one.folder, 'hook.mjs'), 'globalThis.hooked = true\n')
  const nodeOptions = ['--import', './hook.mjs', '--no-warnings']
  assert.equal((await one.run('serve', {}, { nodeOptions })).status, 0)
  assert.deepEqual((await one.fact('daemon'))['execArguments'], nodeOptions)
})

test('2212 from a directory that has been removed', async (t) => {
  const one = selfDaemon(t)
  const cwd = join(one.folder, 'gone')
  mkdirSync(cwd)
  const prefix = ['sh', '-c', 'rmdir "$PWD"; exec "$@"', 'sh']
  const { status, stderr } = await one.run('serve', {}, { cwd, prefix })
  assert.equal(status, 0, stderr)
  assert.equal((await one.fact('daemon'))['directory'], '/')
  assert.throws(() => rmdirSync(cwd))
})

test('2213 a marker that was only inherited is not believed', async (t) => {
  const one = selfDaemon(t)
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  // Another parent; and the right one, but no pipe to it.
  for (const mark of ['1:1:10', `${process.pid}:${started}:10`]) {
    const env = { EUDAEMON_DAEMONIZED: mark }
    assert.equal((await one.run('serve', {}, { env })).status, 0)
  }
  const daemons = one.facts('daemon')
  assert.deepEqual(
    daemons.map((fact) => fact['detached']),
    [true, true],
  )
  for (const daemon of daemons) one.signal(daemon['pid'], 'SIGTERM')
  await one.gone()
})

test('2214 a program from standard input, or in a worker, is told why not', async (t) => {
  const one = selfDaemon(t)
  const face = JSON.stringify(new URL('../../src/daemonize.ts', import.meta.url).href)
  const text = `import { daemonize } from ${face}; await daemonize()`
  const file = join(one.folder, 'worker.mjs')
  writeFileSync(file, text)
  const inWorker = `new (require('node:worker_threads').Worker)('${file}')`
  const asWorker = ['sh', '-c', '"$0" -e "$1"', process.execPath, inWorker]
  const refused = await one.run('serve', {}, { prefix: asWorker })
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /only the main thread[\s\S]*ERR_DAEMON_STEP/)
  const stdin = ['sh', '-c', `printf '%s' '${text}' | "$1" --input-type=module`, 'sh']
  const ended = await one.run('serve', {}, { prefix: stdin })
  assert.equal(ended.status, 111)
  assert.match(ended.stderr, /a program that was read from standard input cannot be executed again/)
})

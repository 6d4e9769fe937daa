// runs-as: nobody
// daemonize() where somebody looks after the program already: it stays, says who that is, and
// ready() speaks to that one. Then onTerminate() and onReload(), which need a living parent.

import assert from 'node:assert/strict'
import { fork, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { run as runCommand } from '../support/command.ts'
import { openHome } from '../support/home.ts'
import { freePort } from '../support/ports.ts'
import { type Facts, type SelfDaemon, selfDaemon } from '../support/self-daemon.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

const hasTool = (name: string): boolean =>
  ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, name)))

function starterOf(fact: Facts): Facts {
  assert.equal(fact['detached'], false)
  return (fact['supervisor'] ?? {}) as Facts
}

/** A supervisor in a session of its own, ended after the test. */
function startPeer(one: SelfDaemon, words: readonly string[]) {
  const [file = '', ...args] = words
  const child = spawn(file, args, { env: { ...one.env }, stdio: 'ignore', detached: true })
  const gone = new Promise((resolve) => child.on('exit', resolve))
  one.atEnd(() => {
    child.kill('SIGTERM')
    return gone
  })
  return child
}

/** A service directory of the daemontools family. */
function serviceDirectory(one: SelfDaemon, mode: string): string {
  const path = join(one.folder, 'service')
  mkdirSync(path)
  const words = one.argv(mode, {}).map((word) => `'${word}'`)
  writeFileSync(join(path, 'run'), `#!/bin/sh\nexec ${words.join(' ')}\n`, { mode: 0o755 })
  return path
}

test('2211 s6: notification-fd', async (t) => {
  if (skipUnless(t, hasTool('s6-supervise'), 'there is no s6')) return
  const one = selfDaemon(t)
  const path = serviceDirectory(one, 'serve')
  writeFileSync(join(path, 'notification-fd'), '3\n')
  startPeer(one, ['s6-supervise', path])
  const waiter = spawn('s6-svwait', ['-U', '-t', '30000', path], { stdio: 'ignore' })
  const waited = new Promise((resolve) => waiter.on('exit', resolve))
  assert.equal(starterOf(await one.fact('daemon'))['by'], 's6')
  assert.equal((await one.fact('ready'))['spoke'], 'fd')
  assert.equal(await waited, 0)
})

test('2212 runit: stays its child', async (t) => {
  if (skipUnless(t, hasTool('runsv'), 'there is no runit')) return
  const one = selfDaemon(t)
  const path = serviceDirectory(one, 'serve')
  const peer = startPeer(one, ['runsv', path])
  const facts = await one.fact('daemon')
  assert.equal(starterOf(facts)['by'], 'runit')
  assert.equal(facts['parent'], peer.pid)
  assert.equal((await one.fact('ready'))['spoke'], 'nothing')
  // It writes into its folder until its end.
  const gone = new Promise((resolve) => peer.on('exit', resolve))
  writeFileSync(join(path, 'supervise/control'), 'dx')
  await gone
})

test('2213 our own supervisor', async (t) => {
  const one = selfDaemon(t)
  const home = openHome(t)
  home.write(
    'eudaemon.toml',
    `[services.web]
     command = ${JSON.stringify(one.argv('serve', {}))}
     ready = { notify-fd = 7, timeout = "30s" }`,
  )
  const up = await home.run(['up', '-d'])
  assert.equal(up.status, 0, up.stderr)
  assert.equal(starterOf(await one.fact('daemon'))['by'], 'eudaemon')
  assert.equal((await home.row('web@1')).ready, true)
})

for (const dialect of ['exec', 'fd=7', 'notify', 'delay=100ms']) {
  test(`2214 eudaemon run --ready ${dialect}: one daemon, not two`, async (t) => {
    const one = selfDaemon(t)
    const args = ['run', '--ready', dialect, '--pid-file', join(one.folder, 'pid'), '--']
    const result = await runCommand([...args, ...one.argv('serve', {})], { env: one.env })
    assert.equal(result.status, 0, result.stderr)
    assert.equal(starterOf(await one.fact('daemon'))['by'], 'eudaemon')
    await one.fact('ready')
    assert.equal(one.left().filter(({ command }) => command.includes('self-daemon')).length, 1)
  })
}

test('2215 eudaemon run --ready forking: it goes into the background by itself', async (t) => {
  const one = selfDaemon(t)
  const pidFile = join(one.folder, 'pid')
  const args = ['run', '--ready', 'forking', '--pid-file', pidFile, '--']
  const result = await runCommand([...args, ...one.argv('serve', { pidFile })], { env: one.env })
  assert.equal(result.status, 0, result.stderr)
  assert.equal((await one.fact('daemon'))['detached'], true)
})

test('2216 inetd: standard input is a connection', async (t) => {
  const one = selfDaemon(t)
  const port = await freePort()
  const activate = 'systemd-socket-activate'
  if (skipUnless(t, hasTool(activate), `there is no ${activate}`)) return
  const at = ['--accept', '--inetd', '-l', `127.0.0.1:${port}`]
  const env = Object.entries(one.env).flatMap(([name, value]) => ['-E', `${name}=${value}`])
  startPeer(one, [activate, ...at, ...env, ...one.argv('serve', {})])
  await until('a connection', () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    t.after(() => socket.destroy())
    return one.facts('daemon').length > 0
  })
  assert.equal(starterOf(await one.fact('daemon'))['by'], 'inetd')
})

test('2217 a child of Node with a channel, a worker of a cluster for example', async (t) => {
  const one = selfDaemon(t)
  const [, file = '', ...args] = one.argv('serve', {})
  const child = fork(file, args, { env: { ...one.env }, stdio: 'ignore' })
  const said = new Promise((resolve) => child.on('message', resolve))
  const starter = starterOf(await one.fact('daemon'))
  assert.equal(starter['by'], 'node')
  assert.match(String(starter['evidence']), new RegExp(`\\(${process.pid}\\)`))
  assert.equal(await said, 'ready')
  const gone = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGTERM')
  assert.equal(await gone, 0)
})

test('2218 detach true and false decide against what is found', async (t) => {
  const one = selfDaemon(t)
  const [, file = '', ...args] = one.argv('serve', { detach: true })
  const child = fork(file, args, { env: { ...one.env }, stdio: 'ignore' })
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0)
  assert.equal((await one.fact('daemon'))['detached'], true)
  const other = selfDaemon(t)
  other.start('serve', { detach: false })
  const facts = await other.fact('daemon')
  assert.deepEqual([facts['detached'], facts['supervisor']], [false, null])
  assert.equal((await other.fact('ready'))['spoke'], 'nothing')
})

test('2219 in place only what was asked for is done, and the C library stays away', async (t) => {
  const one = selfDaemon(t)
  const prefix = ['sh', '-c', 'umask 077; exec "$@"', 'sh']
  one.start('serve', { detach: false }, { prefix })
  const facts = await one.fact('ready')
  const daemon = await one.fact('daemon')
  assert.deepEqual([daemon['umask'], daemon['directory']], [0o077, one.folder])
  assert.equal(facts['koffi'], false)
  const other = selfDaemon(t)
  const options = { detach: false, umask: 0o027, workingDirectory: '/', core: false, pidFile: 'p' }
  const first = other.start('serve', options)
  const changed = await other.fact('daemon')
  assert.deepEqual([changed['umask'], changed['directory']], [0o027, '/'])
  assert.deepEqual(changed['core'], ['0', '0'])
  assert.ok(existsSync(join(other.folder, 'p')))
  const second = await other.run('serve', options)
  assert.equal(second.status, 1)
  assert.match(second.stderr, /already running as process \d+[\s\S]*ERR_ALREADY_RUNNING/)
  await other.fact('ready')
  process.kill(first.pid, 'SIGTERM')
  assert.equal((await first.ended).status, 0)
  assert.ok(!existsSync(join(other.folder, 'p')))
})

const ends: readonly (readonly [
  mode: string,
  signals: readonly NodeJS.Signals[],
  status: number,
])[] = [
  ['serve', ['SIGTERM'], 0],
  ['serve', ['SIGINT'], 0],
  ['slow-end', ['SIGTERM'], 1],
  ['failing-end', ['SIGTERM'], 1],
  ['stuck-end', ['SIGTERM', 'SIGTERM'], 143],
  ['stuck-end', ['SIGTERM', 'SIGINT'], 130],
]

for (const [mode, signals, status] of ends) {
  test(`2220 onTerminate: ${mode}, ${signals.join(' and ')}`, async (t) => {
    const one = selfDaemon(t)
    const first = one.start(mode, { detach: false })
    await one.fact('ready')
    for (const [index, signal] of signals.entries()) {
      process.kill(first.pid, signal)
      if (index === 0 && mode === 'stuck-end') await one.fact('stuck')
    }
    const { status: found, stderr } = await first.ended
    assert.equal(found, status)
    if (mode === 'slow-end') assert.match(stderr, /SIGTERM: the end took longer than 200ms/)
    if (mode === 'failing-end') assert.match(stderr, /SIGTERM: the end failed: Error: no end/)
  })
}

test('2221 onReload: one at a time, and one more for all that came meanwhile', async (t) => {
  const one = selfDaemon(t)
  const home = openHome(t)
  home.write(
    'eudaemon.toml',
    `[services.web]
     command = ${JSON.stringify(one.argv('reload', {}))}
     ready = { notify-fd = 7, timeout = "30s" }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const { pid } = await one.fact('daemon')
  const hangUp = (): true => process.kill(Number(pid), 'SIGHUP')
  hangUp()
  await one.fact('reload')
  for (let count = 0; count < 5; count += 1) hangUp()
  await until('two reloads', () => one.facts('reloaded').length === 2)
  hangUp()
  await until('three reloads', () => one.facts('reloaded').length === 3)
  for (const fact of one.facts('reload')) assert.equal(fact['depth'], 1)
  for (const fact of one.facts('reloaded')) assert.equal(fact['depth'], 0)
})

test('2222 a reload is told by sd_notify, but not before the program is ready', async (t) => {
  const one = selfDaemon(t)
  const args = ['run', '--ready', 'notify', '--']
  const result = await runCommand([...args, ...one.argv('early-reload', {})], { env: one.env })
  assert.equal(result.status, 0, result.stderr)
  const reloads = one.facts('reload').length
  assert.equal(reloads, 1)
  assert.equal((await one.fact('ready'))['spoke'], 'notify')
})

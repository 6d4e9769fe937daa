// runs-as: nobody
// PEP 3143's DaemonContext in real processes: each attribute by its effect.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isRoot } from '../support/rights.ts'
import { exists, selfDaemon } from '../support/self-daemon.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

const fixture = 'daemon-context.ts'
/** Bits of signal(7) in SigIgn: SIGTTIN, SIGTTOU, SIGTSTP. */
const defaultIgnored = (1n << 20n) | (1n << 21n) | (1n << 19n)

test('2221 the defaults', async (t) => {
  const one = selfDaemon(t, fixture)
  const prefix = ['sh', '-c', 'exec 7</dev/zero; exec "$@"', 'sh']
  const ended = await one.run('stay', {}, { prefix })
  assert.deepEqual(ended, { status: 0, stderr: '' })
  const facts = await one.fact('open')
  assert.deepEqual(
    [facts['before'], facts['same'], facts['isOpen']],
    [{ isOpen: false }, true, true],
  )
  assert.deepEqual([facts['directory'], facts['umask']], ['/', 0])
  assert.deepEqual(facts['standard'], ['/dev/null', '/dev/null', '/dev/null'])
  assert.deepEqual(facts['core'], ['0', '0'])
  assert.notEqual(facts['seven'], '/dev/zero')
  const ignored = BigInt(`0x${facts['ignored']}`)
  assert.equal(ignored & defaultIgnored, defaultIgnored)
  one.signal(facts['pid'], 'SIGTSTP')
  one.signal(facts['pid'], 'SIGTERM')
  await one.gone()
})

test('2222 streams, preserved files, umask, directory, PID file', async (t) => {
  const one = selfDaemon(t, fixture)
  const prefix = ['sh', '-c', 'exec 7</dev/zero; exec "$@"', 'sh']
  const [log, pidFile] = [join(one.folder, 'log'), join(one.folder, 'pid')]
  const options = { log, pidFile, filesPreserve: [7], umask: 0o77, workingDirectory: one.folder }
  assert.deepEqual(await one.run('stay', options, { prefix }), { status: 0, stderr: '' })
  const facts = await one.fact('open')
  assert.deepEqual(facts['standard'], ['/dev/null', log, '/dev/null'])
  assert.deepEqual([facts['seven'], facts['umask']], ['/dev/zero', 0o77])
  assert.equal(facts['directory'], one.folder)
  await until('the output', () => readFileSync(log, 'utf8') === 'out\n')
  assert.equal(readFileSync(pidFile, 'utf8').split('\n')[0], String(facts['pid']))
  const second = await one.run('stay', options, { prefix })
  assert.equal(second.status, 1)
  assert.match(second.stderr, /ERR_ALREADY_RUNNING|already running as process/)
  one.signal(facts['pid'], 'SIGTERM')
  await one.gone()
  assert.ok(!exists(pidFile))
})

test('2223 detachProcess false: the steps without the background; terminate', async (t) => {
  const one = selfDaemon(t, fixture)
  const stderr = join(one.folder, 'err')
  const prefix = ['sh', '-c', `exec 8>'${stderr}'; exec "$@"`, 'sh']
  const options = { detachProcess: false, stderr: 8 }
  const first = one.start('stay', options, { prefix })
  const facts = await one.fact('open')
  assert.deepEqual([facts['pid'], facts['directory']], [first.pid, '/'])
  assert.deepEqual(facts['core'], ['0', '0'])
  assert.deepEqual(facts['standard'], ['/dev/null', '/dev/null', stderr])
  process.kill(first.pid, 'SIGTERM')
  assert.equal((await first.ended).status, 1)
  assert.equal(readFileSync(stderr, 'utf8'), 'err\nTerminating on signal 15\n')
})

test('2224 signalMap: a method, a function, null; and a word that is no method', async (t) => {
  const one = selfDaemon(t, fixture)
  const first = one.start('signals', { detachProcess: false, preventCore: false })
  const facts = await one.fact('open')
  assert.equal(BigInt(`0x${facts['ignored']}`) & defaultIgnored, 1n << 20n)
  process.kill(first.pid, 'SIGUSR1')
  process.kill(first.pid, 'SIGUSR2')
  assert.equal((await one.fact('waved'))['signal'], 'SIGUSR1')
  const { signal, number } = await one.fact('function')
  assert.deepEqual([signal, number], ['SIGUSR2', 12])
  process.kill(first.pid, 'SIGTERM')
  assert.equal((await first.ended).status, 1)
  const wrong = await one.run('no-method', {})
  assert.equal(wrong.status, 1)
  assert.match(wrong.stderr, /option 'signalMap': the context has no method 'isOpen'/)
})

test('2225 await using closes it', async (t) => {
  const one = selfDaemon(t, fixture)
  const pidFile = join(one.folder, 'pid')
  const first = await one.run('using', { pidFile, detachProcess: false })
  assert.equal(first.status, 0, first.stderr)
  assert.match(String((await one.fact('open'))['held']), /^\d+\neudaemon: /)
  assert.equal((await one.fact('closed'))['isOpen'], false)
  assert.ok(!exists(pidFile))
})

test('2226 uid, gid, initgroups', async (t) => {
  const one = selfDaemon(t, fixture)
  if (skipUnless(t, isRoot, 'only root can become another user')) return
  const pidFile = join(one.folder, 'pid')
  for (const [initgroups, groups] of [
    [true, [65534]],
    [false, []],
  ] as const) {
    const options = { uid: 65534, gid: 65534, initgroups, pidFile }
    assert.deepEqual(await one.run('stay', options), { status: 0, stderr: '' })
    const facts = one.facts('open').at(-1) ?? {}
    assert.deepEqual(facts['uids'], [65534, 65534, 65534, 65534])
    assert.deepEqual(facts['gids'], [65534, 65534, 65534, 65534])
    assert.deepEqual(facts['groups'], groups)
    one.signal(facts['pid'], 'SIGTERM')
    await one.gone()
  }
})

test('2227 chrootDirectory', async (t) => {
  const one = selfDaemon(t, fixture)
  const root = join(one.folder, 'root')
  mkdirSync(join(root, 'inside'), { recursive: true })
  const options = { chrootDirectory: root, workingDirectory: '/inside', pidFile: '/tmp/x' }
  if (!isRoot) {
    const { status, stderr } = await one.run('root', { chrootDirectory: root })
    assert.equal(status, 1)
    assert.match(stderr, /cannot change the root directory to '.*': chroot .*EPERM/)
    return
  }
  const pidFile = join(one.folder, 'pid')
  const ended = await one.run('root', { ...options, pidFile, uid: 65534, gid: 65534 })
  assert.deepEqual(ended, { status: 0, stderr: '' })
  const facts = await one.fact('open')
  assert.deepEqual([facts['entries'], facts['uid']], [['inside'], 65534])
  const [process_] = one.left()
  assert.equal(readFileSync(pidFile, 'utf8').split('\n')[0], String(process_?.pid))
})

test('2228 a step that fails in the second process is told by the first', async (t) => {
  const one = selfDaemon(t, fixture)
  const ended = await one.run('stay', { workingDirectory: '/no/such' })
  assert.equal(ended.status, 1)
  assert.match(ended.stderr, /cannot enter the working directory '\/no\/such': .*ENOENT/)
  assert.deepEqual(one.left(), [])
})

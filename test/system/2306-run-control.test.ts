// runs-as: nobody
// The life of a daemon after its start, by its PID file: status, signals, reload,
// restart, stop; and its lines in syslog.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { program } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

/** Writes the names of the signals that it gets into the file. */
const listener = `
for s in HUP USR1 USR2 INT; do trap "echo $s >>$0" $s; done
trap 'echo TERM >>$0; exit 0' TERM
echo ready
while :; do sleep 0.01; done`

function pidOf(place: Daemons): number {
  return Number(place.read('d.pid').split('\n')[0])
}

async function startListener(place: Daemons): Promise<readonly string[]> {
  place.write('heard', '')
  const file = ['-p', place.path('d.pid')]
  const command = ['--', 'sh', '-c', listener, place.path('heard')]
  const started = await place.run([...file, '--ready', 'log=^ready$', ...command])
  assert.equal(started.status, 0, started.stderr)
  return file
}

function heard(place: Daemons, text: string): Promise<unknown> {
  return until(`it to hear ${text}`, () => place.read('heard') === text)
}

test('signals reach it, by name and by number', async (context) => {
  const place = openDaemons(context)
  const file = await startListener(place)
  let text = ''
  for (const [words, name] of [
    [['--signal', 'USR1'], 'USR1'],
    [['--signal', 'SIGUSR2'], 'USR2'],
    [['--signal', '2'], 'INT'],
    [['--reload'], 'HUP'],
    [['--reload', '--reload-signal', 'USR2'], 'USR2'],
  ] as const) {
    const { status, stdout, stderr } = await place.run([...file, ...words])
    assert.deepEqual([status, stdout, stderr], [0, '', ''], name)
    text += `${name}\n`
    await heard(place, text)
  }
  const stopped = await place.run([...file, '--stop'])
  assert.deepEqual([stopped.status, stopped.stderr], [0, ''])
  assert.equal(place.read('heard'), `${text}TERM\n`)
  for (const words of [['--signal', 'USR1'], ['--reload']]) {
    const gone = await place.run([...file, ...words])
    assert.equal(gone.status, 3)
    assert.match(gone.stderr, /not running; SIG\w+ was not sent/)
  }
})

test('its status: 0, 1, 3, 4 as in LSB', async (context) => {
  const place = openDaemons(context)
  const file = ['-p', place.path('d.pid')]
  const ask = async (): Promise<readonly [number, string]> => {
    const { status, stdout } = await place.run([...file, '--status'])
    return [status, stdout.replace(/^'.*?': /, '')]
  }
  assert.deepEqual(await ask(), [3, 'not running\n'])
  assert.equal((await place.run([...file, '--', 'sleep', '1000'])).status, 0)
  const pid = pidOf(place)
  assert.deepEqual(await ask(), [0, `running as process ${pid}\n`])
  process.kill(pid, 'SIGSTOP')
  assert.deepEqual(await ask(), [0, `running as process ${pid}\n`])
  process.kill(pid, 'SIGKILL')
  await place.over()
  const [status, text] = await ask()
  assert.equal(status, 1)
  assert.match(text, /^dead, but the PID file exists/)
  place.write('d.pid', `${process.pid}\n`)
  assert.equal((await ask())[0], 4)
  place.write('d.pid', 'no number\n')
  assert.equal((await ask())[0], 4)
  place.remove('d.pid')
  assert.deepEqual(await ask(), [3, 'not running\n'])
})

test('stop: once more, a stale file, a stopped one, a deaf one', async (context) => {
  const place = openDaemons(context)
  const file = ['-p', place.path('d.pid')]
  const none = await place.run([...file, '--stop'])
  assert.equal(none.status, 0)
  assert.match(none.stderr, /not running/)
  assert.equal((await place.run([...file, '--', 'sleep', '1000'])).status, 0)
  process.kill(pidOf(place), 'SIGKILL')
  await place.over()
  assert.equal((await place.run([...file, '--stop'])).status, 0)
  assert.equal(place.exists('d.pid'), false)
  await startListener(place)
  process.kill(pidOf(place), 'SIGSTOP')
  const paused = await place.run([...file, '--stop'])
  assert.deepEqual([paused.status, paused.stderr], [0, ''])
  assert.equal(place.read('heard'), 'TERM\n')
  const deaf = [
    '--ready',
    'log=^ready$',
    '--',
    'sh',
    '-c',
    'trap "" TERM; echo ready; exec sleep 1000',
  ]
  assert.equal((await place.run([...file, ...deaf])).status, 0)
  const killed = await place.run([...file, '--stop', '--stop-timeout', '100ms'])
  assert.equal(killed.status, 0)
  assert.match(killed.stderr, /process \d+ had to be killed\n$/)
  assert.equal(place.exists('d.pid'), false)
  await startListener(place)
  const other = await place.run([...file, '--stop', '--stop-signal', 'KILL'])
  assert.deepEqual([other.status, other.stderr, place.read('heard')], [0, '', ''])
})

test('who waits for an end can be interrupted, and the daemon lives', async (context) => {
  const place = openDaemons(context)
  const file = ['-p', place.path('d.pid')]
  const script = 'trap "echo >&2 no" TERM; echo ready; while :; do sleep 0.01; done'
  const out = ['--stderr', place.path('err'), '--ready', 'log=^ready$']
  assert.equal((await place.run([...file, ...out, '--', 'sh', '-c', script])).status, 0)
  const waiting = place.start([...file, '--stop', '--stop-timeout', '1h'])
  await until('the signal to be heard', () => place.read('err') === 'no\n')
  waiting.signal('SIGINT')
  assert.equal((await waiting.ended).status, 130)
  assert.equal((await place.run([...file, '--status'])).status, 0)
  assert.equal((await place.run([...file, '--stop', '--stop-timeout', '1ms'])).status, 0)
})

test('restart: another process under the same file, also when none ran', async (context) => {
  const place = openDaemons(context)
  const file = ['-p', place.path('d.pid')]
  const command = ['--ready', 'delay=1ms', '--', 'sleep', '1000']
  const first = await place.run([...file, '--restart', ...command])
  assert.equal(first.status, 0, first.stderr)
  const before = pidOf(place)
  const second = await place.run([...file, '--restart', ...command])
  assert.equal(second.status, 0, second.stderr)
  const after = pidOf(place)
  assert.notEqual(after, before)
  assert.deepEqual(
    place.left().flatMap(({ pid, command }) => (command.startsWith('sleep') ? [pid] : [])),
    [after],
  )
  const bad = await place.run([...file, '--restart', '--', 'no-such-program'])
  assert.equal(bad.status, 127, bad.stderr)
  const status = await place.run([...file, '--status'])
  assert.equal(status.status, 0, 'what runs is not stopped for a command that cannot be started')
  await place.run([...file, '--stop'])
})

/** A syslog daemon for those who are run by the prefix; gives what it was told. */
async function openSyslog(place: Daemons): Promise<{
  readonly prefix: readonly string[]
  lines(): readonly string[]
  close(): Promise<unknown>
}> {
  const socket = place.path('log.socket')
  const child = spawn('python3', [program('syslog-listener.py'), socket], { stdio: 'pipe' })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const ended = new Promise((done) => child.on('close', done))
  await until('the listener', () => text.includes('listening'))
  const dev = place.path('dev')
  mkdirSync(dev)
  const script = `set -e; mount -t tmpfs none ${dev}
    for n in null zero full tty urandom; do : >${dev}/$n; mount --bind /dev/$n ${dev}/$n; done
    : >${dev}/log; mount --bind ${socket} ${dev}/log; mount --bind ${dev} /dev
    mount --rbind ${dev} /dev; exec "$@"`
  const prefix = ['unshare', '--mount', 'sh', '-c', script, 'sh']
  return {
    prefix,
    lines: () => text.trim().split('\n').slice(1),
    close: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

test('its output goes to syslog, and so does the report of a failed start', async (context) => {
  if (skipUnless(context, isRoot, 'needs root for a /dev/log of its own')) return
  const place = openDaemons(context)
  const { prefix, lines, close } = await openSyslog(place)
  const words = ['--stdout', 'syslog', '--stderr', 'syslog', '--name', 'web', '--ready']
  const first = 'echo "hello — world"; echo oops >&2; echo serving'
  const script = `${first}; sleep 0.2; echo later; exec sleep 1000`
  const file = ['-p', place.path('d.pid')]
  const started = await place.run([...file, ...words, 'log=^serving$', '--', 'sh', '-c', script], {
    prefix,
  })
  assert.equal(started.status, 0, started.stderr)
  const has = (pattern: RegExp): boolean => lines().some((line) => pattern.test(line))
  await until('the last line', () => has(/later/))
  const all = lines().join('\n')
  assert.match(all, /^<30>.* web(?:\[\d+\])?: later$/m)
  assert.match(all, /^<30>.* web(?:\[\d+\])?: hello — world$/m)
  assert.match(all, /^<27>.* web(?:\[\d+\])?: oops$/m)
  await place.run([...file, '--stop'])
  const failed = await place.run(
    ['--syslog', ...words, 'notify', '--', 'sh', '-c', 'echo "bad table" >&2; exit 3'],
    { prefix },
  )
  assert.equal(failed.status, 3)
  await until('the report', () => has(/web.*: .*exit 3/))
  await until('its words', () => has(/web.*: bad table/))
  await close()
})

test('without a syslog daemon nothing is started that would log there', async (context) => {
  if (existsSync('/dev/log')) return context.skip('there is a syslog daemon')
  const place = openDaemons(context)
  const words = ['-p', place.path('d.pid'), '--stderr', 'syslog', '--', 'sleep', '1000']
  const { status, stderr } = await place.run(words)
  assert.equal(status, 111)
  assert.match(stderr, /cannot write to syslog: there is no \/dev\/log/)
  assert.deepEqual(place.left(), [])
  assert.equal(place.exists('d.pid'), false)
})

// runs-as: nobody
// Commands that go into the background by themselves, well and badly: their PID file is believed
// only when it names a process that they have started.

import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import type { SeenProcess } from '../support/processes.ts'
import { until } from '../support/until.ts'

interface Outcome {
  readonly status: number
  readonly stderr: string
}

/** Runs a shell script under --ready forking; `$F` is its PID file. */
function fork(place: Daemons, script: string, words: readonly string[] = []): Promise<Outcome> {
  const file = place.path('d.pid')
  return place.run([
    ...['--ready', 'forking', '--ready-timeout', '20s', '--stop-timeout', '200ms', ...words],
    ...['-p', file, '--env', `F=${file}`, '--', 'sh', '-c', script],
  ])
}

function sleeper(place: Daemons): SeenProcess {
  const found = place.left().filter(({ command }) => command.startsWith('sleep'))
  assert.equal(found.length, 1, JSON.stringify(place.left()))
  return found[0] as SeenProcess
}

async function stopIt(place: Daemons): Promise<void> {
  const file = place.path('d.pid')
  const status = await place.run(['-p', file, '--status'])
  assert.equal(status.status, 0, status.stdout)
  const stopped = await place.run(['-p', file, '--stop'])
  assert.deepEqual([stopped.status, stopped.stderr], [0, ''])
  // Who reads its standard error ends when nobody can write there any more.
  await place.over()
  assert.equal(existsSync(file), false)
  assert.equal(existsSync(`${file}.identity`), false)
}

test('its PID file comes early, late, or with blanks', async (context) => {
  const place = openDaemons(context)
  const scripts = [
    'sleep 1000 & echo $! >$F',
    '(sleep 1000 & sleep 0.2; echo $! >$F) & exit 0',
    'sleep 1000 & printf " %s \\n" $! >$F',
    'sleep 1000 & printf %s $! >$F',
    'setsid sh -c "sleep 1000 & echo \\$! >$F"',
    'sleep 1000 & echo $! >$F.tmp; mv $F.tmp $F',
  ]
  for (const script of scripts) {
    const { status, stderr } = await fork(place, script)
    assert.equal(status, 0, `${script}: ${stderr}`)
    assert.equal(place.read('d.pid').trim(), String(sleeper(place).pid), script)
    await stopIt(place)
  }
})

test('it locks its PID file itself, in each of the ways', async (context) => {
  const place = openDaemons(context)
  for (const lock of ['fcntl.lockf', 'fcntl.flock']) {
    const program = `
import fcntl, os, sys, time
if os.fork(): os._exit(0)
os.setsid()
file = open(sys.argv[1], 'a')
try: ${lock}(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError as error: sys.exit('another copy runs: %s' % error)
file.truncate(0)
file.write('%d\\n' % os.getpid())
file.flush()
time.sleep(1000)`
    const file = place.path('d.pid')
    const words = ['--ready', 'forking', '--ready-timeout', '20s', '-p', file]
    const { status, stderr } = await place.run([...words, '--', 'python3', '-c', program, file])
    assert.equal(status, 0, `${lock}: ${stderr}`)
    const again = await place.run([...words, '--', 'python3', '-c', program, file])
    assert.equal(again.status, 1, again.stderr)
    assert.match(again.stderr, /already running as process \d+/)
    await stopIt(place)
  }
})

test('a PID file of an earlier life is no answer', async (context) => {
  const place = openDaemons(context)
  const gone = await place.run([
    '--ready',
    'delay=1ms',
    '-p',
    place.path('gone'),
    '--',
    'sleep',
    '9',
  ])
  assert.equal(gone.status, 0, gone.stderr)
  const [old = ''] = place.read('gone').split('\n')
  await place.run(['-p', place.path('gone'), '--stop'])
  await place.over()
  place.write('d.pid', `${old}\n`)
  const { status, stderr } = await fork(place, '(sleep 1000 & sleep 0.3; echo $! >$F) & exit 0')
  assert.equal(status, 0, stderr)
  assert.equal(place.read('d.pid').trim(), String(sleeper(place).pid))
  await stopIt(place)
})

test('a PID file that names somebody else is no answer, and he is left alone', async (context) => {
  const place = openDaemons(context)
  const script = `sleep 1000 & echo ${process.pid} >$F`
  const late = await fork(place, script, ['--ready-timeout', '200ms'])
  assert.equal(late.status, 2, late.stderr)
  assert.match(late.stderr, new RegExp(`names process ${process.pid}, which the command has not`))
  assert.deepEqual(place.left(), [])
  // He lives, so whose file it is cannot be told.
  const status = await place.run(['-p', place.path('d.pid'), '--status'])
  assert.equal(status.status, 4, status.stdout)
  const again = await fork(place, script)
  assert.equal(again.status, 1, again.stderr)
  assert.match(again.stderr, /nothing proves that process/)
})

test('without a usable PID file it says what it found', async (context) => {
  const place = openDaemons(context)
  const cases: readonly (readonly [script: string, said: RegExp])[] = [
    ['sleep 1000 & exit 0', /there is no PID file '/],
    ['sleep 1000 & echo soon >$F', /holds no process number/],
    ['sleep 1000 & echo 4194303 >$F', /names process 4194303, which does not live/],
    ['sleep 1000 & : >$F', /holds no process number/],
  ]
  for (const [script, said] of cases) {
    const { status, stderr } = await fork(place, script, ['--ready-timeout', '150ms'])
    assert.equal(status, 2, `${script}: ${stderr}`)
    assert.match(stderr, said, script)
    assert.deepEqual(place.left(), [], script)
    rmSync(place.path('d.pid'), { force: true })
  }
})

test('it ends after it has gone into the background', async (context) => {
  const place = openDaemons(context)
  const scripts = [
    'exit 0',
    '(sleep 0.1; echo "no such table" >&2; exit 1) & exit 0',
    '(echo $$ >$F; sleep 0.1; kill -9 $$) & exit 0',
  ]
  for (const script of scripts) {
    const { status, stderr } = await fork(place, script)
    assert.equal(status, 1, `${script}: ${stderr}`)
    assert.match(stderr, /it went into the background, but no process of it is left\n$/)
    if (script.includes('table')) assert.match(stderr, /^no such table\n/)
    assert.deepEqual(place.left(), [], script)
    assert.equal(existsSync(place.path('d.pid')), false, script)
  }
})

test('late, it is ended with its PID file', async (context) => {
  const place = openDaemons(context)
  const script = 'echo $$ >$F; trap "" TERM; setsid sleep 1000 & while :; do sleep 1000; done'
  const { status, stderr } = await fork(place, script, ['--ready-timeout', '150ms'])
  assert.equal(status, 2, stderr)
  assert.match(stderr, /it has not gone into the background/)
  assert.deepEqual(place.left(), [])
  assert.equal(existsSync(place.path('d.pid')), false)
})

test('without --pid-file the one process that it left is the daemon', async (context) => {
  const place = openDaemons(context)
  const words = ['--ready', 'forking', '--ready-timeout', '200ms', '--', 'sh', '-c']
  const one = await place.run([...words, 'sleep 1000 & exit 0'])
  assert.deepEqual([one.status, one.stderr], [0, ''])
  process.kill(sleeper(place).pid, 'SIGKILL')
  await place.over()
  const two = await place.run([...words, 'sleep 1000 & sleep 1001 & exit 0'])
  assert.equal(two.status, 2, two.stderr)
  assert.match(two.stderr, /it left 2 processes \(\d+, \d+\); name its PID file with --pid-file/)
  assert.deepEqual(place.left(), [])
})

test('notify: the PID file follows the main process that the daemon names', async (context) => {
  const place = openDaemons(context)
  const program = `
import os, socket, sys, time
child = os.fork()
if child == 0:
    time.sleep(1000)
link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
link.connect(os.environ['NOTIFY_SOCKET'])
link.send(b'MAINPID=%d\\nREADY=1' % child)`
  const file = place.path('d.pid')
  const words = ['--ready', 'notify', '-p', file, '--', 'python3', '-c', program]
  const { status, stderr } = await place.run(words)
  assert.equal(status, 0, stderr)
  const named = Number(place.read('d.pid').split('\n')[0])
  await until('the first process to be gone', () => place.left().length <= 2)
  assert.ok(place.left().some(({ pid }) => pid === named))
  await stopIt(place)
})

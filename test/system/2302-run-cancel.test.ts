// runs-as: nobody
// Whoever waits for a daemon goes away: by Ctrl-C, by a signal, with the terminal,
// by kill -9, or only stops reading. A start that is cancelled leaves nothing; one whose waiter was
// killed is whole or never began.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { freePort } from '../support/ports.ts'
import { program } from '../support/programs.ts'
import { until } from '../support/until.ts'

const onTerminal = ['python3', program('on-terminal.py')]

/** Says that it has started, and is deaf to what a terminal or a shell sends its group. */
const slow = 'trap "" HUP INT; setsid sleep 1001 & echo starting >&2; while :; do sleep 1000; done'

function wordsFor(place: Daemons, ready: string): readonly string[] {
  const words = ['--ready', ready, '--stop-timeout', '1s', '-p', place.path('d.pid')]
  return [...words, '--', 'sh', '-c', slow]
}

function expectNothingLeft(place: Daemons, label: string): void {
  assert.deepEqual(place.left(), [], label)
  assert.equal(existsSync(place.path('d.pid')), false, label)
}

test('SIGINT cancels the start, in every dialect', async (context) => {
  const place = openDaemons(context)
  const port = await freePort()
  const words = ['stderr-closed', 'fd=3', 'notify', 'signal', 'stop', 'forking', 'log=x']
  for (const ready of [...words, `tcp=${port}`, `http=http://127.0.0.1:${port}/`, 'delay=1h']) {
    const running = place.start(wordsFor(place, ready))
    await running.prints('starting')
    running.signal('SIGINT')
    const { status, stderr } = await running.ended
    assert.equal(status, 130, `${ready}: ${stderr}`)
    assert.match(stderr, /^starting\neudaemon: sh: cancelled\n$/, ready)
    expectNothingLeft(place, ready)
  }
})

test('a second Ctrl-C does not wait for the stop timeout', async (context) => {
  const place = openDaemons(context)
  const deaf = 'trap "" TERM INT; echo starting >&2; while :; do sleep 0.01; done'
  const words = ['--ready', 'notify', '--stop-timeout', 'never', '-p', place.path('d.pid')]
  const running = place.start([...words, '--', 'sh', '-c', deaf])
  await running.prints('starting')
  running.signal('SIGINT')
  running.signal('SIGTERM')
  assert.equal((await running.ended).status, 130)
  expectNothingLeft(place, 'twice')
})

test('SIGTERM and SIGHUP do too, each with its exit status', async (context) => {
  const place = openDaemons(context)
  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const running = place.start(wordsFor(place, 'notify'))
    await running.prints('starting')
    running.signal(signal)
    assert.equal((await running.ended).status, expected)
    expectNothingLeft(place, signal)
  }
})

test('a signal at any moment of the start: nothing is left, or it was ready', async (context) => {
  const place = openDaemons(context)
  for (let ms = 0; ms < 120; ms += 4) {
    const words = ['--ready', 'delay=20ms', '-p', place.path('d.pid'), '--', 'sleep', '1000']
    const running = place.start(words)
    await new Promise((done) => setTimeout(done, ms))
    running.signal('SIGTERM')
    const { status, stderr } = await running.ended
    assert.ok(status === 0 || status === 143, `${ms}: ${stderr}`)
    // Killed without a word: before it could listen, or when it had done its work.
    if (stderr === '' && place.exists('d.pid')) {
      assert.equal((await place.run(['-p', place.path('d.pid'), '--stop'])).status, 0)
      await place.over()
    }
    expectNothingLeft(place, `after ${ms} ms`)
  }
})

test('Ctrl-C on a terminal', async (context) => {
  const place = openDaemons(context)
  const running = place.start(wordsFor(place, 'notify'), { prefix: onTerminal })
  await running.prints('starting')
  running.types('\x03')
  const { status, stdout } = await running.ended
  assert.equal(status, 130, stdout)
  assert.match(stdout, /cancelled/)
  expectNothingLeft(place, 'Ctrl-C')
})

test('the terminal is closed while we wait', async (context) => {
  const place = openDaemons(context)
  const running = place.start(wordsFor(place, 'notify'), { prefix: onTerminal })
  await running.prints('starting')
  running.signal('SIGKILL')
  await running.ended
  await place.over()
  expectNothingLeft(place, 'hung up')
})

test('nobody reads what we relay: the start goes on', async (context) => {
  const place = openDaemons(context)
  const chatty = `echo one >&2; until [ -e ${place.path('go')} ]; do sleep 0.01; done
    i=0; while [ $i -lt 5000 ]; do echo "words and more words" >&2; i=$((i+1)); done
    echo serving; exec sleep 1000`
  const words = ['--ready', 'log=^serving$', '-p', place.path('d.pid'), '--', 'sh', '-c', chatty]
  const ways = {
    'closed pipe': '"$@" 2>&1 | { head -n 1; exec <&-; touch "$go"; }',
    'full disk': 'touch "$go"; "$@" 2>/dev/full',
    'closed descriptor': 'touch "$go"; "$@" 2>&-',
    'closed altogether': 'touch "$go"; "$@" <&- >&- 2>&-',
  }
  for (const [name, script] of Object.entries(ways)) {
    const prefix = ['env', `go=${place.path('go')}`, 'sh', '-c', script, 'sh']
    await place.run(words, { prefix })
    await until('the daemon to be ready', () => existsSync(place.path('d.pid')))
    const status = await until(`${name}: the end of the start`, async () => {
      const found = await place.run(['-p', place.path('d.pid'), '--status'])
      return found.status !== 3 && found
    })
    assert.equal(status.status, 0, `${name}: ${status.stdout}`)
    await until('it to serve', () => place.left().some(({ command }) => command === 'sleep 1000'))
    assert.equal((await place.run(['-p', place.path('d.pid'), '--stop'])).status, 0, name)
    await place.over()
    place.remove('go')
  }
})

test('kill -9 of the one who waits: whole, or never begun', async (context) => {
  const place = openDaemons(context)
  const pidFile = place.path('d.pid')
  const script = `echo $$ >${place.path('ran')}; exec sleep 1000`
  const counts = { never: 0, whole: 0 }
  for (let ms = 20; ms < 110; ms += 3) {
    const words = ['--ready', 'delay=1h', '-p', pidFile, '--', 'sh', '-c', script]
    const running = place.start(words)
    await new Promise((done) => setTimeout(done, ms))
    running.signal('SIGKILL')
    await running.ended
    // Who waits at the gate ends by itself; what runs is known by its PID file.
    await until('no shell', () => place.left().every(({ command }) => command === 'sleep 1000'))
    const isRunning = place.left().length > 0
    const { status, stdout } = await place.run(['-p', pidFile, '--status'])
    if (isRunning) {
      counts.whole += 1
      assert.equal(status, 0, stdout)
      assert.equal(place.read('ran').trim(), place.read('d.pid').split('\n')[0])
    } else {
      counts.never += 1
      assert.equal(existsSync(place.path('ran')), false, `${ms}: it ran and is gone: ${stdout}`)
      assert.ok(status === 3 || status === 1, stdout)
    }
    assert.equal((await place.run(['-p', pidFile, '--stop'])).status, 0)
    await place.over()
    for (const name of ['ran', 'd.pid']) place.remove(name)
  }
  context.diagnostic(JSON.stringify(counts))
})

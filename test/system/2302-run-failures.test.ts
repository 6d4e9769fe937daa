// runs-as: nobody
// A daemon that does not become ready, in every dialect: its message is on the terminal, the exit
// status says what happened, and nothing of it is left, however far its processes have run away.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { freePort } from '../support/ports.ts'

/** All that wait for more than the exec. */
async function waitingDialects(): Promise<Readonly<Record<string, string>>> {
  const port = await freePort()
  const words = ['stderr-closed', 'fd=3', 'notify', 'signal', 'stop', 'forking', 'log=^serving$']
  const asked = [`tcp=${port}`, `http=http://127.0.0.1:${port}/`, 'delay=1min']
  return Object.fromEntries([...words, ...asked].map((word) => [word.split('=')[0] ?? '', word]))
}

/** At the moment at which the command has ended. */
function expectNothingLeft(place: Daemons, dialect: string): void {
  const left = place.left().map(({ pid, state, command }) => `${pid} ${state} ${command}`)
  assert.deepEqual(left, [], `${dialect}: left over`)
  assert.equal(existsSync(place.path('d.pid')), false, `${dialect}: the PID file is left`)
}

test('it says why and fails: its words and its exit status are ours', async (context) => {
  const place = openDaemons(context)
  for (const [name, word] of Object.entries(await waitingDialects())) {
    const script = 'echo "bad config: naïve → line 3" >&2; exit 3'
    const words = ['--ready', word, '-p', place.path('d.pid'), '--', 'sh', '-c', script]
    const { status, stdout, stderr } = await place.run(words)
    assert.equal(status, 3, `${name}: ${stderr}`)
    assert.equal(stdout, '', name)
    assert.match(stderr, /^bad config: naïve → line 3\neudaemon: sh: [^\n]*exit 3\n$/, name)
    expectNothingLeft(place, name)
  }
})

test('it is killed by a signal: 128 and the number, the name in the message', async (context) => {
  const place = openDaemons(context)
  for (const [name, word] of Object.entries(await waitingDialects())) {
    for (const [signal, number] of Object.entries({ SEGV: 11, KILL: 9 })) {
      const script = `echo starting >&2; kill -${signal} $$`
      const words = ['--ready', word, '-p', place.path('d.pid'), '--', 'sh', '-c', script]
      const { status, stderr } = await place.run(words)
      assert.equal(status, 128 + number, `${name}: ${stderr}`)
      assert.match(stderr, new RegExp(`^starting\neudaemon: sh: .*SIG${signal}`), name)
      expectNothingLeft(place, name)
    }
  }
})

test('it ends with 0 and was never ready: that is a failure', async (context) => {
  const place = openDaemons(context)
  for (const [name, word] of Object.entries(await waitingDialects())) {
    const words = ['--ready', word, '-p', place.path('d.pid'), '--', 'true']
    const { status, stderr } = await place.run(words)
    assert.equal(status, 1, `${name}: ${stderr}`)
    assert.match(stderr, /^eudaemon: true: \S/, name)
    expectNothingLeft(place, name)
  }
})

/** A family that does not want to end: in sessions of their own, orphaned, deaf to SIGTERM. */
const family = `trap '' TERM
sleep 1000 &
(setsid sh -c 'trap "" TERM HUP; sleep 1001 & sleep 1002' </dev/null >/dev/null 2>&1 3>&- &)
(setsid setsid -f sleep 1003 &)
echo family >&2
while :; do sleep 1004; done`

test('it is not ready in time: ended with everybody who descends from it', async (context) => {
  const place = openDaemons(context)
  for (const [name, word] of Object.entries(await waitingDialects())) {
    const times = ['--ready-timeout', '150ms', '--stop-timeout', '100ms']
    const words = ['--ready', word, ...times, '-p', place.path('d.pid'), '--', 'sh', '-c', family]
    const { status, stderr } = await place.run(words)
    assert.equal(status, 2, `${name}: ${stderr}`)
    assert.match(stderr, /^family\neudaemon: sh: it was not ready within 150 ?ms/, name)
    expectNothingLeft(place, name)
  }
})

test('it may be left alone when it is late', async (context) => {
  const place = openDaemons(context)
  const pidFile = place.path('d.pid')
  for (const [name, word] of Object.entries(await waitingDialects())) {
    const words = ['--ready', word, '--ready-timeout', '100ms', '--keep-on-timeout', '-p', pidFile]
    const { status, stderr } = await place.run([...words, '--', 'sleep', '1000'])
    assert.equal(status, 2, `${name}: ${stderr}`)
    const living = place.left().filter(({ command }) => command === 'sleep 1000')
    assert.deepEqual(living.length, 1, name)
    if (name === 'forking') {
      process.kill(living[0]?.pid ?? 0, 'SIGKILL')
    } else {
      assert.equal(place.read('d.pid').split('\n')[0], String(living[0]?.pid), name)
      const stopped = await place.run(['-p', pidFile, '--stop'])
      assert.equal(stopped.status, 0, `${name}: ${stopped.stderr}`)
    }
    await place.over()
    expectNothingLeft(place, name)
  }
})

test('a polite one ends by the stop signal, with its last words', async (context) => {
  const place = openDaemons(context)
  const onUsr2 = 'echo "usr2: bye" >&2; exit 0'
  const script = `trap '${onUsr2}' USR2; echo up >&2; while :; do sleep 0.01; done`
  const times = ['--ready-timeout', '150ms', '--stop-signal', 'USR2']
  const { status, stderr } = await place.run([
    ...['--ready', 'notify', ...times, '--', 'sh', '-c', script],
  ])
  assert.equal(status, 2, stderr)
  assert.match(stderr, /^up\nusr2: bye\neudaemon: sh: it was not ready/)
  expectNothingLeft(place, 'notify')
})

test('exec: executed is all that is asked for, and what fails sooner fails', async (context) => {
  const place = openDaemons(context)
  const done = await place.run(['--', 'true'])
  assert.deepEqual([done.status, done.stderr], [0, ''])
  // It may have been executed, and seen, before it ends.
  const failed = await place.run(['-p', place.path('d.pid'), '--', 'sh', '-c', 'exit 3'])
  assert.ok(failed.status === 0 || failed.status === 3, failed.stderr)
  await place.over()
  const status = await place.run(['-p', place.path('d.pid'), '--status'])
  assert.ok(status.status === 1 || status.status === 3, status.stdout)
})

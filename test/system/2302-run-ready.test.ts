// runs-as: nobody
// Every dialect in its own words: the prompt comes back when the daemon says so and not before, and
// the daemon runs on.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { openDaemons } from '../support/daemons.ts'
import { freePort } from '../support/ports.ts'
import { program } from '../support/programs.ts'
import { until } from '../support/until.ts'

/** What a shell does to be ready, and goes on living. */
const words: Readonly<Record<string, string>> = {
  'stderr-closed': 'exec 2>&-',
  'fd=3': 'echo >&3',
  'fd=7': 'printf "almost" >&7; echo >&7; exec 7>&-',
  signal: 'kill -USR1 $PPID',
  stop: 'kill -STOP $$',
  'log=^now$': 'echo now',
  notify: `python3 -c 'import os, socket
link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
link.sendto(b"STATUS=half way", os.environ["NOTIFY_SOCKET"])
link.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])'`,
}

for (const [ready, act] of Object.entries(words)) {
  test(`${ready}: not before it says so`, async (context) => {
    const place = openDaemons(context)
    const script = `until [ -e ${place.path('go')} ]; do sleep 0.01; done
      : >${place.path('said')}; ${act}; exec sleep 1000`
    const running = place.start([
      ...['--ready', ready, '--ready-timeout', '30s', '-p', place.path('d.pid')],
      ...['--', 'sh', '-c', `echo started >&2; ${script}`],
    ])
    await running.prints('started')
    assert.equal(existsSync(place.path('said')), false)
    place.write('go', '')
    const { status, stdout, stderr } = await running.ended
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '')
    assert.equal(stderr, ready === 'notify' ? 'started\nsh: half way\n' : 'started\n')
    assert.equal(place.exists('said'), true)
    await until('it to go on', () => place.left().some(({ command }) => command === 'sleep 1000'))
    const file = ['-p', place.path('d.pid')]
    assert.equal((await place.run([...file, '--status'])).status, 0)
    assert.equal((await place.run([...file, '--stop'])).status, 0)
  })
}

test('SIGUSR1 to the one who waits: once too often, or where it says nothing', async (context) => {
  const place = openDaemons(context)
  const file = ['-p', place.path('d.pid')]
  const twice = 'kill -USR1 $PPID; kill -USR1 $PPID; exec sleep 1000'
  const ready = await place.run([...file, '--ready', 'signal', '--', 'sh', '-c', twice])
  assert.deepEqual([ready.status, ready.stderr], [0, ''])
  assert.equal((await place.run([...file, '--stop'])).status, 0)
  const other = ['--ready', 'delay=100ms', '--', 'sh', '-c', twice]
  const deaf = await place.run([...file, ...other])
  assert.deepEqual([deaf.status, deaf.stderr], [0, ''], 'no debugger is opened')
  assert.equal((await place.run([...file, '--stop'])).status, 0)
})

test('delay: not before the time is over, and not for one that has ended', async (context) => {
  const place = openDaemons(context)
  const file = ['-p', place.path('d.pid'), '--ready', 'delay=300ms', '--']
  const { status, tookMs } = await place.run([...file, 'sleep', '1000'])
  assert.equal(status, 0)
  assert.ok(tookMs >= 300, `${tookMs} ms`)
  assert.equal((await place.run(['-p', place.path('d.pid'), '--stop'])).status, 0)
  assert.equal((await place.run([...file, 'sleep', '0.1'])).status, 1)
})

test('http: a server that is not well yet is not ready', async (context) => {
  const place = openDaemons(context)
  const port = await freePort()
  const server = place.write(
    'server.mjs',
    `import { createServer } from 'node:http'
     let asked = 0
     createServer((request, response) => {
       asked += 1
       response.writeHead(asked < 4 ? 503 : 200).end()
       if (asked === 4) console.log('asked four times')
     }).listen(${port}, '127.0.0.1')`,
  )
  const url = `http://127.0.0.1:${port}/health`
  const command = ['--stdout', place.path('out'), '--', process.execPath, server]
  const file = ['-p', place.path('d.pid')]
  const started = await place.run([...file, '--ready', `http=${url}`, ...command])
  assert.equal(started.status, 0, started.stderr)
  assert.equal((await place.run([...file, '--stop'])).status, 0)
  assert.equal(place.read('out'), 'asked four times\n')
})

test('a server of children, and one behind a name', async (context) => {
  const place = openDaemons(context)
  const port = await freePort()
  const serve = `${process.execPath} ${program('http-server.js')} ${port}`
  const file = ['-p', place.path('d.pid')]
  for (const [ready, script] of [
    [`tcp=localhost:${port}`, `${serve} & wait`],
    [`tcp=127.0.0.1:${port}`, `setsid ${serve} & exec sleep 1000`],
  ] as const) {
    const started = await place.run([...file, '--ready', ready, '--', 'sh', '-c', script])
    assert.equal(started.status, 0, started.stderr)
    assert.equal((await place.run([...file, '--stop'])).status, 0)
    for (const { pid, command } of place.left()) {
      if (command.includes('http-server.js')) process.kill(pid, 'SIGKILL')
    }
    await place.over()
  }
})

// runs-as: nobody
// Where `eudaemon run` is called from, and daemons of odd habits: the result is the
// same everywhere.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { toPid } from '../../src/base/brands.ts'
import { readStat } from '../../src/kernel/procfs.ts'
import type { RunOptions } from '../support/command.ts'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { freePort, isListening } from '../support/ports.ts'
import { program } from '../support/programs.ts'
import { asNobody, isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

async function stop(place: Daemons, options?: RunOptions): Promise<void> {
  const stopped = await place.run(['-p', place.path('d.pid'), '--stop'], options)
  assert.deepEqual([stopped.status, stopped.stderr], [0, ''])
  await place.over()
  assert.equal(place.exists('d.pid'), false)
}

const sleeper = ['--', 'sleep', '1000']

test('from a terminal that is closed afterwards, as ssh does', async (context) => {
  const place = openDaemons(context)
  const words = ['--ready', 'delay=1ms', '-p', place.path('d.pid'), ...sleeper]
  const prefix = ['python3', program('on-terminal.py')]
  const { status, stdout } = await place.run(words, { prefix })
  assert.equal(status, 0, stdout)
  // The terminal is gone, and whoever was on it has been told so.
  const pid = Number(place.read('d.pid').split('\n')[0])
  const stat = readStat(toPid(pid))
  assert.equal(stat?.terminal, 0)
  assert.notEqual(stat?.session, pid)
  const found = await place.run(['-p', place.path('d.pid'), '--status'])
  assert.equal(found.status, 0, found.stdout)
  await stop(place)
})

test('from nearly nothing, as cron does: no HOME, PATH, TERM, descriptors', async (context) => {
  const place = openDaemons(context)
  const words = ['--ready', 'delay=1ms', '-p', place.path('d.pid'), ...sleeper]
  const ways = [
    ['env', '-i'],
    ['env', '-i', '/bin/sh', '-c', '"$@" <&- >&- 2>&-; exit', 'sh'],
    ['/bin/sh', '-c', 'cd / && exec "$@" </dev/null >/dev/null 2>&1', 'sh'],
  ]
  for (const prefix of ways) {
    const { status, stderr } = await place.run(words, { prefix })
    assert.equal(status, 0, stderr)
    await stop(place, { prefix: ['env', '-i'] })
  }
})

test('from a folder that was removed', async (context) => {
  const place = openDaemons(context)
  const script = `mkdir $0 && cd $0 && rmdir $0 && exec "$@"`
  const prefix = ['sh', '-c', script, place.path('gone')]
  const words = ['--ready', 'delay=1ms', '-p', place.path('d.pid'), ...sleeper]
  const { status, stderr } = await place.run(words, { prefix })
  assert.equal(status, 0, stderr)
  await stop(place, { prefix })
})

test('for another user, by hand', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  const place = openDaemons(context)
  const words = ['-p', place.path('d.pid'), '-u', 'nobody', '--ready', 'notify']
  const script = 'echo $NOTIFY_SOCKET >&2; systemd-notify --ready; exec sleep 1000'
  const { status, stderr } = await place.run([...words, '--', 'sh', '-c', script])
  assert.equal(status, 0, stderr)
  assert.equal(existsSync(stderr.trim()), false, 'the socket is gone')
  assert.match(place.read('d.pid'), /^\d+\n/)
  const denied = await place.run(['-p', place.path('d.pid'), '--stop'])
  assert.equal(denied.status, 0, denied.stderr)
})

test('nobody may not stop a daemon of root', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  const place = openDaemons(context)
  const words = ['--ready', 'delay=1ms', '-p', place.path('d.pid'), ...sleeper]
  assert.equal((await place.run(words)).status, 0)
  const canRead = await place.run(['-p', place.path('d.pid'), '--status'], { prefix: asNobody })
  if (canRead.status === 0) {
    const denied = await place.run(['-p', place.path('d.pid'), '--stop'], { prefix: asNobody })
    assert.equal(denied.status, 111, denied.stderr)
    assert.match(denied.stderr, /belongs to another user: SIGTERM is not permitted/)
  }
  await stop(place)
})

test('below PID 1 of a namespace of its own', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  const place = openDaemons(context)
  const file = place.path('d.pid')
  const again = `"$1" "$2" run -p ${file}`
  const script = `"$@" || exit 1; head -n 1 ${file}; ${again} --status; ${again} --stop || exit 2
    ${again} --status; pgrep -x sleep | wc -l`
  const prefix = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', script, 'sh']
  const words = ['--ready', 'delay=1ms', '-p', file, ...sleeper]
  const { status, stdout, stderr } = await place.run(words, { prefix })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^(\d+)\n.*running as process \1\n.*not running\n0\n$/)
})

test('with a /proc of another PID namespace nobody is mistaken', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  const place = openDaemons(context)
  const script = `for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done
    "$@"; echo $?; [ $(jobs -pr | wc -l) = 9 ] && echo alive; exit 0`
  const prefix = ['unshare', '--pid', '--fork', 'bash', '-c', script, 'bash']
  const words = ['--ready', 'notify', '--ready-timeout', '200ms', '--', 'sleep', '1001']
  const { status, stdout, stderr } = await place.run(words, { prefix })
  assert.equal(status, 0, stderr)
  assert.equal(stdout, '111\nalive\n')
  assert.match(stderr, /\/proc shows another PID namespace/)
  await place.over()
})

test('daemons that close every descriptor, and one that cares for none', async (context) => {
  const place = openDaemons(context)
  const port = await freePort()
  const server = `
import os, socket, time
os.closerange(0, 1000)
listener = socket.create_server(('127.0.0.1', ${port}))
while True: listener.accept()[0].close()`
  const words = ['--ready', `tcp=${port}`, '-p', place.path('d.pid'), '--', 'python3', '-c', server]
  const { status, stderr } = await place.run(words)
  assert.equal(status, 0, stderr)
  assert.equal(await isListening(port), true)
  // The lock went with its descriptor: it is known by its identity all the same.
  const again = await place.run(words)
  assert.equal(again.status, 1)
  assert.match(again.stderr, /already running as process/)
  await stop(place)
})

test('a daemon that becomes another user is stopped, late or not', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  const place = openDaemons(context)
  const script = `
import os, signal, subprocess, time
os.setgroups([]); os.setgid(65534); os.setuid(65534)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['setsid', '-f', 'sleep', '1002'])
os.write(2, b'i am nobody\\n')
time.sleep(1000)`
  const words = ['-p', place.path('d.pid'), '--stop-timeout', '200ms', '--ready']
  const command = ['--', 'python3', '-c', script]
  const late = await place.run([...words, 'notify', '--ready-timeout', '300ms', ...command])
  assert.equal(late.status, 2, late.stderr)
  assert.deepEqual(place.left(), [])
  const ready = await place.run([...words, 'log=i am nobody', ...command])
  assert.equal(ready.status, 0, ready.stderr)
  const stopped = await place.run([...words.slice(0, -1), '--stop'])
  assert.equal(stopped.status, 0, stopped.stderr)
  assert.match(stopped.stderr, /had to be killed/)
  for (const { pid } of place.left()) process.kill(pid, 'SIGKILL')
  await until('the rest to end', () => place.left().length === 0)
})

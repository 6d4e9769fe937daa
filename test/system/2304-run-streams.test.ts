// runs-as: nobody
// What a daemon writes: all of it is shown in order while it starts, and for ever
// after it may go on writing to wherever its streams lead, without a reader, a SIGPIPE or a stop.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { findInstalled } from '../support/programs.ts'
import { until } from '../support/until.ts'

async function stop(place: Daemons): Promise<void> {
  const stopped = await place.run(['-p', place.path('d.pid'), '--stop'])
  assert.deepEqual([stopped.status, stopped.stderr], [0, ''])
  await place.over()
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** 10 MB, as seq(1) prints them. */
function numbers(): string {
  const lines: string[] = []
  for (let number = 1; number <= 1_400_000; number += 1) lines.push(`${number}\n`)
  return lines.join('')
}

test('10 MB on standard error are shown in order, to the last byte', async (context) => {
  const place = openDaemons(context)
  const expected = numbers()
  const words = ['--ready', 'stderr-closed', '-p', place.path('d.pid'), '--', 'sh', '-c']
  const ready = await place.run([...words, 'seq 1400000 >&2; exec sleep 1000 2>&-'])
  assert.equal(ready.status, 0)
  assert.equal(digest(ready.stderr), digest(expected), `${ready.stderr.length} characters`)
  await stop(place)
  const dead = await place.run([...words, 'seq 1400000 >&2; exit 3'])
  assert.equal(dead.status, 3)
  const last = '\neudaemon: sh: it ended before it was ready: exit 3\n'
  assert.ok(dead.stderr.endsWith(last), dead.stderr.slice(-200))
  assert.equal(digest(dead.stderr.slice(0, 1 - last.length)), digest(expected))
})

test('what it wrote just before it was ready is shown', async (context) => {
  const place = openDaemons(context)
  const script = 'echo "warning: ½ of the memory" >&2; echo >&3; exec sleep 1000'
  for (let round = 0; round < 10; round += 1) {
    const words = ['--ready', 'fd=3', '-p', place.path('d.pid'), '--', 'sh', '-c', script]
    const { status, stderr } = await place.run(words)
    assert.deepEqual([status, stderr], [0, 'warning: ½ of the memory\n'])
    await stop(place)
  }
})

test('text in pieces: characters and lines are found whole', async (context) => {
  const place = openDaemons(context)
  const program = `
import os, time
text = 'ready — 準備完了 ✓\\n'.encode()
for at in range(len(text)):
    os.write(1, text[at:at+1]); os.write(2, text[at:at+1])
time.sleep(1000)`
  const words = ['--ready', 'log=^ready — 準備完了 ✓$', '--ready-timeout', '20s']
  const file = ['-p', place.path('d.pid')]
  const { status, stderr } = await place.run([...words, ...file, '--', 'python3', '-c', program])
  assert.equal(status, 0, stderr)
  // The other stream may have been ready in the middle of a character of this one.
  assert.ok('ready — 準備完了 ✓\n'.startsWith(stderr.replace(/\uFFFD+$/, '')), stderr)
  await stop(place)
})

test('a line without an end, a very long line, a line of the other stream', async (context) => {
  const place = openDaemons(context)
  const scripts = [
    'printf serving; exec sleep 1000',
    'head -c 1000000 /dev/zero | tr "\\0" x; printf "\\nserving\\n"; exec sleep 1000',
    'echo serving >&2; exec sleep 1000',
    'printf "serving\\nmore\\nand more"; exec sleep 1000',
  ]
  for (const script of scripts) {
    const words = ['--ready', 'log=^serving$', '-p', place.path('d.pid'), '--', 'sh', '-c', script]
    const { status, stderr } = await place.run(words)
    assert.equal(status, 0, `${script}: ${stderr}`)
    await stop(place)
  }
})

test('100 MB after the prompt came back: no SIGPIPE, no stop; the drain ends', async (context) => {
  const place = openDaemons(context)
  const done = place.path('done')
  const script = `trap 'echo pipe >${done}' PIPE
    echo serving; head -c 50000000 /dev/zero && head -c 50000000 /dev/zero >&2 && echo all >${done}
    exec sleep 1000`
  for (const ready of ['log=^serving$', 'delay=1ms', 'exec']) {
    place.remove('done')
    const words = ['--ready', ready, '-p', place.path('d.pid'), '--', 'bash', '-c', script]
    const { status } = await place.run(words)
    assert.equal(status, 0)
    await until('all to be written', () => place.exists('done'))
    assert.equal(place.read('done'), 'all\n', ready)
    await until('it to sleep', () => place.left().some(({ command }) => command === 'sleep 1000'))
    const drains = place.left().filter(({ command }) => command === 'cat').length
    assert.equal(drains, { 'log=^serving$': 2, 'delay=1ms': 1, exec: 0 }[ready])
    await stop(place)
  }
})

test('files: 10 MB to each, while it starts and afterwards', async (context) => {
  const place = openDaemons(context)
  const script = `seq 700000; seq 700000 >&2; echo serving; seq 700001 1400000; echo done
    seq 700001 1400000 >&2; exec sleep 1000`
  const files = ['--stdout', place.path('out'), '--stderr', place.path('err')]
  const words = ['--ready', 'log=^serving$', '-p', place.path('d.pid'), '--', 'sh', '-c', script]
  const { status, stderr } = await place.run([...files, ...words])
  assert.equal(status, 0)
  assert.ok(stderr.startsWith('1\n2\n3\n'))
  const expected = numbers()
  assert.ok(expected.startsWith(stderr), 'what was shown is the beginning')
  await until('it to sleep', () => place.left().some(({ command }) => command === 'sleep 1000'))
  assert.equal(digest(place.read('err')), digest(expected))
  assert.equal(digest(place.read('out').replace(/serving\n|done\n/g, '')), digest(expected))
  assert.deepEqual(place.left().length, 1, 'files need no drain')
  await stop(place)
})

test('nothing of the daemon holds the pipe of whoever called', async (context) => {
  const place = openDaemons(context)
  const ways = {
    pipeline: '"$@" 2>&1 | cat',
    substitution: 'echo "$("$@" 2>&1)"',
    'three of them': '"$@" 2>&1 | cat | cat; echo end',
  }
  for (const ready of ['exec', 'log=^serving$', 'notify']) {
    const script = 'echo serving; echo hello >&2; systemd-notify --ready 2>&1; exec sleep 1000'
    if (ready === 'notify' && findInstalled('systemd-notify') === null) continue
    for (const [name, way] of Object.entries(ways)) {
      const words = ['--ready', ready, '-p', place.path('d.pid'), '--', 'sh', '-c', script]
      // It resolves when nobody holds the pipes any more.
      const { status } = await place.run(words, { prefix: ['sh', '-c', way, 'sh'] })
      assert.equal(status, 0, `${ready}, ${name}`)
      await stop(place)
    }
  }
})

test('a reader of our standard output that has gone away', async (context) => {
  const place = openDaemons(context)
  const way = '{ "$@"; echo $? >"$0"; } | :'
  const file = ['-p', place.path('d.pid')]
  const prefix = ['sh', '-c', way, place.path('status')]
  await place.run([...file, '--', 'sleep', '1000'], { prefix })
  await until('an end', () => place.exists('status') && place.read('status') !== '')
  assert.equal(place.read('status'), '0\n')
  place.remove('status')
  await place.run([...file, '--status'], { prefix })
  await until('an end', () => place.exists('status') && place.read('status') !== '')
  assert.match(place.read('status'), /^\d+\n$/)
  await stop(place)
})

test('a Node daemon that never stops talking serves on', async (context) => {
  const place = openDaemons(context)
  const script = place.write(
    'talk.mjs',
    `process.stdout.write('serving\\n')
     const line = 'x'.repeat(1000) + '\\n'
     let count = 0
     const talk = () => { for (let i = 0; i < 100; i += 1) console.error(line)
       count += 1; if (count < 50) setImmediate(talk); else { console.log('end')
       const end = ${JSON.stringify(place.path('end'))}
       import('node:fs').then((fs) => fs.writeFileSync(end, 'end')) } }
     setInterval(() => {}, 100000)
     talk()`,
  )
  const words = ['--ready', 'log=^serving$', '-p', place.path('d.pid'), '--', process.execPath]
  const { status, stderr } = await place.run([...words, script])
  assert.equal(status, 0, stderr.slice(0, 1000))
  await until('its last word', () => place.exists('end'))
  await stop(place)
})

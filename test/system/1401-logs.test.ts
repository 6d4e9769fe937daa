// runs-as: nobody
// The logs command over the real files: what is shown, in which order, from when, of whom.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Home, openHome } from '../support/home.ts'
import { command } from '../support/programs.ts'
import { until } from '../support/until.ts'

interface Line {
  readonly time: string
  readonly instance: string
  readonly stream: string
  readonly text: string
}

async function linesOf(home: Home, ...args: readonly string[]): Promise<readonly Line[]> {
  const logs = await home.run(['logs', '--json', ...args])
  assert.equal(logs.status, 0, logs.stderr)
  return logs.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

const texts = (lines: readonly Line[]): readonly string[] => lines.map(({ text }) => text)

test('1401 both streams, in order, and each alone', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.talk]
     kind = "oneshot"
     command = "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; printf unfinished"`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const all = await linesOf(home, 'talk')
  assert.deepEqual(texts(all), ['one', 'two', 'three', 'unfinished'])
  assert.deepEqual(texts(await linesOf(home, '--stream', 'stderr', 'talk')), ['two'])
  assert.deepEqual(texts(await linesOf(home, '-n', '2', 'talk')), ['three', 'unfinished'])
  assert.deepEqual(texts(await linesOf(home, '--grep', '^t', 'talk')), ['two', 'three'])
  const times = all.map(({ time }) => Date.parse(time))
  assert.deepEqual(times, times.toSorted())
  assert.deepEqual(all[1]?.stream, 'stderr')
  const plain = await home.run(['logs', 'talk'])
  assert.match(plain.stdout, /one\n.*two\n.*three\n/)
})

test('1402 --since and --until cut by time', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `services.talk.kind = "oneshot"
     services.talk.command = "echo early; sleep 1.2; echo late"`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const [early, late] = await linesOf(home, 'talk')
  const between = new Date(Date.parse(early?.time ?? '') + 600).toISOString()
  assert.deepEqual(texts(await linesOf(home, '--since', between, 'talk')), ['late'])
  assert.deepEqual(texts(await linesOf(home, '--until', between, 'talk')), ['early'])
  assert.deepEqual(texts(await linesOf(home, '--since', late?.time ?? '', 'talk')), ['late'])
  assert.deepEqual(texts(await linesOf(home, '--since', '10min', 'talk')), ['early', 'late'])
  const wrong = await home.run(['logs', '--since', 'tomorrowish', 'talk'])
  assert.equal(wrong.status, 100)
  assert.match(wrong.stderr, /tomorrowish/)
})

test('1403 several services merged by time, each line with its name', async (context) => {
  const home = openHome(context)
  const speaker = (word: string, pause: string) =>
    `command = "for i in 1 2 3; do echo ${word} $i; sleep ${pause}; done; sleep 1000"`
  home.write(
    'eudaemon.toml',
    `[services.a]\n${speaker('a', '0.11')}\n[services.b]\n${speaker('b', '0.07')}`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const lines = await until('six lines', async () => {
    const found = await linesOf(home)
    return found.length === 6 && found
  })
  const times = lines.map(({ time }) => time)
  assert.deepEqual(times, times.toSorted())
  assert.deepEqual(new Set(lines.map(({ instance }) => instance)), new Set(['a@1', 'b@1']))
  const plain = await home.run(['logs'])
  for (const line of plain.stdout.trim().split('\n')) assert.match(line, /\b([ab])\b.*\1 [123]$/)
})

test('1404 -f goes on with what comes, and over a restart', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.talk.command = "echo hello from $$; exec sleep 1000"`)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const first = (await home.row('talk@1')).pid
  const follow = home.start(['logs', '-f', 'talk'])
  await follow.prints(`hello from ${first}`)
  assert.equal((await home.run(['restart', 'talk'])).status, 0)
  const second = (await home.row('talk@1')).pid
  await follow.prints(`hello from ${second}`)
  follow.signal('SIGINT')
  await follow.ended
})

test('1405 rotation keeps the newest, within its bound, each line once', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.writer]
     command = ${command('numbered-lines.sh', 500, 0.005, 100_000)}
     log = { max-size = "64K", keep = 4 }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const folder = join(home.path, 'log/shop/writer@1')
  await until('many rotations', async () => {
    const [last] = await linesOf(home, '-n', '1', '--stream', 'stdout', 'writer')
    return Number(last?.text.split(' ')[1] ?? 0) > 30_000
  })
  assert.equal((await home.run(['stop', 'writer'])).status, 0)
  const lines = await linesOf(home, '--stream', 'stdout', 'writer')
  const numbers = lines
    .map(({ text }) => /^out (\d+)$/.exec(text)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
  const [first = 0] = numbers
  assert.ok(first > 1, 'nothing was rotated away')
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => first + index),
  )
  const segments = readdirSync(folder).filter((name) => /\.log(\.zst)?$/.test(name))
  assert.ok(segments.length <= 6, segments.join(' '))
})

test('1406 logs are readable without a supervisor; what is unknown is refused', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', 'services.once.kind = "oneshot"\nservices.once.command = "echo said"')
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.equal((await home.run(['down'])).status, 0)
  await until('no supervisor', () => home.processes().length === 0)
  assert.deepEqual(texts(await linesOf(home, 'once')), ['said'])
  const unknown = await home.run(['logs', 'onces'])
  assert.equal(unknown.status, 4)
  assert.match(unknown.stderr, /onces/)
})

test('1407 inline timestamps are in the file, and the service never waits', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.spam]
     command = ${command('spam-output.sh', 3_000_000)}
     log = { timestamps = "inline" }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  await until('the end of the spam', async () => {
    const [last] = await linesOf(home, '-n', '1', 'spam')
    return last?.text.endsWith('spam is over')
  })
  assert.ok((await linesOf(home, 'spam')).length > 3_000_000 / 70)
})

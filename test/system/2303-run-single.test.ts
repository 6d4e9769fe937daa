// runs-as: nobody
// Many starts at the same time under one PID file: exactly one daemon, and
// everybody else is told so.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import type { RunResult } from '../support/command.ts'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { isRoot } from '../support/rights.ts'

function runMany(
  place: Daemons,
  count: number,
  words: readonly string[],
): Promise<readonly RunResult[]> {
  return Promise.all(Array.from({ length: count }, () => place.run(words)))
}

/** One daemon `sleep 1000`, named by the PID file; all other starts were refused. */
function expectOne(place: Daemons, results: readonly RunResult[]): void {
  const counts = new Map<number, number>()
  for (const { status } of results) counts.set(status, (counts.get(status) ?? 0) + 1)
  const expected = [
    [0, 1],
    [1, results.length - 1],
  ]
  const said = results.filter(({ status }) => status !== 0).map(({ stderr }) => stderr)
  assert.deepEqual([...counts].toSorted(), expected, [...new Set(said)].join(''))
  for (const text of said) {
    assert.match(
      text,
      /^eudaemon: \S+: (?:already running as process \d+|another start has claimed)/,
    )
  }
  const sleepers = place.left().filter(({ command }) => command === 'sleep 1000')
  assert.equal(sleepers.length, 1)
  assert.equal(place.read('d.pid').split('\n')[0], String(sleepers[0]?.pid))
}

async function stop(place: Daemons): Promise<void> {
  const stopped = await place.run(['-p', place.path('d.pid'), '--stop'])
  assert.deepEqual([stopped.status, stopped.stderr], [0, ''])
  await place.over()
  assert.equal(existsSync(place.path('d.pid')), false)
}

test('200 at once: one daemon, 199 refusals', async (context) => {
  const place = openDaemons(context)
  const words = ['--single', '--pid-file', place.path('d.pid'), '--', 'sleep', '1000']
  const results = await runMany(place, 200, words)
  expectOne(place, results)
  await stop(place)
})

test('50 at once over the PID file of a dead one', async (context) => {
  const place = openDaemons(context)
  const words = ['--single', '--pid-file', place.path('d.pid'), '--', 'sleep', '1000']
  const first = await place.run(words)
  assert.equal(first.status, 0, first.stderr)
  process.kill(Number(place.read('d.pid').split('\n')[0]), 'SIGKILL')
  await place.over()
  expectOne(place, await runMany(place, 50, words))
  await stop(place)
})

test('50 at once of a daemon that forks and writes its PID file itself', async (context) => {
  const place = openDaemons(context)
  const file = place.path('d.pid')
  const script = 'sleep 1000 & echo $! >$0'
  const words = ['--ready', 'forking', '--single', '-p', file, '--', 'sh', '-c', script, file]
  expectOne(place, await runMany(place, 50, words))
  expectOne(place, [...(await runMany(place, 9, words)), { ...none, status: 0 }])
  await stop(place)
})

test('50 at once of one that fails: never two at the same time', async (context) => {
  const place = openDaemons(context)
  const script = 'mkdir $0 || exit 77; sleep 0.05; rmdir $0; exit 3'
  const words = ['--ready', 'notify', '--single', '-p', place.path('d.pid'), '--']
  const results = await runMany(place, 50, [...words, 'sh', '-c', script, place.path('alone')])
  const statuses = new Set(results.map(({ status }) => status))
  assert.ok(statuses.has(3))
  assert.ok(!statuses.has(77), 'two of them ran at the same time')
  assert.deepEqual([...statuses].toSorted(), statuses.has(1) ? [1, 3] : [3])
  assert.deepEqual(place.left(), [])
  assert.equal(existsSync(place.path('d.pid')), false)
})

test('starts, stops and restarts at once: one daemon or none, always known', async (context) => {
  const place = openDaemons(context)
  const file = ['-p', place.path('d.pid')]
  const command = ['--', 'sleep', '1000']
  const all = await Promise.all(
    Array.from({ length: 15 }, () => [
      place.run([...file, ...command]),
      place.run([...file, '--stop']),
      place.run([...file, '--restart', ...command]),
    ]).flat(),
  )
  for (const { status, stderr } of all) {
    // 143: stopped before it was seen to be executed.
    assert.ok([0, 1, 111, 143].includes(status), stderr)
    if (status === 111) assert.match(stderr, /another start or stop|is being started|in progress/i)
  }
  const sleepers = place.left().filter(({ command }) => command === 'sleep 1000')
  assert.ok(sleepers.length <= 1, `${sleepers.length} daemons`)
  const status = await place.run([...file, '--status'])
  assert.equal(status.status, sleepers.length === 1 ? 0 : 3, status.stdout)
  await place.run([...file, '--stop'])
  await place.over()
})

test('--single alone keeps its PID file at the usual place', async (context) => {
  const place = openDaemons(context)
  const name = `eud-test-${process.pid}`
  const words = ['--single', '--name', name]
  const first = await place.run([...words, '--', 'sleep', '1000'])
  assert.equal(first.status, 0, first.stderr)
  const path = isRoot ? `/run/${name}.pid` : place.path(`xdg/${name}.pid`)
  assert.equal(existsSync(path), true)
  const second = await place.run([...words, '--', 'sleep', '1000'])
  assert.equal(second.status, 1)
  assert.match(second.stderr, new RegExp(`^eudaemon: ${name}: already running as process \\d+\n$`))
  const stopped = await place.run([...words, '--stop'])
  assert.deepEqual([stopped.status, stopped.stderr], [0, ''])
  assert.equal(existsSync(path), false)
})

const none: RunResult = { status: 1, stdout: '', stderr: '', tookMs: 0 }

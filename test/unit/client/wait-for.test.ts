// Waiting for outcomes, against a control server whose instances the test moves.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { createClient } from '../../../src/client/client.ts'
import { type Goal, type WaitOptions, waitFor } from '../../../src/client/wait-for.ts'
import { openControlServer } from '../../../src/supervisor/control-server.ts'
import { serve } from '../../support/control-socket.ts'
import { createFakeTarget, type FakeTarget, row } from '../../support/fake-target.ts'

const WEB = 'shop/web@1'
const DB = 'shop/db@1'

async function startWait(
  t: TestContext,
  target: FakeTarget,
  goal: Goal,
  more: Partial<WaitOptions> = {},
) {
  const { path, server } = await serve(t, target)
  const looked = Promise.withResolvers<void>()
  const goals = new Map([...target.rows.keys()].map((id) => [id, goal] as const))
  const result = waitFor({
    client: createClient(path, 10_000),
    goals,
    timeoutMs: null,
    isFailFast: true,
    onProgress: ({ row: changed }) => {
      if (changed === null) looked.resolve()
    },
    ...more,
  })
  await Promise.race([looked.promise, result])
  return { result, path, server }
}

test('ready: when all are, at once or later', async (t) => {
  const target = createFakeTarget([row(WEB, 'starting'), row(DB, 'up')])
  const { result } = await startWait(t, target, 'ready')
  target.enter(WEB, 'up')
  assert.equal((await result).outcome, 'reached')
  const again = await startWait(t, target, 'ready')
  assert.equal((await again.result).outcome, 'reached')
})

test('nothing to wait for is reached at once', async (t) => {
  const { result } = await startWait(t, createFakeTarget(), 'ready')
  assert.equal((await result).outcome, 'reached')
})

for (const [phase, reason] of [
  ['failed', 'burst limit'],
  ['backoff', 'exit 3'],
  ['down', 'exit 0'],
] as const) {
  test(`ready: ${phase} before ready fails at once, with the reason`, async (t) => {
    const target = createFakeTarget([row(WEB, 'starting'), row(DB, 'starting')])
    const { result } = await startWait(t, target, 'ready')
    target.enter(WEB, phase, reason)
    const { outcome, failures, pending } = await result
    assert.equal(outcome, 'failed')
    assert.deepEqual(
      failures.map(({ id, reason: why }) => [id, why]),
      [[WEB, reason]],
    )
    assert.ok(pending.includes(DB))
  })
}

test('ready: not failing fast, a retry that works is reached', async (t) => {
  const target = createFakeTarget([row(WEB, 'starting')])
  const { result } = await startWait(t, target, 'ready', { isFailFast: false })
  target.enter(WEB, 'backoff', 'exit 1')
  target.enter(WEB, 'starting')
  target.enter(WEB, 'up')
  const { outcome, failures } = await result
  assert.deepEqual([outcome, failures], ['reached', []])
})

test('ready once is ready, also when it happened before the first look', async (t) => {
  const target = createFakeTarget([row(WEB, 'starting')])
  target.enter(WEB, 'up')
  target.enter(WEB, 'down', 'exit 0')
  const { result } = await startWait(t, target, 'ready', { since: 100 })
  assert.equal((await result).outcome, 'reached')
})

test('a failure before the first look is not missed either', async (t) => {
  const target = createFakeTarget([row(WEB, 'starting')])
  target.enter(WEB, 'backoff', 'exit 9')
  target.enter(WEB, 'starting')
  const { result } = await startWait(t, target, 'ready', { since: 100 })
  const { outcome, failures } = await result
  assert.deepEqual([outcome, failures[0]?.reason], ['failed', 'exit 9'])
})

test('restarted: the old life does not count', async (t) => {
  const target = createFakeTarget([row(WEB, 'up')])
  const before = target.status()
  const { result } = await startWait(t, target, 'restarted', { before, since: 100 })
  target.enter(WEB, 'stopping')
  target.enter(WEB, 'starting')
  target.enter(WEB, 'up')
  assert.equal((await result).outcome, 'reached')
})

test('down: names what had to be killed', async (t) => {
  const target = createFakeTarget([row(WEB, 'up'), row(DB, 'up')])
  const { result } = await startWait(t, target, 'down')
  target.enter(WEB, 'down', 'stopped; had to be killed: node (12), sh (13)')
  target.enter(DB, 'down', 'stopped')
  const { outcome, killed } = await result
  assert.equal(outcome, 'reached')
  assert.deepEqual([...killed], [[WEB, 'node (12), sh (13)']])
})

test('the time-out names who is missing', async (t) => {
  const target = createFakeTarget([row(WEB, 'starting'), row(DB, 'up')])
  const { result } = await startWait(t, target, 'ready', { timeoutMs: 20 })
  const { outcome, pending } = await result
  assert.deepEqual([outcome, pending], ['timed-out', [WEB]])
})

test('a very long time-out is not a short one', async (t) => {
  const target = createFakeTarget([row(WEB, 'starting')])
  const { result } = await startWait(t, target, 'ready', { timeoutMs: 2 ** 40 })
  target.enter(WEB, 'up')
  assert.equal((await result).outcome, 'reached')
})

test('a supervisor that dies in between is waited for', async (t) => {
  const target = createFakeTarget([row(WEB, 'starting')])
  const { result, path, server } = await startWait(t, target, 'ready')
  await server.close()
  // The next one has another history: what happened in between shows in its rows only.
  const next = createFakeTarget([row(WEB, 'up')], 9_000)
  const reopened = await openControlServer({ path, target: next })
  t.after(() => reopened.close())
  assert.equal((await result).outcome, 'reached')
})

test('down: a supervisor that ends as a whole has taken everything along', async (t) => {
  const target = createFakeTarget([row(WEB, 'stopping')])
  const { result, path, server } = await startWait(t, target, 'down')
  rmSync(path)
  await server.close()
  assert.equal((await result).outcome, 'reached')
})

test('from outside the waiting can be ended', async (t) => {
  const stop = new AbortController()
  const target = createFakeTarget([row(WEB, 'starting')])
  const { result } = await startWait(t, target, 'ready', { signal: stop.signal })
  stop.abort()
  assert.equal((await result).outcome, 'aborted')
})

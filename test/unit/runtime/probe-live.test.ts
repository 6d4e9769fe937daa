// Liveness: failures in a row, spread over the period, and nothing left after the watch.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { toInstanceId } from '../../../src/base/brands.ts'
import type { ProbeAction } from '../../../src/model/service-definition.ts'
import { phaseOf } from '../../../src/runtime/probe-repeat.ts'
import {
  id,
  invocation,
  liveEffect,
  openBench,
  probeOf,
  readyBy,
  readyEffect,
  until,
} from './probe-run.ts'

/** Answers with the statuses in turn; the last one from then on. */
async function answer(statuses: readonly (number | 'silent')[]) {
  let asked = 0
  const server = createServer((_, response) => {
    const status = statuses[Math.min(asked, statuses.length - 1)]
    asked += 1
    if (typeof status === 'number') response.writeHead(status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    action: { kind: 'http', url, status: [200, 399] } as ProbeAction,
    asked: () => asked,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const timers = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

describe('liveness', () => {
  test('only failures in a row count, and it is told again', async () => {
    const server = await answer([200, 500, 500, 200, 500, 500, 500, 500, 500, 500, 200])
    const { port, next, happenings, close } = openBench()
    port.watchLive(liveEffect(probeOf(server.action, { intervalMs: 5 }), 3))
    const reason = `the liveness probe failed 3 times in a row: ${server.url}: 500`
    assert.deepEqual(await next(), { type: 'unhealthy', invocation, reason })
    assert.ok(server.asked() >= 7)
    assert.equal((await next()).type, 'unhealthy')
    await until(() => server.asked() > 15, 'more attempts')
    assert.equal(happenings.length, 2)
    assert.equal(port.lastFailure(id), null)
    close()
    server.close()
  })

  test('one failure is enough when one is asked for', async () => {
    const server = await answer([503])
    const { port, next, close } = openBench()
    port.watchLive(liveEffect(probeOf(server.action, { intervalMs: 5 }), 1))
    const reason = `the liveness probe failed: ${server.url}: 503`
    assert.deepEqual(await next(), { type: 'unhealthy', invocation, reason })
    close()
    server.close()
  })

  test('after unwatch there is no event, no question and no timer', async () => {
    const server = await answer(['silent'])
    const { port, happenings, close } = openBench()
    const before = timers()
    const probe = probeOf(server.action, { attemptTimeoutMs: 60_000, intervalMs: 1 })
    port.watchReady(readyEffect(readyBy(probe)), null)
    await until(() => server.asked() === 1, 'the question')
    assert.ok(timers() > before, 'an attempt has a timer')
    port.unwatch(id)
    assert.equal(timers(), before)
    port.watchLive(liveEffect(probeOf(server.action, { intervalMs: 60_000 }), 1))
    assert.equal(timers(), before + 1)
    port.unwatch(id)
    assert.equal(timers(), before)
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
    assert.equal(timers(), before)
    assert.deepEqual(happenings, [])
    assert.equal(port.lastFailure(id), null, 'what was given up is no failure')
    assert.equal(server.asked(), 1)
    close()
    server.close()
  })

  test('a new watch replaces the old one', async () => {
    const [first, second] = [await answer(['silent']), await answer([200])]
    const { port, next, happenings, close } = openBench()
    port.watchReady(readyEffect(readyBy(probeOf(first.action))), null)
    await until(() => first.asked() === 1, 'the first question')
    port.watchReady(readyEffect(readyBy(probeOf(second.action))), null)
    assert.equal((await next()).type, 'ready')
    assert.equal(happenings.length, 1)
    close()
    first.close()
    second.close()
  })
})

describe('a thousand instances', () => {
  const names = Array.from({ length: 1_000 }, (_, at) => toInstanceId(`shop/web@${at + 1}`))

  test('begin everywhere in the period, always at the same place', () => {
    const tenths = Array.from({ length: 10 }, () => 0)
    for (const name of names) {
      const phase = phaseOf(name)
      assert.ok(phase >= 0 && phase < 1)
      assert.equal(phaseOf(name), phase)
      const tenth = Math.floor(phase * 10)
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    for (const count of tenths) assert.ok(count > 60 && count < 140, `uneven: ${tenths}`)
  })

  test('one timer each, and none after close', () => {
    const { port, close } = openBench()
    const before = timers()
    const action: ProbeAction = { kind: 'tcp', host: '127.0.0.1', port: 1 }
    for (const name of names)
      port.watchLive(liveEffect(probeOf(action, { intervalMs: 3_600_000 }), 3, name))
    assert.equal(timers(), before + names.length)
    close()
    assert.equal(timers(), before)
  })
})

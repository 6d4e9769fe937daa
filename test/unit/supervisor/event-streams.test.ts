// Following events over the real socket: history, live, filters, gaps, and who does not read.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { MAX_CLIENT_BACKLOG_BYTES } from '../../../src/base/limits.ts'
import { type Client, createClient, type EventsQuery } from '../../../src/client/client.ts'
import type { EventLine } from '../../../src/protocol/response.ts'
import { serve } from '../../support/control-socket.ts'
import { createFakeTarget, row } from '../../support/fake-target.ts'
import { until } from '../../support/until.ts'

interface Followed {
  readonly lines: EventLine[]
  readonly end: Promise<void>
  readonly stop: () => void
}

async function follow(client: Client, query: Omit<EventsQuery, 'isFollowing'>): Promise<Followed> {
  const opened = Promise.withResolvers<void>()
  const stop = new AbortController()
  const lines: EventLine[] = []
  const more = { isFollowing: true, onOpen: opened.resolve, signal: stop.signal }
  const end = client.events({ ...query, ...more }, (line) => lines.push(line))
  await Promise.race([opened.promise, end])
  return { lines, end, stop: () => stop.abort() }
}

const shown = (lines: readonly EventLine[]) =>
  lines.map((line) => ('notice' in line ? line.notice.code : `${line.sequence} ${line.to}`))

test('history first, then live, without a seam', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'down')])
  const { path } = await serve(t, target)
  target.enter('shop/web@1', 'waiting')
  target.enter('shop/web@1', 'starting')
  const { lines, stop, end } = await follow(createClient(path), { since: 101 })
  target.enter('shop/web@1', 'up')
  await until('two events', () => lines.length === 2)
  assert.deepEqual(shown(lines), ['102 starting', '103 up'])
  stop()
  await assert.rejects(end)
})

test('without a number only what is new; of one project only its own', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'down'), row('blog/web@1', 'down')])
  const { path } = await serve(t, target)
  target.enter('shop/web@1', 'waiting')
  const { lines, stop, end } = await follow(createClient(path), { project: 'blog' })
  target.enter('shop/web@1', 'up')
  target.enter('blog/web@1', 'up')
  await until('an event', () => lines.length > 0)
  assert.deepEqual(shown(lines), ['103 up'])
  stop()
  await assert.rejects(end)
})

test('without following the stream ends with the history', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'down')])
  const { path } = await serve(t, target)
  target.enter('shop/web@1', 'up')
  const lines: EventLine[] = []
  await createClient(path).events({ isFollowing: false }, (line) => lines.push(line))
  assert.deepEqual(shown(lines), ['101 up'])
})

test('events that are not kept any more are told as a gap', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'down')], 5_000)
  const { path } = await serve(t, target)
  target.enter('shop/web@1', 'up')
  const lines: EventLine[] = []
  const client = createClient(path)
  await client.events({ since: 10, isFollowing: false }, (line) => lines.push(line))
  assert.deepEqual(shown(lines), ['gap', '5001 up'])
  lines.length = 0
  await client.events({ since: 5_000, isFollowing: false }, (line) => lines.push(line))
  assert.deepEqual(shown(lines), ['5001 up'])
})

test('who does not read is cut off, told so last, and others do not notice', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'down')])
  const { path } = await serve(t, target)
  const lazy = connect({ path })
  t.after(() => lazy.destroy())
  const first = Promise.withResolvers<void>()
  let text = ''
  lazy.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    first.resolve()
  })
  lazy.write('GET /v1/events?follow=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  await first.promise
  lazy.pause()
  const { lines, stop, end } = await follow(createClient(path), {})
  const reason = 'x'.repeat(16 * 1024)
  // The kernel's socket buffer and the stream's own take some as well.
  const count = Math.ceil((3 * MAX_CLIENT_BACKLOG_BYTES) / reason.length)
  for (let sent = 1; sent <= count; sent += 1) {
    target.enter('shop/web@1', sent % 2 === 0 ? 'up' : 'starting', reason)
    if (sent % 16 === 0) await until('the reader has read', () => lines.length === sent)
  }
  await until('the reader has read all', () => lines.length === count)
  stop()
  await assert.rejects(end)
  const isOver = new Promise((resolve) => lazy.once('end', resolve))
  lazy.resume()
  await isOver
  assert.ok(text.length < 3 * MAX_CLIENT_BACKLOG_BYTES, `${text.length} bytes were kept`)
  const last = text
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .at(-1)
  assert.equal(JSON.parse(last ?? '').notice.code, 'ERR_CLIENT_TOO_SLOW')
})

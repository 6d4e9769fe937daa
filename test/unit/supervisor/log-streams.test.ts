// Logs over the control API, from files that the real port wrote.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLogBench } from '../../fixtures/log-bench.ts'
import { sendRaw, serve } from '../../support/control-socket.ts'
import { createFakeTarget, row } from '../../support/fake-target.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`

/** The texts of the lines in an answer, its chunks put together. */
function textsOf(answer: string): readonly string[] {
  return answer
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line).text)
}

test('lines of the instances that are asked for; wrong filters are refused', async (t) => {
  const bench = openLogBench({ nowUs: () => 1_000_000 })
  t.after(() => bench.close())
  const web = bench.attach('shop/web@1')
  const db = bench.attach('shop/db@1')
  web.stdout('one\n')
  web.stderr('two\n')
  db.stdout('other\n')
  bench.port.drain(web.instance)
  bench.port.drain(db.instance)
  await bench.port.settled()
  const target = createFakeTarget([row('shop/web@1', 'up'), row('shop/db@1', 'up')])
  const { path } = await serve(t, { ...target, logDirectory: bench.logs })
  const ask = async (query: string) => textsOf(await sendRaw(path, get(`/v1/logs${query}`)))
  assert.deepEqual([...(await ask(''))].sort(), ['one', 'other', 'two'])
  assert.deepEqual(await ask('?service=web'), ['one', 'two'])
  assert.deepEqual(await ask('?service=web&stream=stderr'), ['two'])
  assert.deepEqual(await ask('?service=web&lines=1'), ['two'])
  assert.deepEqual(await ask('?project=none'), [])
  for (const query of ['?lines=x', '?lines=9999999', '?stream=both', '?since=never%20ever']) {
    const answer = await sendRaw(path, get(`/v1/logs${query}`))
    assert.match(answer, /^HTTP\/1\.1 400 .*ERR_BAD_REQUEST/s, query)
  }
})

// The control server over a real socket with a supervisor that is none: routes, refusals, bounds.

import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { MAX_CONTROL_CONNECTIONS, MAX_REQUEST_BYTES } from '../../../src/base/limits.ts'
import { hasCode, ToolkitError } from '../../../src/base/toolkit-error.ts'
import { createClient } from '../../../src/client/client.ts'
import { routes } from '../../../src/protocol/routes.ts'
import { openControlServer } from '../../../src/supervisor/control-server.ts'
import { freshFolder, sendRaw, serve } from '../../support/control-socket.ts'
import { createFakeTarget, row } from '../../support/fake-target.ts'
import { until } from '../../support/until.ts'

const get = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${more}\r\n`

function post(path: string, body: string, more = ''): string {
  const length = Buffer.byteLength(body)
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n`
  return `${head}content-length: ${length}\r\n${more}\r\n${body}`
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

function codeOf(answer: string): string {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).error.code
}

test('the socket is only for its user, and replaces one that was left behind', async (t) => {
  const path = join(freshFolder(t), 'control.sock')
  writeFileSync(path, 'left behind')
  const server = await openControlServer({ path, target: createFakeTarget() })
  t.after(() => server.close())
  const stats = statSync(path)
  assert.ok(stats.isSocket())
  assert.equal(stats.mode & 0o777, 0o600)
  assert.equal(statusOf(await sendRaw(path, get('/v1/supervisor'))), 200)
})

test('a path that is too long for a socket is refused with what to do', async (t) => {
  const path = join(freshFolder(t), 'x'.repeat(120))
  await assert.rejects(openControlServer({ path, target: createFakeTarget() }), (error) => {
    return hasCode(error, 'ERR_BAD_HOME') && /EUDAEMON_HOME/.test(error.hint ?? '')
  })
})

test('status: all, of a project, of selectors; the answer is dated', async (t) => {
  const target = createFakeTarget([
    row('shop/web@1', 'up'),
    row('shop/web@2', 'up'),
    row('shop/db@1', 'up'),
    row('blog/web@1', 'up'),
  ])
  const { path } = await serve(t, target)
  const client = createClient(path)
  const idsOf = async (project: string | null, services: readonly string[]) => {
    const { rows } = await client.status({ project, services })
    return rows.map(({ project: name, instance }) => `${name}/${instance}`)
  }
  assert.equal((await idsOf(null, [])).length, 4)
  assert.deepEqual(await idsOf('blog', []), ['blog/web@1'])
  assert.deepEqual(await idsOf('shop', ['web@2', 'db']), ['shop/web@2', 'shop/db@1'])
  assert.deepEqual(await idsOf(null, ['blog/web']), ['blog/web@1'])
  assert.deepEqual(await idsOf(null, ['no such']), [])
  assert.equal((await client.status()).sequence, 100)
})

test('a request is answered only when it has been decided on', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'down')])
  let decide = (): void => {}
  target.onDecided = (callback) => {
    decide = () => callback(null)
  }
  const { path } = await serve(t, target)
  const request = { verb: 'up', project: null, services: ['web'], force: false } as const
  let hasAnswer = false
  const answer = createClient(path)
    .want(request)
    .then((found) => {
      hasAnswer = true
      return found
    })
  await until('the request came in', () => target.requests.length === 1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(hasAnswer, false)
  target.enter('shop/web@1', 'starting')
  decide()
  assert.deepEqual(await answer, { instances: ['shop/web@1'], sequence: 100 })
  assert.deepEqual(target.requests, [['want', request]])
})

test('what is refused when it is decided on is answered with the reason', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'down')])
  const refusal = new ToolkitError('ERR_STATE_DIRECTORY_FULL', 'the state directory is full')
  target.onDecided = (callback) => void setImmediate(callback, refusal)
  const { path } = await serve(t, target)
  const request = { verb: 'up', project: null, services: ['web'], force: false } as const
  await assert.rejects(
    createClient(path).want(request),
    (error) => hasCode(error, 'ERR_STATE_DIRECTORY_FULL') && /is full/.test(error.message),
  )
})

test('every refusal has its status, its code and the form of an error', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'up')])
  const { path } = await serve(t, target)
  const definition = { name: 'x' }
  const cases: readonly (readonly [string, number, string])[] = [
    [get('/v1/nothing'), 404, 'ERR_NO_ROUTE'],
    [get('/v1/want'), 404, 'ERR_NO_ROUTE'],
    [get('/v1/projects/nosuch'), 404, 'ERR_NO_PROJECT'],
    [get('/v1/projects/%zz'), 404, 'ERR_NO_ROUTE'],
    [get('/v1/why/shop/nosuch@1'), 404, 'ERR_NO_SERVICE'],
    [get('/v1/events?since=abc'), 400, 'ERR_BAD_REQUEST'],
    [get('/v1/status', 'origin: http://evil.example\r\n'), 403, 'ERR_REQUEST_REFUSED'],
    [get('/v1/status', 'eudaemon-protocol: 99\r\n'), 400, 'ERR_VERSION_MISMATCH'],
    [post('/v1/want', ''), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/want', '{'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/want', '[]'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/want', '{"verb":"explode"}'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/want', '{"verb":"up","services":[1]}'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/want', '{"verb":"up","force":true}'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/want', '{"verb":"up","services":["nosuch"]}'), 404, 'ERR_NO_SERVICE'],
    [post('/v1/signal', '{"signal":"NOPE"}'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/scale', '{"project":"a","service":"b","count":-1}'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/projects', JSON.stringify({ definition })), 422, 'ERR_INVALID_DEFINITION'],
    [post('/v1/projects', '{"environment":{"A":1}}'), 400, 'ERR_BAD_REQUEST'],
    [post('/v1/shutdown', ''), 409, 'ERR_STILL_RUNNING'],
    ['nonsense\r\n\r\n', 400, 'ERR_BAD_REQUEST'],
    [`GET /v1/status HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 400, 'ERR_BAD_REQUEST'],
  ]
  for (const [request, status, code] of cases) {
    const answer = await sendRaw(path, request)
    assert.deepEqual([statusOf(answer), codeOf(answer)], [status, code], request.slice(0, 80))
  }
  assert.equal(target.requests.length, 0)
})

test('the Host header says nothing', async (t) => {
  const { path } = await serve(t, createFakeTarget())
  const answer = await sendRaw(path, get('/v1/status').replace('host: x', 'host: evil.example'))
  assert.equal(statusOf(answer), 200)
})

test('a peer that is not welcome gets no route at all', async (t) => {
  const target = createFakeTarget()
  target.isPeerWelcome = false
  const { path } = await serve(t, target)
  const answer = await sendRaw(path, get('/v1/status'))
  assert.deepEqual([statusOf(answer), codeOf(answer)], [403, 'ERR_REQUEST_REFUSED'])
})

test('a body beyond the bound is refused, announced or not, and the server goes on', async (t) => {
  const target = createFakeTarget()
  const { path } = await serve(t, target)
  const announced = `POST /v1/want HTTP/1.1\r\nhost: x\r\ncontent-length: ${MAX_REQUEST_BYTES + 1}`
  const answer = await sendRaw(path, `${announced}\r\n\r\n`)
  assert.deepEqual([statusOf(answer), codeOf(answer)], [413, 'ERR_REQUEST_TOO_LARGE'])
  const size = 1024 * 1024
  const chunk = Buffer.concat([
    Buffer.from(`${size.toString(16)}\r\n`),
    Buffer.alloc(size, ' '),
    Buffer.from('\r\n'),
  ])
  const head = Buffer.from(
    'POST /v1/want HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  const chunks = Array.from({ length: MAX_REQUEST_BYTES / size + 1 }, () => chunk)
  const second = await sendRaw(path, [head, ...chunks, Buffer.from('0\r\n\r\n')])
  assert.equal(statusOf(second), 413)
  assert.equal(target.requests.length, 0)
  assert.equal(statusOf(await sendRaw(path, get('/v1/status'))), 200)
})

test('connections beyond the bound are refused until others end', async (t) => {
  const { path } = await serve(t, createFakeTarget())
  const sockets = await Promise.all(
    Array.from({ length: MAX_CONTROL_CONNECTIONS }, () => {
      const socket = connect({ path })
      return new Promise<typeof socket>((resolve) => socket.once('connect', () => resolve(socket)))
    }),
  )
  const answer = await sendRaw(path, get('/v1/status'))
  assert.deepEqual([statusOf(answer), codeOf(answer)], [503, 'ERR_TOO_MANY_REQUESTS'])
  for (const socket of sockets) socket.destroy()
  await until('a connection is free', async () => {
    return statusOf(await sendRaw(path, get('/v1/status'))) === 200
  })
})

test('the OpenAPI document describes every route, with schemas that exist', async (t) => {
  const { path } = await serve(t, createFakeTarget())
  const answer = await sendRaw(path, get('/v1/openapi.json'))
  const document = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
  for (const route of Object.values(routes)) {
    const pattern: string = route.path.replace(/:(\w+)/g, '{$1}')
    const operations = document.paths[pattern]
    assert.equal(operations[route.method.toLowerCase()].summary, route.summary)
  }
  for (const [, name] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)) {
    assert.ok(document.components.schemas[name ?? ''], name ?? '')
  }
})

test('closing ends streams and answers what was asked', async (t) => {
  const target = createFakeTarget([row('shop/web@1', 'up')])
  const { path, server } = await serve(t, target)
  const opened = Promise.withResolvers<void>()
  const query = { isFollowing: true, onOpen: opened.resolve }
  const stream = createClient(path).events(query, () => {})
  await opened.promise
  await server.close()
  await stream
  assert.equal(target.listenerCount(), 0)
  // The name stays until whoever opened it takes it away.
  assert.ok(existsSync(path))
})

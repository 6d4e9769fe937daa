// The client against real sockets: what it says when nobody answers, or somebody else does, and
// that the death of a supervisor in between is not noticed.

import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { hasCode } from '../../../src/base/toolkit-error.ts'
import { createClient } from '../../../src/client/client.ts'
import { canConnect, toConnectionError } from '../../../src/client/connection.ts'
import { openControlServer } from '../../../src/supervisor/control-server.ts'
import { freshFolder, serve } from '../../support/control-socket.ts'
import { createFakeTarget, row } from '../../support/fake-target.ts'

const NO_PATIENCE = 0

/** Listens and answers every connection with these bytes, then ends it. */
async function serveBytes(t: TestContext, path: string, bytes: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(bytes)
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

/** A socket file that nobody listens on. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.bound`, resolve))
  renameSync(`${path}.bound`, path)
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

test('no socket: no supervisor is running', async (t) => {
  const path = join(freshFolder(t), 'control.sock')
  await assert.rejects(createClient(path).status(), (error) => {
    return hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING') && /eudaemon up/.test(error.hint ?? '')
  })
  assert.equal(await canConnect(path), false)
})

test('a socket that nobody listens on: not running, and said to be left behind', async (t) => {
  const path = join(freshFolder(t), 'control.sock')
  await leaveStaleSocket(path)
  await assert.rejects(createClient(path, NO_PATIENCE).status(), (error) => {
    return hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING') && /left behind/.test(error.message)
  })
})

test('no right to connect: unreachable, and who may', () => {
  // Root may connect to everything, so the error itself is made here.
  const cause = Object.assign(new Error('connect EACCES'), { code: 'EACCES' })
  const error = toConnectionError('/run/eudaemon/control.sock', cause)
  assert.ok(hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE'))
  assert.match(error.hint ?? '', /user who owns the supervisor/)
})

test('something that is no socket: unreachable or refused, never an exception', async (t) => {
  const path = join(freshFolder(t), 'control.sock')
  writeFileSync(path, '')
  await assert.rejects(createClient(path, NO_PATIENCE).status(), (error) => {
    return (
      hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING') || hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE')
    )
  })
})

test('another version of the protocol is told apart, with both versions', async (t) => {
  const path = join(freshFolder(t), 'control.sock')
  const head = 'HTTP/1.1 200 OK\r\neudaemon-protocol: 7\r\neudaemon-version: 9.9.9\r\n'
  await serveBytes(t, path, `${head}content-length: 2\r\n\r\n[]`)
  await assert.rejects(createClient(path).status(), (error) => {
    return hasCode(error, 'ERR_VERSION_MISMATCH') && /9\.9\.9.*protocol 7/.test(error.message)
  })
})

test('somebody else on the socket: a bad answer', async (t) => {
  for (const bytes of ['hello\n', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nxyz']) {
    const path = join(freshFolder(t), 'control.sock')
    await serveBytes(t, path, bytes)
    const isBad = (error: unknown) => hasCode(error, 'ERR_BAD_ANSWER')
    await assert.rejects(createClient(path, NO_PATIENCE).status(), isBad, bytes)
  }
})

test('a connection that breaks in the middle is unreachable, or tried again', async (t) => {
  const path = join(freshFolder(t), 'control.sock')
  const broken = await serveBytes(t, path, 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[')
  await assert.rejects(createClient(path, NO_PATIENCE).status(), (error) => {
    return hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE')
  })
  const target = createFakeTarget([row('shop/web@1', 'up')])
  const answer = createClient(path, 30_000).status()
  const server = await openControlServer({ path, target })
  t.after(() => server.close())
  assert.equal((await answer).rows.length, 1)
  broken.close()
})

test('a signal is not sent twice', async (t) => {
  const path = join(freshFolder(t), 'control.sock')
  await serveBytes(t, path, '')
  const request = { signal: 1, project: null, services: ['web'] }
  await assert.rejects(createClient(path, 30_000).signal(request), (error) => {
    return hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE')
  })
})

test('a refused definition comes with its diagnostics', async (t) => {
  const { path } = await serve(t, createFakeTarget())
  const definition = { name: 'x y', file: '/x', directory: '/', services: {} }
  const request = { definition, services: null, environment: {} }
  await assert.rejects(createClient(path).apply(request), (error) => {
    return (
      hasCode(error, 'ERR_INVALID_DEFINITION') &&
      Array.isArray(error.cause) &&
      error.cause.every(({ code, message }) => code !== '' && message !== '')
    )
  })
})

test('a request that is aborted ends at once', async (t) => {
  const { path } = await serve(t, createFakeTarget())
  const stop = new AbortController()
  stop.abort()
  const query = { isFollowing: true, signal: stop.signal }
  await assert.rejects(createClient(path).events(query, () => {}))
})

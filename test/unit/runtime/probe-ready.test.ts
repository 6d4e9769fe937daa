// Readiness, asked of real servers on loopback and by real commands.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { toPid } from '../../../src/base/brands.ts'
import { closeFd, setNonBlocking } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { readStat } from '../../../src/kernel/procfs.ts'
import type { ProbeAction } from '../../../src/model/service-definition.ts'
import { id, invocation, openBench, probeOf, readyBy, readyEffect, until } from './probe-run.ts'

const ready = { type: 'ready', invocation } as const
/** What listens in this process is ours, as if it were the service. */
const bench = () => openBench()

async function serve(handler: RequestListener, host = '127.0.0.1') {
  const server = createHttpServer(handler)
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/health`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const http = (url: string): ProbeAction => ({ kind: 'http', url, status: [200, 399] })

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = await serve(() => {})
  server.close()
  return server.port
}

describe('http', () => {
  for (const host of ['127.0.0.1', '::1', 'localhost']) {
    test(`ready at a good status from ${host}`, async () => {
      const paths: string[] = []
      const server = await serve((request, response) => {
        paths.push(`${request.method} ${request.url} ${request.headers.connection}`)
        response.end('fine')
      }, host)
      const { port, next, close } = bench()
      port.watchReady(readyEffect(readyBy(probeOf(http(server.url)))), null)
      assert.deepEqual(await next(), ready)
      assert.deepEqual(paths, ['GET /health close'])
      assert.equal(port.lastFailure(id), null)
      close()
      server.close()
    })
  }

  test('a bad status, then a redirect, which is not followed', async () => {
    const statuses = [503, 404, 302]
    const server = await serve((_, response) => {
      const status = statuses.shift() ?? 500
      response.writeHead(status, { Location: 'http://127.0.0.1:1/' }).end('x')
    })
    const { port, next, close, happenings } = bench()
    port.watchReady(readyEffect(readyBy(probeOf(http(server.url), { intervalMs: 100 }))), null)
    await until(() => port.lastFailure(id) !== null, 'a failure')
    assert.equal(port.lastFailure(id), `${server.url}: 503`)
    assert.equal(happenings.length, 0)
    assert.deepEqual(await next(), ready)
    assert.equal(port.lastFailure(id), null)
    close()
    server.close()
  })

  test('an endless body does not delay the answer, and is cut off', async () => {
    const bodies = { open: 0 }
    const server = await serve((_, response) => {
      bodies.open += 1
      response.on('close', () => {
        bodies.open -= 1
      })
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(10_000)));
      }
      response.on('drain', write)
      response.writeHead(200)
      write()
    })
    const { port, next, close } = bench()
    port.watchReady(
      readyEffect(readyBy(probeOf(http(server.url), { attemptTimeoutMs: 60_000 }))),
      null,
    )
    assert.deepEqual(await next(), ready)
    await until(() => bodies.open === 0, 'the end of the body')
    close()
    server.close()
  })

  test('what went wrong is told in words', async () => {
    const silent = await serve(() => {})
    const rude = createServer((socket) => socket.end('SSH-2.0-x\r\n'))
    rude.listen(0, '127.0.0.1')
    await once(rude, 'listening')
    const rudePort = (rude.address() as AddressInfo).port
    const closed = await freePort()
    const cases: readonly (readonly [ProbeAction, string])[] = [
      [http(`http://127.0.0.1:${closed}/`), `port ${closed} refused the connection`],
      [http(`http://localhost:${closed}/`), `port ${closed} refused the connection`],
      [http(silent.url), `${silent.url}: no answer within 50ms`],
      [
        http(`http://127.0.0.1:${rudePort}/`),
        `http://127.0.0.1:${rudePort}/: the answer is not HTTP`,
      ],
      [
        http(`http://a:secret@127.0.0.1:${rudePort}/`),
        `http://127.0.0.1:${rudePort}/: the answer is not HTTP`,
      ],
      [{ kind: 'tcp', host: '127.0.0.1', port: closed }, `port ${closed} refused the connection`],
    ]
    for (const [action, words] of cases) {
      const { port, close } = bench()
      port.watchReady(readyEffect(readyBy(probeOf(action, { attemptTimeoutMs: 50 }))), null)
      await until(() => port.lastFailure(id) !== null, words)
      assert.equal(port.lastFailure(id), words)
      port.unwatch(id)
      assert.equal(port.lastFailure(id), words, 'kept for whoever asks why')
      port.forget(id)
      assert.equal(port.lastFailure(id), null)
      close()
    }
    silent.close()
    rude.close()
  })

  test('never two attempts at once', async () => {
    let open = 0
    let most = 0
    let attempts = 0
    const server = await serve((_, response) => {
      open += 1
      attempts += 1
      most = Math.max(most, open)
      response.on('close', () => {
        open -= 1
      })
    })
    const { port, close } = bench()
    const probe = probeOf(http(server.url), { intervalMs: 1, attemptTimeoutMs: 20 })
    port.watchReady(readyEffect(readyBy(probe)), null)
    await until(() => attempts > 4, 'five attempts')
    close()
    // The server may hear of a connection's end after the beginning of the next one.
    assert.ok(most <= 2, `${most} at once`)
    server.close()
  })
})

test('tcp: from the moment on which somebody listens', async () => {
  const server = createServer((socket: Socket) => socket.resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: number } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const { port, next, close, happenings } = bench()
  port.watchReady(
    readyEffect(readyBy(probeOf({ kind: 'tcp', host: '127.0.0.1', port: number }))),
    null,
  )
  await until(() => port.lastFailure(id) !== null, 'a refusal')
  assert.equal(happenings.length, 0)
  server.listen(number, '127.0.0.1')
  assert.deepEqual(await next(), ready)
  close()
  server.close()
})

describe('exec', () => {
  test('asked until it exits with 0', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'probe-'))
    const line = `echo looking; test -e ${folder}/up || { echo "not yet" >&2; exit 4; }`
    const { port, next, close } = bench()
    const action: ProbeAction = { kind: 'exec', command: { kind: 'shell', line } }
    port.watchReady(readyEffect(readyBy(probeOf(action))), null)
    await until(() => port.lastFailure(id) !== null, 'a failure')
    assert.equal(port.lastFailure(id), 'probe command: exit 4: not yet')
    writeFileSync(join(folder, 'up'), '')
    assert.deepEqual(await next(), ready)
    close()
    rmSync(folder, { recursive: true })
  })

  test('one that takes too long, one that is not there, one that is killed', async () => {
    const cases: readonly (readonly [ProbeAction, string])[] = [
      [
        { kind: 'exec', command: { kind: 'argv', argv: ['sleep', '100'] } },
        'probe command: not done within 30ms',
      ],
      [
        { kind: 'exec', command: { kind: 'argv', argv: ['no-such-tool'] } },
        "probe command: exec: 'no-such-tool': command not found; PATH is /usr/bin:/bin",
      ],
      [{ kind: 'exec', command: { kind: 'shell', line: 'kill -9 $$' } }, 'probe command: SIGKILL'],
    ]
    for (const [action, words] of cases) {
      const { port, close } = bench()
      const probe = probeOf(action, { attemptTimeoutMs: 30, intervalMs: 60_000 })
      port.watchReady(readyEffect(readyBy(probe)), null)
      await until(() => port.lastFailure(id) !== null, words)
      assert.equal(port.lastFailure(id), words)
      close()
    }
  })

  test('one that is given up ends at once, with its children', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'eudaemon-probe-'))
    const pids = join(folder, 'pids')
    const line = `sleep 1000 & echo $$ $! > ${pids}; wait`
    const action: ProbeAction = { kind: 'exec', command: { kind: 'shell', line } }
    const { port, close } = bench()
    port.watchReady(readyEffect(readyBy(probeOf(action, { attemptTimeoutMs: 1_000_000 }))), null)
    const read = () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split(' ') : [])
    await until(() => read().length === 2, 'the command to run')
    port.unwatch(id)
    const isGone = (pid: string) => (readStat(toPid(Number(pid)))?.state ?? 'Z') === 'Z'
    await until(() => read().every(isGone), 'the command and its child to be gone')
    close()
    rmSync(folder, { recursive: true })
  })
})

describe('log', () => {
  test('the pattern, the stream and the mark are handed on; the first match is it', async () => {
    const { port, next, close, logWatches, happenings } = bench()
    const readiness = {
      kind: 'log',
      pattern: '^ready',
      stream: 'stderr',
      timeoutMs: 1_000,
    } as const
    port.watchReady(readyEffect(readiness, '{"segment":3,"offset":70}'), null)
    const [entry] = logWatches
    assert.deepEqual(entry?.watch, {
      pattern: /^ready/,
      stream: 'stderr',
      from: { segment: 3, offset: 70 },
    })
    entry.onMatch()
    entry.onMatch()
    assert.deepEqual(await next(), ready)
    assert.equal(happenings.length, 1)
    assert.equal(entry.isStopped, true)
    port.watchReady(readyEffect(readiness), null)
    assert.equal(logWatches[1]?.watch.from, null)
    port.unwatch(id)
    assert.equal(logWatches[1]?.isStopped, true)
    logWatches[1]?.onMatch()
    assert.equal(happenings.length, 1)
    close()
  })
})

describe('notify descriptor', () => {
  const readiness = { kind: 'notify-fd', fd: 3, timeoutMs: 1_000 } as const

  test('a newline, the end, and a descriptor that was lost', async () => {
    const { port, next, close } = bench()
    const first = createPipe()
    setNonBlocking(first.reader, true)
    port.watchReady(readyEffect(readiness), first.reader)
    writeSync(first.writer, 'ok\n')
    assert.deepEqual(await next(), ready)
    const second = createPipe()
    setNonBlocking(second.reader, true)
    port.watchReady(readyEffect(readiness), second.reader)
    closeFd(second.writer)
    const reason = 'closed its notify descriptor without saying ready'
    assert.deepEqual(await next(), { type: 'unready', invocation, reason })
    port.watchReady(readyEffect(readiness), null)
    const event = await next()
    assert.equal(event.type, 'unready')
    close()
    for (const fd of [first.reader, first.writer, second.reader]) closeFd(fd)
  })
})

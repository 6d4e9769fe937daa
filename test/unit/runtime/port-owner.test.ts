// Who answers on a port: the service, somebody who was there before, another service, or nobody
// that can be named. The others are real processes.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { after, describe, test } from 'node:test'
import type { Pid } from '../../../src/base/brands.ts'
import type { ProcessRef } from '../../../src/core/instance-state.ts'
import { closeFd, openDevNull } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { readStat } from '../../../src/kernel/procfs.ts'
import { spawnProcess } from '../../../src/kernel/spawn.ts'
import { killAndReap } from '../../../src/kernel/wait.ts'
import { whoElseListens } from '../../../src/runtime/port-owner.ts'
import { id, invocation, openBench, probeOf, readyBy, readyEffect } from './probe-run.ts'

const script = `const server = require('node:http').createServer((_, answer) => answer.end())
server.listen(0, process.argv[1], () => console.log(server.address().port))`

const started: Pid[] = []
after(() => started.forEach(killAndReap))

/** A process that listens; it has said so when this returns. */
function startListener(
  host: string,
  env: readonly string[] = [],
): { port: number; ref: ProcessRef } {
  const [input, pipe] = [openDevNull(), createPipe()]
  const result = spawnProcess({
    path: process.execPath,
    argv: ['node', '-e', script, host],
    env,
    directory: '/',
    files: [
      { from: input, to: 0 },
      { from: pipe.writer, to: 1 },
      { from: input, to: 2 },
    ],
    session: 'new-session',
  })
  closeFd(input)
  closeFd(pipe.writer)
  if (result.kind === 'failed') throw new Error(result.message)
  closeFd(result.pidfd)
  started.push(result.pid)
  const buffer = Buffer.alloc(100)
  const port = Number(buffer.toString('latin1', 0, readSync(pipe.reader, buffer)))
  closeFd(pipe.reader)
  return { port, ref: { pid: result.pid, startTime: readStat(result.pid)?.startTime ?? 0 } }
}

/** No process has this number (PID_MAX_LIMIT of Linux is 2^22). */
const NOBODY = (2 ** 22) as Pid
const never = (): boolean => false
const address = '127.0.0.1'
const nameOf = (pid: number): string => readStat(pid as Pid)?.command ?? ''

describe('who else listens', () => {
  const { port, ref } = startListener(address)
  const older = { pid: NOBODY, startTime: ref.startTime - 1 }
  const newer = { pid: NOBODY, startTime: ref.startTime + 1_000_000 }

  test('the main process itself', () => {
    assert.equal(
      whoElseListens(id, { address, port }, { belongs: never, mainProcess: () => ref }),
      null,
    )
  })

  test('another process of the service', () => {
    const belongs = (_: unknown, pid: Pid): boolean => pid === ref.pid
    const deps = { belongs, mainProcess: () => newer }
    assert.equal(whoElseListens(id, { address, port }, deps), null)
  })

  test('one that was there before the service', () => {
    const deps = { belongs: never, mainProcess: () => newer }
    assert.equal(
      whoElseListens(id, { address, port }, deps),
      `port ${port} is in use by '${nameOf(ref.pid)}' (pid ${ref.pid}), ` +
        'which is not part of this service',
    )
  })

  test('one that came after the service may be its helper', () => {
    const deps = { belongs: never, mainProcess: () => older }
    assert.equal(whoElseListens(id, { address, port }, deps), null)
    assert.equal(
      whoElseListens(id, { address, port }, { belongs: never, mainProcess: () => null }),
      null,
    )
  })

  test('on another machine nobody can tell', () => {
    const deps = { belongs: never, mainProcess: () => newer }
    assert.equal(whoElseListens(id, { address: '192.0.2.1', port }, deps), null)
  })

  test('a wildcard listener, reached by IPv4 in IPv6 notation', () => {
    const wild = startListener('0.0.0.0')
    const deps = { belongs: never, mainProcess: () => newer }
    const found = whoElseListens(id, { address: '::ffff:127.0.0.1', port: wild.port }, deps)
    assert.match(found ?? '', new RegExp(`^port ${wild.port} is in use by .*pid ${wild.ref.pid}`))
  })

  test('a process of another service, whenever it came; one of an earlier run', () => {
    const of = (instance: string): readonly string[] => [
      'EUDAEMON_PROJECT=shop',
      `EUDAEMON_INSTANCE=${instance}`,
    ]
    const sibling = startListener(address, of('api@1'))
    const first = whoElseListens(
      id,
      { address, port: sibling.port },
      { belongs: never, mainProcess: () => older },
    )
    assert.match(first ?? '', /\(pid \d+\), which is part of shop\/api@1$/)
    const leftover = startListener(address, of('web@1'))
    const second = whoElseListens(
      id,
      { address, port: leftover.port },
      { belongs: never, mainProcess: () => newer },
    )
    assert.match(second ?? '', /which is left over from an earlier run of this service$/)
  })

  test('a socket that the supervisor holds for the service', async () => {
    const server = createServer()
    server.listen(0, address)
    await once(server, 'listening')
    const own = (server.address() as AddressInfo).port
    const deps = { belongs: never, mainProcess: () => newer }
    assert.equal(whoElseListens(id, { address, port: own }, deps), null)
    server.close()
  })

  for (const kind of ['tcp', 'http'] as const) {
    test(`readiness by ${kind} is refused with the name of the other`, async () => {
      const { port: probes, next, close } = openBench({ main: newer })
      const action =
        kind === 'tcp'
          ? ({ kind, host: 'localhost', port } as const)
          : ({ kind, url: `http://${address}:${port}/`, status: [200, 399] } as const)
      probes.watchReady(readyEffect(readyBy(probeOf(action, { intervalMs: 1 }))), null)
      const reason =
        `port ${port} is in use by '${nameOf(ref.pid)}' (pid ${ref.pid}), ` +
        'which is not part of this service'
      assert.deepEqual(await next(), { type: 'unready', invocation, reason })
      assert.equal(probes.lastFailure(id), reason)
      close()
    })
  }
})

// runs-as: nobody
// The engine where the command line cannot reach it in time: a start that is cancelled before its
// gate opens.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DaemonRequest } from '../../../src/daemonize/daemon-request.ts'
import { descendantsOf } from '../../../src/daemonize/descendants.ts'
import { ownPid } from '../../../src/daemonize/own-pid.ts'
import { startDaemon } from '../../../src/daemonize/start-daemon.ts'
import { temporaryFolder } from '../../support/children.ts'

test('cancelled at its gate it never runs, and nothing goes on', async (context) => {
  const folder = temporaryFolder(context)
  const mark = join(folder, 'ran')
  const request: DaemonRequest = {
    kind: 'request',
    name: 'touch',
    path: '/bin/sh',
    argv: ['sh', '-c', `: >${mark}`],
    environment: new Map(),
    settings: { directory: '/', umask: 0o22, nice: null, limits: {}, root: null },
    credentials: null,
    stdin: '/dev/null',
    stdout: { kind: 'null' },
    stderr: { kind: 'null' },
    keptFds: [],
    pidFile: join(folder, 'd.pid'),
    ready: { kind: 'delay', ms: 1_000 },
    readyTimeoutMs: 60_000,
    onTimeout: 'stop',
    stopSignal: 15,
    stopTimeoutMs: 10_000,
  }
  const hurry = new AbortController().signal
  const host = { relay: () => {}, tell: () => {}, cancel: AbortSignal.abort(), hurry }
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  const outcome = await startDaemon(request, host)
  assert.equal(outcome.kind, 'cancelled')
  // A turn of the loop, in which what is left over would be told of the end.
  await new Promise((done) => setImmediate(done))
  assert.equal(timers(), before)
  assert.equal(existsSync(mark), false)
  assert.equal(existsSync(join(folder, 'd.pid')), false)
  assert.deepEqual(descendantsOf(ownPid(), new Set()), [])
})

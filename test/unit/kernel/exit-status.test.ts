// Every way to end, through spawn, poll and reap, and as seen by those who are not the parent.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toFd, toPid } from '../../../src/base/brands.ts'
import { LAST_SIGNAL } from '../../../src/base/signal.ts'
import { closeFd } from '../../../src/kernel/fd.ts'
import { probeFeatures } from '../../../src/kernel/features.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { openPidfd, pidOfPidfd, readExitInfo, sendSignal } from '../../../src/kernel/pidfd.ts'
import { isSubreaper, setSubreaper } from '../../../src/kernel/prctl.ts'
import { children, readStat } from '../../../src/kernel/procfs.ts'
import { reap } from '../../../src/kernel/wait.ts'
import {
  ended,
  readiness,
  readSome,
  start,
  temporaryFolder,
  until,
} from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const noOther = toPid(0x3fff_ffff)
const ignoredByDefault = [17, 18, 23, 28]
const stopping = [19, 20, 21, 22]
const sleeper = { path: '/bin/sleep', argv: ['sleep', '60'] }

test('all 256 exit codes', async (t) => {
  for (let first = 0; first < 256; first += 32) {
    const codes = Array.from({ length: 32 }, (_, at) => first + at)
    const batch = codes.map((code) => start(t, `exit ${code}`))
    const statuses = await Promise.all(batch.map(ended))
    assert.deepEqual(
      statuses,
      codes.map((code) => ({ kind: 'exited', code })),
    )
  }
})

const SIGSTOP = 19

test('all signals', async (t) => {
  const directory = temporaryFolder(t)
  for (let signal = 1; signal <= LAST_SIGNAL; signal += 1) {
    const child = start(t, '', { ...sleeper, directory })
    assert.equal(reap(child.pidfd), 'running')
    assert.equal(sendSignal(child.pidfd, signal), true)
    const survives = ignoredByDefault.includes(signal) || stopping.includes(signal)
    // The other three are discarded in an orphaned process group, as a script in the background is.
    if (signal === SIGSTOP) {
      await until(`signal ${signal} stops`, () => readStat(child.pid)?.state === 'T')
    }
    if (survives) {
      assert.equal(reap(child.pidfd), 'running')
      sendSignal(child.pidfd, 9)
    }
    const status = await ended(child)
    assert.equal(status.kind, 'signaled')
    assert.equal(status.kind === 'signaled' && status.signal, survives ? 9 : signal)
  }
})

test('a status is given once, then the process is gone', async (t) => {
  const child = start(t, 'exit 3')
  assert.deepEqual(await ended(child), { kind: 'exited', code: 3 })
  assert.equal(reap(child.pidfd), 'not-a-child')
  assert.equal(sendSignal(child.pidfd, 15), false)
  assert.equal(pidOfPidfd(child.pidfd), null)
})

test('a pidfd names its process; a number that nobody has gives none', (t) => {
  const child = start(t, '', sleeper)
  assert.equal(pidOfPidfd(child.pidfd), child.pid)
  const again = openPidfd(child.pid)
  assert.ok(again !== null)
  assert.equal(pidOfPidfd(again), child.pid)
  closeFd(again)
  assert.equal(openPidfd(noOther), null)
})

test('a process of somebody else is not our child', () => {
  const parent = openPidfd(toPid(process.ppid))
  assert.ok(parent !== null)
  assert.equal(reap(parent), 'not-a-child')
  assert.equal(readExitInfo(parent), 'running')
  closeFd(parent)
})

test('the exit status of our own child, before and after it is reaped', async (t) => {
  const available = probeFeatures()['pidfd-exit-info']?.available === true
  const child = start(t, 'kill -TERM $$')
  await readiness(child.pidfd)
  assert.equal(readExitInfo(child.pidfd), 'not-reaped')
  await ended(child)
  const status = readExitInfo(child.pidfd)
  if (!available) assert.equal(status, 'unavailable')
  else assert.deepEqual(status, { kind: 'signaled', signal: 15, core: false })
})

test('the exit status of a process that another one reaped', async (t) => {
  const available = probeFeatures()['pidfd-exit-info']?.available === true
  if (skipUnless(t, available, 'this kernel keeps no exit status (Linux before 6.15)')) return
  const out = createPipe()
  const gate = createPipe()
  const files = [
    { from: out.writer, to: 1 },
    { from: gate.reader, to: 3 },
  ]
  const parent = start(t, '( read line <&3; exit 42 ) & echo $!; wait $!; exit 0', { files })
  const pid = toPid(Number(await readSome(out.reader)))
  const pidfd = openPidfd(pid)
  assert.ok(pidfd !== null)
  assert.equal(readExitInfo(pidfd), 'running')
  // No writer is left: the read ends.
  for (const fd of [gate.writer, gate.reader, out.writer, out.reader]) closeFd(fd)
  assert.deepEqual(await ended(parent), { kind: 'exited', code: 0 })
  assert.equal(reap(pidfd), 'not-a-child')
  assert.deepEqual(readExitInfo(pidfd), { kind: 'exited', code: 42 })
  closeFd(pidfd)
})

test('a subreaper inherits and reaps orphans', async (t) => {
  setSubreaper()
  assert.equal(isSubreaper(), true)
  const out = createPipe()
  const gate = createPipe()
  const files = [
    { from: out.writer, to: 1 },
    { from: gate.reader, to: 3 },
  ]
  const parent = start(t, '( read line <&3; exit 9 ) & echo $!', { files })
  const pid = toPid(Number(await readSome(out.reader)))
  const pidfd = openPidfd(pid)
  assert.ok(pidfd !== null)
  await ended(parent)
  assert.equal(readStat(pid)?.parent, process.pid)
  assert.ok(children(toPid(process.pid)).includes(pid))
  for (const fd of [gate.writer, gate.reader, out.writer, out.reader]) closeFd(fd)
  assert.deepEqual(await ended({ pid, pidfd }), { kind: 'exited', code: 9 })
  closeFd(pidfd)
})

test('a descriptor that is no pidfd is an error, not an answer', () => {
  for (const call of [reap, readExitInfo, (fd: never) => sendSignal(fd, 0)]) {
    assert.throws(() => call(toFd(9_999) as never), { code: 'ERR_KERNEL_CALL', errnoName: 'EBADF' })
  }
})

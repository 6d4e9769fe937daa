// runs-as: nobody
// Signals, stops and status of the owner of a PID file. Real processes, real ends.

import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { printExitStatus } from '../../../src/base/exit-status.ts'
import { claimPidFile, recordIdentityBeside } from '../../../src/daemonize/pid-file.ts'
import { printPidRecord } from '../../../src/daemonize/pid-file-record.ts'
import { removePidFileOf } from '../../../src/daemonize/pid-file-remove.ts'
import { sidePathOf } from '../../../src/daemonize/pid-owner.ts'
import {
  reloadOwner,
  signalOwner,
  statusOfOwner,
  stopOwner,
} from '../../../src/daemonize/pid-owner-control.ts'
import { closeFd } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { hasEnded, sendSignal } from '../../../src/kernel/pidfd.ts'
import { readStat } from '../../../src/kernel/procfs.ts'
import {
  type Child,
  ended,
  readSome,
  runNode,
  start,
  temporaryFolder,
  until,
} from '../../support/children.ts'
import { claimed, living, recordDaemon, recordOfDead, sleeper } from '../../support/pid-files.ts'
import { asNobody, isRoot } from '../../support/rights.ts'
import { skipUnless } from '../../support/skip.ts'

const pathIn = (t: TestContext): string => join(temporaryFolder(t), 'daemon.pid')
const patient = { signal: 15, timeoutMs: 20_000, killTimeoutMs: 20_000 }

/** A shell that says on its standard output when its traps are set. */
async function startReady(t: TestContext, script: string): Promise<Child & { read: Read }> {
  const { reader, writer } = createPipe()
  t.after(() => closeFd(reader))
  const child = start(t, `${script}; echo ready; while :; do sleep 0.1; done`, {
    files: [{ from: writer, to: 1 }],
  })
  closeFd(writer)
  assert.equal(await readSome(reader), 'ready\n')
  return { ...child, read: () => readSome(reader) }
}
type Read = () => Promise<string>

test('a stop asks, waits for the end and removes the file', async (t) => {
  const path = pathIn(t)
  const daemon = start(t, '', sleeper)
  recordDaemon(path, daemon.pid)
  assert.deepEqual(statusOfOwner(path), {
    lsbStatus: 0,
    pid: daemon.pid,
    text: `running as process ${daemon.pid}`,
    hint: null,
  })
  const outcome = await stopOwner(path, patient)
  assert.deepEqual(outcome, { kind: 'stopped', pid: daemon.pid, file: { kind: 'removed' } })
  assert.equal(hasEnded(daemon.pidfd), true)
  assert.equal(printExitStatus(await ended(daemon)), 'SIGTERM')
  assert.equal(statusOfOwner(path).lsbStatus, 3)
  assert.deepEqual(await stopOwner(path, patient), {
    kind: 'not-running',
    file: { kind: 'gone' },
  })
})

test('who ignores the signal is killed, or left when that is not wanted', async (t) => {
  const path = pathIn(t)
  const daemon = await startReady(t, "trap '' TERM")
  recordDaemon(path, daemon.pid)
  await assert.rejects(stopOwner(path, { signal: 15, timeoutMs: 50, killTimeoutMs: null }), {
    code: 'ERR_OWNER_SURVIVED',
    message: /still runs 0.05 s after SIGTERM/,
  })
  assert.equal(statusOfOwner(path).lsbStatus, 0)
  const outcome = await stopOwner(path, { ...patient, timeoutMs: 50 })
  assert.deepEqual(outcome, { kind: 'killed', pid: daemon.pid, file: { kind: 'removed' } })
  assert.equal(printExitStatus(await ended(daemon)), 'SIGKILL')
})

test('a stopped daemon continues to hear that it shall end', async (t) => {
  const path = pathIn(t)
  const daemon = await startReady(t, "trap 'exit 7' TERM")
  recordDaemon(path, daemon.pid)
  assert.equal(signalOwner(path, 19).kind, 'sent')
  await until('it to be stopped', () => readStat(daemon.pid)?.state === 'T')
  assert.equal((await stopOwner(path, patient)).kind, 'stopped')
  assert.equal(printExitStatus(await ended(daemon)), 'exit 7')
})

test('a reload is a SIGHUP, and other signals arrive too', async (t) => {
  const path = pathIn(t)
  const daemon = await startReady(t, "trap 'echo HUP' HUP; trap 'echo USR1' USR1")
  recordDaemon(path, daemon.pid)
  assert.deepEqual(reloadOwner(path), { kind: 'sent', pid: daemon.pid })
  assert.equal(await daemon.read(), 'HUP\n')
  assert.deepEqual(signalOwner(path, 10), { kind: 'sent', pid: daemon.pid })
  assert.equal(await daemon.read(), 'USR1\n')
})

test('nobody is signalled when the owner is gone; a stop clears its file away', async (t) => {
  const path = pathIn(t)
  const other = start(t, '', sleeper)
  assert.deepEqual(reloadOwner(path), { kind: 'not-running' })
  // The number is alive, but the process behind it is another one.
  writeFileSync(path, recordOfDead(other.pid))
  assert.equal(statusOfOwner(path).lsbStatus, 1)
  assert.match(statusOfOwner(path).text, /^dead, but the PID file exists: the number \d+ is/)
  assert.deepEqual(signalOwner(path, 9), { kind: 'not-running' })
  assert.deepEqual(await stopOwner(path, { ...patient, signal: 9 }), {
    kind: 'not-running',
    file: { kind: 'removed' },
  })
  assert.equal(hasEnded(other.pidfd), false)
  assert.equal(existsSync(path), false)
})

test('what is not proved is refused', async (t) => {
  const path = pathIn(t)
  const other = start(t, '', sleeper)
  for (const content of [`${other.pid}\n`, 'garbage', '\x7fELF']) {
    writeFileSync(path, content)
    const status = statusOfOwner(path)
    assert.equal(status.lsbStatus, 4)
    assert.ok(status.hint)
    const code = 'ERR_OWNER_UNKNOWN'
    assert.throws(() => signalOwner(path, 15), { code })
    await assert.rejects(stopOwner(path, patient), { code })
    assert.equal(existsSync(path), true)
  }
  assert.equal(hasEnded(other.pidfd), false)
})

test('while a start is in progress nobody is stopped', async (t) => {
  const path = pathIn(t)
  const claim = claimed(claimPidFile(path))
  assert.equal(statusOfOwner(path).lsbStatus, 3)
  assert.throws(() => signalOwner(path, 15), { code: 'ERR_PID_FILE_BUSY' })
  await assert.rejects(stopOwner(path, patient), { code: 'ERR_PID_FILE_BUSY' })
  claim.withdraw()
})

test('a file that speaks of another process by then stays', (t) => {
  const path = pathIn(t)
  const [first, second] = [start(t, '', sleeper), start(t, '', sleeper)]
  const identity = living(first.pid)
  assert.deepEqual(removePidFileOf(path, identity), { kind: 'gone' })
  recordDaemon(path, second.pid)
  assert.deepEqual(removePidFileOf(path, identity), { kind: 'replaced' })
  writeFileSync(path, printPidRecord({ ...identity, bootId: 'another' }))
  assert.deepEqual(removePidFileOf(path, identity), { kind: 'replaced' })
  writeFileSync(path, printPidRecord(identity))
  const claim = claimed(claimPidFile(`${path}.other`))
  assert.deepEqual(removePidFileOf(`${path}.other`, identity), { kind: 'replaced' })
  claim.withdraw()
  assert.deepEqual(removePidFileOf(path, identity), { kind: 'removed' })
})

test('a file that the daemon wrote itself goes with the record beside it', async (t) => {
  const path = pathIn(t)
  for (const removesItself of [false, true]) {
    const daemon = await startReady(t, `trap '${removesItself ? `rm ${path}; ` : ''}exit' TERM`)
    writeFileSync(path, `${daemon.pid}\n`)
    recordIdentityBeside(path, daemon.pid)
    const { kind, file } = await stopOwner(path, patient)
    assert.deepEqual([kind, file.kind], ['stopped', removesItself ? 'gone' : 'removed'])
    assert.deepEqual(readdirSync(join(path, '..')), [])
  }
  const daemon = start(t, '', sleeper)
  writeFileSync(path, `${daemon.pid}\n`)
  recordIdentityBeside(path, daemon.pid)
  sendSignal(daemon.pidfd, 9)
  await ended(daemon)
  assert.equal((await stopOwner(path, patient)).file.kind, 'removed')
  assert.equal(existsSync(sidePathOf(path)), false)
})

test("another user's daemon is left alone, with a clear error", async (t) => {
  if (skipUnless(t, isRoot, 'needs root to be another user')) return
  const path = pathIn(t)
  const daemon = start(t, '', sleeper)
  recordDaemon(path, daemon.pid)
  chmodSync(join(path, '..'), 0o755)
  const script = `import * as owner from 'kernel/../daemonize/pid-owner-control.ts'
    const path = ${JSON.stringify(path)}
    console.log(owner.statusOfOwner(path).lsbStatus)
    const stop = { signal: 15, timeoutMs: 1, killTimeoutMs: 1 }
    await owner.stopOwner(path, stop).catch(({ code, message }) => console.log(code, message))
    try { owner.reloadOwner(path) } catch ({ code, hint }) { console.log(code, hint) }`
  const { text } = await runNode(t, script, {}, asNobody)
  const message = `process ${daemon.pid} belongs to another user: SIGTERM is not permitted`
  const hint = 'Run the command as that user or as root.'
  const code = 'ERR_OWNER_NOT_PERMITTED'
  assert.equal(text, `0\n${code} ${message}\n${code} ${hint}\n`)
  assert.equal(hasEnded(daemon.pidfd), false)
})

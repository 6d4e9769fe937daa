// runs-as: nobody
// Claims on a PID file: one at a time, no trap is fallen into, and nothing is left behind.

import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { toFd } from '../../../src/base/brands.ts'
import {
  claimPidFile,
  claimPidFileBeside,
  recordIdentityBeside,
} from '../../../src/daemonize/pid-file.ts'
import { parsePidRecord, printPidRecord } from '../../../src/daemonize/pid-file-record.ts'
import { sidePathOf } from '../../../src/daemonize/pid-owner.ts'
import { closeFd, isCloseOnExec } from '../../../src/kernel/fd.ts'
import { createFifo } from '../../../src/kernel/fifo.ts'
import { tryLock, tryLockFd } from '../../../src/kernel/file-lock.ts'
import { sendSignal } from '../../../src/kernel/pidfd.ts'
import { pidNamespace } from '../../../src/kernel/procfs.ts'
import { ended, runNode, start, temporaryFolder } from '../../support/children.ts'
import {
  claimed,
  litterBeside,
  living,
  ownerKind,
  recordDaemon,
  recordOfDead,
  sleeper,
} from '../../support/pid-files.ts'
import { asNobody, isRoot } from '../../support/rights.ts'
import { skipUnless } from '../../support/skip.ts'

const pathIn = (t: TestContext): string => join(temporaryFolder(t), 'daemon.pid')

test('a claim is recorded, kept by the daemon, and stale after its end', async (t) => {
  const path = pathIn(t)
  const mask = process.umask(0o777)
  const claim = claimed(claimPidFile(path))
  process.umask(mask)
  assert.equal(readFileSync(path, 'utf8'), '')
  assert.deepEqual(claimPidFile(path), { kind: 'starting' })
  assert.equal(ownerKind(path), 'starting')
  assert.equal(isCloseOnExec(claim.lockFd), true)
  assert.throws(() => writeSync(claim.lockFd, 'x'), { code: 'EBADF' })

  const daemon = start(t, '', { ...sleeper, files: [{ from: claim.lockFd, to: 9 }] })
  const identity = living(daemon.pid)
  claim.record(identity)
  assert.deepEqual(litterBeside(path), [])
  assert.equal(statSync(path).mode & 0o7777, 0o644)
  assert.deepEqual(parsePidRecord(readFileSync(path)), { kind: 'identity', identity, file: null })
  assert.deepEqual(claimPidFile(path), { kind: 'running', pid: daemon.pid })
  claim.release()
  claim.release()
  claim.withdraw()
  assert.deepEqual(claimPidFile(path), { kind: 'running', pid: daemon.pid })
  // Other programs see the lock of its life.
  assert.equal(tryLock(path), 'held')

  sendSignal(daemon.pidfd, 9)
  await ended(daemon)
  assert.equal(ownerKind(path), 'stale')
  const next = claimed(claimPidFile(path))
  assert.equal(ownerKind(path), 'starting')
  next.withdraw()
})

test('a start that failed leaves the folder as it was', async (t) => {
  const path = pathIn(t)
  claimed(claimPidFile(path)).withdraw()
  assert.equal(existsSync(path), false)
  const claim = claimed(claimPidFile(path))
  const daemon = start(t, '', sleeper)
  claim.record(living(daemon.pid))
  claim.withdraw()
  assert.equal(existsSync(path), false)
  // A stale file was there before: it stays, until a daemon takes its place.
  writeFileSync(path, recordOfDead(daemon.pid))
  claimed(claimPidFile(path)).withdraw()
  assert.equal(ownerKind(path), 'stale')
  assert.deepEqual(litterBeside(path), [])
})

test('a main process that changes is recorded in the same file', (t) => {
  const path = pathIn(t)
  const claim = claimed(claimPidFile(path))
  const [first, second] = [start(t, '', sleeper), start(t, '', sleeper)]
  claim.record({ ...living(first.pid), bootId: 'a-much-longer-name'.repeat(5) })
  const before = statSync(path).ino
  claim.record(living(second.pid))
  assert.equal(statSync(path).ino, before)
  claim.release()
  assert.deepEqual(claimPidFile(path), { kind: 'running', pid: second.pid })
  assert.throws(() => claim.record(living(first.pid)), { name: 'AssertionError' })
})

test('a daemon that closed all its descriptors still runs', (t) => {
  const path = pathIn(t)
  const daemon = start(t, '', sleeper)
  recordDaemon(path, daemon.pid)
  assert.deepEqual(claimPidFile(path), { kind: 'running', pid: daemon.pid })
})

test('a child that outlives the daemon with its lock does not keep the file', async (t) => {
  const path = pathIn(t)
  const claim = claimed(claimPidFile(path))
  const files = [{ from: claim.lockFd, to: 9 }]
  const daemon = start(t, '', { ...sleeper, files })
  start(t, '', { ...sleeper, files })
  claim.record(living(daemon.pid))
  claim.release()
  sendSignal(daemon.pidfd, 9)
  await ended(daemon)
  assert.equal(tryLock(path), 'held')
  assert.equal(ownerKind(path), 'stale')
  recordDaemon(path, start(t, '', sleeper).pid)
  assert.equal(ownerKind(path), 'running')
})

test('what is left of a start that died is used and cleared away', (t) => {
  const path = pathIn(t)
  const litter = join(path, '..', '.daemon.pid.0123456789abcdef.new')
  const others = [
    '.daemon.pid.new',
    '.other.pid.0123456789abcdef.new',
    'daemon.pid.0123456789abcdef.new',
  ]
  for (const name of others) writeFileSync(join(path, '..', name), '')
  for (const content of ['', '\0\0\0', recordOfDead(start(t, '', sleeper).pid)]) {
    writeFileSync(path, content)
    writeFileSync(litter, '12')
    assert.equal(ownerKind(path), 'stale')
    claimed(claimPidFile(path)).withdraw()
    assert.deepEqual([...litterBeside(path)].sort(), [...others].sort())
  }
})

test('a number is not believed, and what is no PID file is not lost', (t) => {
  const path = pathIn(t)
  const stranger = start(t, '', sleeper)
  writeFileSync(path, `${stranger.pid}\n`)
  const result = claimPidFile(path)
  assert.equal(result.kind, 'unknown')
  assert.equal(readFileSync(path, 'utf8'), `${stranger.pid}\n`)
  // In a container the number of the last life is often our own.
  writeFileSync(path, `${process.pid}\n`)
  claimed(claimPidFile(path)).withdraw()
  for (const content of ['precious\n', `${'9'.repeat(100_000)}`, '\x7fELF\0\0', '1 2 3']) {
    writeFileSync(path, content)
    const refused = claimPidFile(path)
    assert.ok(refused.kind === 'unknown')
    assert.match(refused.why, /is no PID file/)
    assert.equal(readFileSync(path, 'latin1'), content)
  }
  assert.deepEqual(litterBeside(path), [])
})

test('traps are refused and what they lead to is untouched', (t) => {
  const folder = temporaryFolder(t)
  const victim = join(folder, 'victim')
  writeFileSync(victim, 'untouched')
  const path = join(folder, 'daemon.pid')
  const refused = (message: RegExp): void => {
    assert.throws(() => claimPidFile(path), { code: 'ERR_PID_FILE_UNSAFE', message })
    assert.equal(ownerKind(path), 'unknown')
    rmSync(path, { recursive: true })
  }
  symlinkSync('victim', path)
  refused(/symbolic link/)
  symlinkSync('nowhere', path)
  refused(/symbolic link/)
  assert.equal(existsSync(join(folder, 'nowhere')), false)
  mkdirSync(path)
  refused(/no regular file/)
  createFifo(path, 0o600)
  refused(/no regular file/)
  writeFileSync(path, '')
  chmodSync(path, 0o666)
  refused(/everybody may write/)
  assert.equal(readFileSync(victim, 'utf8'), 'untouched')

  chmodSync(folder, 0o777)
  assert.throws(() => claimPidFile(path), { code: 'ERR_PID_FILE_UNSAFE', message: /the folder/ })
  chmodSync(folder, 0o1777)
  claimed(claimPidFile(path)).withdraw()
})

test("a stranger's file is refused", (t) => {
  if (skipUnless(t, isRoot, 'needs root to give a file away')) return
  const path = pathIn(t)
  writeFileSync(path, '')
  chownSync(path, 65_534, 65_534)
  assert.throws(() => claimPidFile(path), { code: 'ERR_PID_FILE_UNSAFE', message: /user 65534/ })
})

test('a folder that does not let us is told with its name and what to do', async (t) => {
  const folder = temporaryFolder(t)
  const missing = join(folder, 'missing', 'daemon.pid')
  assert.throws(() => claimPidFile(missing), {
    code: 'ERR_PID_FILE_UNUSABLE',
    message: new RegExp(`cannot write the PID file '${missing.slice(0, 20)}.*ENOENT`),
    hint: /does not exist/,
  })
  writeFileSync(join(folder, 'file'), '')
  assert.throws(() => claimPidFile(join(folder, 'file', 'daemon.pid')), { hint: /is no folder/ })
  assert.throws(() => claimPidFile(`${folder}/a\0b`), { code: 'ERR_PID_FILE_UNUSABLE' })
  chmodSync(folder, 0o555)
  const script = `import { claimPidFile } from 'kernel/../daemonize/pid-file.ts'
    try { console.log(claimPidFile(${JSON.stringify(join(folder, 'daemon.pid'))}).kind) }
    catch (error) { console.log(error.code, error.message, error.hint) }`
  const { text } = await runNode(t, script, {}, isRoot ? asNobody : [])
  assert.match(text, /^ERR_PID_FILE_UNUSABLE cannot write .*EACCES.* Let this user write to '/)
  chmodSync(folder, 0o755)
})

test('a file that is taken away under a claim is not written over', (t) => {
  const path = pathIn(t)
  const first = claimed(claimPidFile(path))
  rmSync(path)
  const second = claimed(claimPidFile(path))
  const daemon = start(t, '', sleeper)
  const code = 'ERR_PID_FILE_UNUSABLE'
  assert.throws(() => first.record(living(daemon.pid)), { code, message: /taken away/ })
  first.withdraw()
  second.record(living(daemon.pid))
  renameSync(path, `${path}.old`)
  writeFileSync(path, 'other')
  second.withdraw()
  assert.equal(readFileSync(path, 'utf8'), 'other')
})

test('a record of another PID namespace is judged by the lock of its life', (t) => {
  const path = pathIn(t)
  const identity = { ...living(start(t, '', sleeper).pid), namespace: pidNamespace() + 1 }
  writeFileSync(path, printPidRecord(identity))
  const holder = toFd(openSync(path, 'r'))
  assert.equal(tryLockFd(holder, 'exclusive'), true)
  const refused = claimPidFile(path)
  assert.ok(refused.kind === 'unknown')
  assert.match(refused.why, /another PID namespace/)
  closeFd(holder)
  claimed(claimPidFile(path)).withdraw()
})

test('a daemon that writes its own file is claimed and recorded beside it', async (t) => {
  const path = pathIn(t)
  const claim = claimed(claimPidFileBeside(path))
  assert.equal(existsSync(path), false)
  assert.deepEqual(claimPidFileBeside(path), { kind: 'starting' })
  const daemon = start(t, '', sleeper)
  writeFileSync(path, `${daemon.pid}\n`)
  assert.equal(ownerKind(path), 'unknown')
  claim.record(living(daemon.pid))
  claim.release()
  assert.equal(ownerKind(path), 'running')
  assert.deepEqual(claimPidFileBeside(path), { kind: 'running', pid: daemon.pid })
  assert.deepEqual(claimPidFile(path), { kind: 'running', pid: daemon.pid })
  assert.deepEqual(recordIdentityBeside(path, daemon.pid), living(daemon.pid))
  sendSignal(daemon.pidfd, 9)
  await ended(daemon)
  assert.equal(ownerKind(path), 'stale')
  assert.throws(() => recordIdentityBeside(path, daemon.pid), { code: 'ERR_OWNER_UNKNOWN' })
  const next = start(t, '', sleeper)
  assert.throws(() => recordIdentityBeside(path, next.pid), { message: /does not name process/ })
  writeFileSync(path, `${next.pid}\n`)
  const unknown = claimPidFileBeside(path)
  assert.equal(unknown.kind, 'unknown')
  recordIdentityBeside(path, next.pid)
  assert.equal(ownerKind(path), 'running')
  assert.deepEqual(litterBeside(path), [`${sidePathOf('daemon.pid')}`])
})

test('an empty claim that the daemon has written into stays', (t) => {
  const path = pathIn(t)
  const claim = claimed(claimPidFile(path))
  const fd = openSync(path, 'r+')
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`)
  assert.equal(fstatSync(fd).ino, statSync(path).ino)
  closeSync(fd)
  claim.withdraw()
  assert.equal(existsSync(path), true)
  assert.deepEqual(litterBeside(path), [])
})

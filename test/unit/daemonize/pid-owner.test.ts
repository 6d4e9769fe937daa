// runs-as: nobody
// Who owns a PID file: proved by identity or by a lock, or not at all.

import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Pid } from '../../../src/base/brands.ts'
import { recordIdentityBeside } from '../../../src/daemonize/pid-file.ts'
import { type ProcessIdentity, printPidRecord } from '../../../src/daemonize/pid-file-record.ts'
import { openOwner, sidePathOf } from '../../../src/daemonize/pid-owner.ts'
import { closeFd } from '../../../src/kernel/fd.ts'
import { pidOfPidfd, sendSignal } from '../../../src/kernel/pidfd.ts'
import { pidNamespace } from '../../../src/kernel/procfs.ts'
import { ended, readiness, start, temporaryFolder, until } from '../../support/children.ts'
import { living, ownerKind, recordDaemon, recordOfDead, sleeper } from '../../support/pid-files.ts'
import { isRoot } from '../../support/rights.ts'
import { skipUnless } from '../../support/skip.ts'

const pathIn = (t: TestContext): string => join(temporaryFolder(t), 'daemon.pid')

function whyUnknown(path: string): string {
  const owner = openOwner(path)
  assert.equal(owner.kind, 'unknown')
  return owner.kind === 'unknown' ? owner.why : ''
}

function whyStale(path: string): string {
  const owner = openOwner(path)
  assert.equal(owner.kind, 'stale')
  return owner.kind === 'stale' ? owner.why : ''
}

function write(path: string, identity: ProcessIdentity, changes: Partial<ProcessIdentity>): void {
  writeFileSync(path, printPidRecord({ ...identity, ...changes }))
}

test('the owner comes as a pidfd of the recorded process', async (t) => {
  const path = pathIn(t)
  assert.equal(ownerKind(path), 'absent')
  const daemon = start(t, '', sleeper)
  const identity = recordDaemon(path, daemon.pid)
  const owner = openOwner(path)
  assert.ok(owner.kind === 'running')
  assert.deepEqual([owner.pid, owner.identity], [daemon.pid, identity])
  assert.equal(pidOfPidfd(owner.pidfd), daemon.pid)
  closeFd(owner.pidfd)
  // A process that has ended and waits for its parent is no owner.
  sendSignal(daemon.pidfd, 9)
  await readiness(daemon.pidfd)
  assert.match(whyStale(path), /has ended/)
  await ended(daemon)
  assert.match(whyStale(path), /there is no process/)
})

test('each part of the identity is needed', (t) => {
  const path = pathIn(t)
  const identity = living(start(t, '', sleeper).pid)
  write(path, identity, {})
  assert.equal(ownerKind(path), 'running')
  write(path, identity, { bootId: 'another' })
  assert.match(whyStale(path), /restarted/)
  write(path, identity, { namespace: pidNamespace() + 1 })
  assert.match(whyStale(path), /PID namespace/)
  write(path, identity, { pidfsInode: null })
  assert.equal(ownerKind(path), 'running')
  write(path, identity, { pidfsInode: null, startTime: 1 })
  assert.match(whyStale(path), /another process now/)
  if (identity.pidfsInode === null) return
  // The inode decides, not the start time, which other time namespaces see differently.
  write(path, identity, { startTime: 1 })
  assert.equal(ownerKind(path), 'running')
  write(path, identity, { pidfsInode: '1' })
  assert.match(whyStale(path), /another process now/)
})

test('a bare number is stale or unknown, never an owner', async (t) => {
  const path = pathIn(t)
  const stranger = start(t, '', sleeper)
  for (const text of [`${stranger.pid}`, `${stranger.pid}\neudaemon: damaged\n`, '1\n']) {
    writeFileSync(path, text)
    assert.match(whyUnknown(path), /only a number, and nothing proves/)
  }
  writeFileSync(path, `${stranger.pid}\n`)
  sendSignal(stranger.pidfd, 9)
  await ended(stranger)
  assert.match(whyStale(path), /there is no process/)
})

async function lockedBy(t: TestContext, path: string, command: readonly string[]): Promise<Pid> {
  const [program = ''] = command
  const child = start(t, '', { path: program, argv: command })
  await until('the lock', () => readFileSync('/proc/locks', 'latin1').includes(` ${child.pid} `))
  writeFileSync(path, `${child.pid}\n`)
  return child.pid
}

test('the lock of the process itself proves a bare number', async (t) => {
  const path = pathIn(t)
  writeFileSync(path, '')
  const pid = await lockedBy(t, path, ['/usr/bin/flock', '--no-fork', path, 'sleep', '60'])
  assert.equal(ownerKind(path), 'running')
  // Not for another number.
  const stranger = start(t, '', sleeper)
  writeFileSync(path, `${stranger.pid}\n`)
  assert.match(whyUnknown(path), /nothing proves/)
  writeFileSync(path, '4194303\n')
  assert.match(whyUnknown(path), /another program holds a lock/)
  writeFileSync(path, '')
  assert.match(whyUnknown(path), /which is empty/)
  assert.notEqual(pid, stranger.pid)
})

test('a lock of the classical kind proves a bare number too', async (t) => {
  const path = pathIn(t)
  writeFileSync(path, '')
  const python = '/usr/bin/python3'
  const text = `import fcntl, time
file = open(${JSON.stringify(path)}, 'r+')
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(60)`
  const probe = await ended(start(t, `[ -x ${python} ]`))
  if (skipUnless(t, probe.kind === 'exited' && probe.code === 0, 'needs python3')) return
  await lockedBy(t, path, [python, '-c', text])
  assert.equal(ownerKind(path), 'running')
  writeFileSync(path, `${start(t, '', sleeper).pid}\n`)
  assert.match(whyUnknown(path), /process \d+ holds a lock/)
})

test('the record beside a bare number proves it, and disproves it', async (t) => {
  const path = pathIn(t)
  const daemon = start(t, '', sleeper)
  writeFileSync(path, `${daemon.pid}\n`)
  recordIdentityBeside(path, daemon.pid)
  assert.equal(ownerKind(path), 'running')
  // Another process has the number, and the file is still the one that was recorded.
  const side = sidePathOf(path)
  const reused = readFileSync(side, 'utf8').replace(/start=\d+ (pidfs=\d+ )?/, 'start=1 ')
  writeFileSync(side, reused)
  assert.match(whyStale(path), /another process now/)
  // The file was written again since: the record says nothing about it.
  utimesSync(path, 1, 1)
  assert.match(whyUnknown(path), /nothing proves/)
  writeFileSync(side, recordOfDead(daemon.pid))
  assert.match(whyUnknown(path), /nothing proves/)
  for (const content of ['', 'garbage', '\0', `${daemon.pid}`]) {
    writeFileSync(side, content)
    assert.match(whyUnknown(path), /nothing proves/)
  }
})

test('who could have forged the file must own the process', async (t) => {
  if (skipUnless(t, isRoot, 'needs root to be another user')) return
  const folder = temporaryFolder(t)
  const path = join(folder, 'daemon.pid')
  const ours = start(t, '', sleeper)
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', 'sleep', '60']
  const theirs = start(t, '', { path: '/usr/bin/setpriv', argv: ['setpriv', ...nobody] })
  await until('the change of user', () =>
    readFileSync(`/proc/${theirs.pid}/cmdline`, 'latin1').startsWith('sleep'),
  )
  write(path, living(ours.pid), {})
  chownSync(path, 65_534, 65_534)
  assert.match(whyUnknown(path), /user 65534 may have written/)
  write(path, living(theirs.pid), {})
  assert.equal(ownerKind(path), 'running')
  // A file of ours in a folder of theirs: they can put another in its place.
  const inside = join(folder, 'theirs')
  mkdirSync(inside)
  chownSync(inside, 65_534, 65_534)
  write(join(inside, 'daemon.pid'), living(ours.pid), {})
  assert.match(whyUnknown(join(inside, 'daemon.pid')), /user 65534 may have written/)
  write(join(inside, 'daemon.pid'), living(theirs.pid), {})
  assert.equal(ownerKind(join(inside, 'daemon.pid')), 'running')
})

test('what cannot be looked at is unknown', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  assert.match(whyUnknown(join(folder, 'file', 'daemon.pid')), /ENOTDIR/)
  assert.equal(ownerKind(join(folder, 'missing', 'daemon.pid')), 'absent')
  const path = join(folder, 'daemon.pid')
  recordDaemon(path, start(t, '', sleeper).pid)
  chmodSync(folder, 0o777)
  assert.match(whyUnknown(path), /everybody may replace files/)
})

// Locks exclude other processes, travel with descriptors, and die with their owner.

import assert from 'node:assert/strict'
import {
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Fd, toFd, toPid } from '../../../src/base/brands.ts'
import { closeFd, isCloseOnExec } from '../../../src/kernel/fd.ts'
import {
  conflictingLock,
  isStillAt,
  tryLock,
  tryLockFd,
  tryWriteLock,
  unlockFd,
} from '../../../src/kernel/file-lock.ts'
import { holdsLock } from '../../../src/kernel/lock-holder.ts'
import { openPidfd, pidfsInode, sendSignal } from '../../../src/kernel/pidfd.ts'
import { ended, runNode, start, temporaryFolder } from '../../support/children.ts'

const sleeper = { path: '/bin/sleep', argv: ['sleep', '60'] }

function lock(path: string): Fd {
  const result = tryLock(path)
  assert.notEqual(result, 'held')
  if (result === 'held') throw new Error('held')
  return result.fd
}

test('a second taker is told, in this process and in another', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const fd = lock(path)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(isCloseOnExec(fd), true)
  const descriptors = readdirSync('/proc/self/fd').length
  assert.equal(tryLock(path), 'held')
  assert.equal(readdirSync('/proc/self/fd').length, descriptors)
  const script = `import { tryLock } from 'kernel/file-lock.ts'
    console.log(typeof tryLock(${JSON.stringify(path)}))`
  assert.equal((await runNode(t, script)).text, 'string\n')
  closeFd(fd)
  assert.equal((await runNode(t, script)).text, 'object\n')
  closeFd(lock(path))
})

test('a lock travels with the descriptor and dies with its last owner', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const fd = lock(path)
  const owner = start(t, '', { ...sleeper, files: [{ from: fd, to: 9 }] })
  closeFd(fd)
  assert.equal(tryLock(path), 'held')
  sendSignal(owner.pidfd, 9)
  await ended(owner)
  closeFd(lock(path))
})

test('a lock file that was removed does not make two owners', (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const first = lock(path)
  rmSync(path)
  // Another file now, so another lock: the first owner gave its own up by removing it.
  const second = lock(path)
  assert.equal(tryLock(path), 'held')
  closeFd(first)
  assert.equal(tryLock(path), 'held')
  closeFd(second)
})

test('what is not a file of ours is refused', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'victim'), 'untouched')
  symlinkSync('victim', join(folder, 'link'))
  assert.throws(() => tryLock(join(folder, 'link')), { errnoName: 'ELOOP' })
  assert.throws(() => tryLock(join(folder, 'none/lock')), { errnoName: 'ENOENT' })
  assert.throws(() => tryLock(folder), { code: 'ERR_KERNEL_CALL', errnoName: 'EISDIR' })
  assert.throws(() => tryLock(`${folder}/a\0b`), { errnoName: 'EINVAL' })
})

test('the write lock of an open file description is apart from flock', (t) => {
  const path = join(temporaryFolder(t), 'lock')
  writeFileSync(path, '')
  const [writer, other, reader] = ['r+', 'r+', 'r'].map((mode) => toFd(openSync(path, mode)))
  assert.ok(writer !== undefined && other !== undefined && reader !== undefined)
  assert.equal(conflictingLock(reader), null)
  assert.equal(tryWriteLock(writer), true)
  assert.equal(tryWriteLock(writer), true)
  assert.equal(tryWriteLock(other), false)
  assert.equal(conflictingLock(writer), null)
  assert.deepEqual(conflictingLock(reader), { kind: 'write', pid: null })
  assert.throws(() => tryWriteLock(reader), { errnoName: 'EBADF' })
  assert.equal(tryLockFd(reader, 'exclusive'), true)
  assert.equal(tryLockFd(other, 'shared'), false)
  unlockFd(reader)
  assert.equal(tryLockFd(other, 'shared'), true)
  assert.equal(tryLockFd(reader, 'shared'), true)
  for (const fd of [writer, other, reader]) closeFd(fd)
})

test('a file is known again under its name only', (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const fd = lock(path)
  assert.equal(isStillAt(fd, path), true)
  renameSync(path, `${path}.moved`)
  assert.equal(isStillAt(fd, path), false)
  symlinkSync(`${path}.moved`, path)
  assert.equal(isStillAt(fd, path), false)
  assert.equal(isStillAt(fd, `${path}.moved`), true)
  closeFd(fd)
})

test('who holds the lock of a daemon is seen at its descriptors', (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const fd = lock(path)
  const own = toPid(process.pid)
  const heir = start(t, '', { ...sleeper, files: [{ from: fd, to: 9 }] })
  const other = start(t, '', sleeper)
  const looker = toFd(openSync(path, 'r'))
  const holders = [own, heir.pid, other.pid].map((pid) => holdsLock(pid, looker))
  assert.deepEqual(holders, [true, true, false])
  assert.equal(holdsLock(toPid(4_194_304), looker), false)
  unlockFd(fd)
  assert.equal(tryWriteLock(fd), true)
  assert.equal(holdsLock(own, looker), false)
  for (const each of [fd, looker]) closeFd(each)
})

test('a process has an inode of its own, a thread is no process', (t) => {
  const [first, second] = [start(t, '', sleeper), start(t, '', sleeper)]
  const inode = pidfsInode(first.pidfd)
  if (inode !== null) {
    assert.match(inode, /^[1-9]\d*$/)
    assert.notEqual(inode, pidfsInode(second.pidfd))
  }
  const threads = readdirSync('/proc/self/task').map(Number)
  const thread = threads.find((id) => id !== process.pid)
  assert.ok(thread)
  assert.equal(openPidfd(toPid(thread)), null)
})

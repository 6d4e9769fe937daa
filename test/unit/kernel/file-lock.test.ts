// Locks exclude other processes, travel with descriptors, and die with their owner.

import assert from 'node:assert/strict'
import { readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fd } from '../../../src/base/brands.ts'
import { closeFd, isCloseOnExec } from '../../../src/kernel/fd.ts'
import { tryLock } from '../../../src/kernel/file-lock.ts'
import { sendSignal } from '../../../src/kernel/pidfd.ts'
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

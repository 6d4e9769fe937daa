// runs-as: nobody
// The PID file of this very process: claimed once, locked, told from others, removed.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toPid } from '../../../src/base/brands.ts'
import { hasCode } from '../../../src/base/toolkit-error.ts'
import { PidFile } from '../../../src/daemonize/own-pid-file.ts'
import { fdTargets } from '../../../src/kernel/procfs.ts'
import { outputOf, temporaryFolder } from '../../support/children.ts'

test('claim and release', (t) => {
  const path = join(temporaryFolder(t), 'pid')
  const file = new PidFile(path)
  assert.deepEqual([file.isHeld, file.owner(), existsSync(path)], [false, null, false])
  assert.equal(file.claim(), file)
  assert.equal(file.claim(), file, 'again is the same')
  assert.deepEqual([file.isHeld, file.owner()], [true, process.pid])
  assert.match(readFileSync(path, 'utf8'), new RegExp(`^${process.pid}\\neudaemon: boot=`))
  file.release()
  file.release()
  assert.deepEqual([file.isHeld, file.owner(), existsSync(path)], [false, null, false])
  file.claim().release()
})

test('a second object, of the same process too, is refused', (t) => {
  const path = join(temporaryFolder(t), 'pid')
  const file = new PidFile(path).claim()
  assert.throws(
    () => new PidFile(path).claim(),
    (error) => hasCode(error, 'ERR_ALREADY_RUNNING') && error.message.includes(String(process.pid)),
  )
  assert.equal(file.owner(), process.pid)
  file.release()
})

test('a bare number of a process that lives proves nothing', (t) => {
  const path = join(temporaryFolder(t), 'pid')
  writeFileSync(path, `${process.ppid}\n`)
  const file = new PidFile(path)
  const unknown = (error: unknown) => hasCode(error, 'ERR_OWNER_UNKNOWN')
  assert.throws(() => file.claim(), unknown)
  assert.throws(() => file.owner(), unknown)
  assert.ok(!file.isHeld)
})

test('`using` releases, and children do not inherit the lock', async (t) => {
  const path = join(temporaryFolder(t), 'pid')
  {
    using file = new PidFile(path).claim()
    assert.ok(fdTargets(toPid(process.pid)).includes(file.path))
    const { text } = await outputOf(t, 'ls -l /proc/self/fd')
    assert.ok(!text.includes(path), text)
  }
  assert.ok(!existsSync(path))
  assert.ok(!fdTargets(toPid(process.pid)).some((target) => target.startsWith(path)))
})

test('a relative path is meant from where the object was made', (t) => {
  const folder = temporaryFolder(t)
  const before = process.cwd()
  process.chdir(folder)
  const file = new PidFile('pid')
  process.chdir(before)
  assert.equal(file.path, join(folder, 'pid'))
})

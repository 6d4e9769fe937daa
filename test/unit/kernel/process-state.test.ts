// What a process is told about itself and does to itself: descriptors, name, clocks, exec,
// features.

import assert from 'node:assert/strict'
import { readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { toFd } from '../../../src/base/brands.ts'
import { monotonicMs, wallClockMs } from '../../../src/kernel/clock.ts'
import {
  closeFd,
  descriptorLimit,
  duplicateFd,
  isCloseOnExec,
  isOpen,
  openDevNull,
  raiseDescriptorLimit,
  setCloseOnExec,
  setNonBlocking,
} from '../../../src/kernel/fd.ts'
import { probeFeatures } from '../../../src/kernel/features.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { koffi, libc } from '../../../src/kernel/libc.ts'
import { setProcessName } from '../../../src/kernel/prctl.ts'
import {
  errnos,
  failedCall,
  isErrno,
  KernelError,
  refuseNul,
  viaNode,
} from '../../../src/kernel/syscall-error.ts'
import { outputOf, runNode } from '../../support/children.ts'

test('descriptors are opened close-on-exec, copied and closed once', () => {
  const fd = openDevNull()
  assert.equal(readlinkSync(`/proc/self/fd/${fd}`), '/dev/null')
  assert.equal(isCloseOnExec(fd), true)
  setCloseOnExec(fd, false)
  assert.equal(isCloseOnExec(fd), false)
  const copy = duplicateFd(fd, 200)
  assert.ok(copy >= 200)
  assert.equal(isCloseOnExec(copy), true)
  closeFd(fd)
  assert.deepEqual([isOpen(fd), isOpen(copy)], [false, true])
  closeFd(copy)
  assert.throws(() => closeFd(copy), { code: 'ERR_KERNEL_CALL', errnoName: 'EBADF', errno: 9 })
  const { reader, writer } = createPipe()
  assert.equal(setNonBlocking(reader, false), false)
  assert.equal(setNonBlocking(reader, true), true)
  assert.equal(setNonBlocking(reader, true), false)
  closeFd(reader)
  closeFd(writer)
})

test('the soft limit on descriptors is raised to the hard one', async (t) => {
  // Node raises it too when it starts, so it is lowered here first.
  const { text } = await runNode(
    t,
    `import { libc } from 'kernel/libc.ts'
    import { constants } from 'kernel/layouts.ts'
    import { descriptorLimit, raiseDescriptorLimit } from 'kernel/fd.ts'
    const { hard } = descriptorLimit()
    const limit = Buffer.alloc(16)
    libc.getrlimit(constants.RLIMIT_NOFILE, limit)
    limit.writeBigUInt64LE(100n, 0)
    libc.setrlimit(constants.RLIMIT_NOFILE, limit)
    const before = descriptorLimit()
    const after = raiseDescriptorLimit()
    console.log(before.soft, before.hard === hard, after.soft === hard, after.hard === hard)`,
  )
  assert.equal(text, '100 true true true\n')
  assert.deepEqual(raiseDescriptorLimit(), descriptorLimit())
})

test('the name of the process is cut at 15 bytes', () => {
  const before = readFileSync('/proc/self/comm', 'utf8').trim()
  setProcessName('eudaemon-supervisor')
  assert.equal(readFileSync('/proc/self/comm', 'utf8'), 'eudaemon-superv\n')
  assert.throws(() => setProcessName('a\0b'), { errnoName: 'EINVAL' })
  setProcessName(before)
  assert.equal(readFileSync('/proc/self/comm', 'utf8').trim(), before)
})

test('the monotonic clock is that of all processes, the wall clock that of people', () => {
  const before = monotonicMs()
  // The first number of /proc/uptime is the boot-time clock, which differs only by suspended time.
  const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1_000
  const after = monotonicMs()
  assert.ok(before <= after)
  assert.ok(before <= uptime + 20, `${before} ${uptime}`)
  assert.ok(Math.abs(wallClockMs() - Date.now()) < 1_000)
})

test('replaceProcess keeps the pid and gives a clean process', async (t) => {
  const { text, status } = await runNode(
    t,
    `import { replaceProcess } from 'kernel/exec.ts'
    import { openSync } from 'node:fs'
    process.stdout
    openSync('/dev/zero', 'r')
    console.log(process.pid)
    const script = 'echo $$; echo "$A $0"; cat /proc/$$/status | grep -E "Sig(Blk|Ign)"; ' +
      'ls -l /proc/$$/fd'
    process.on('exit', () => console.log('exit handlers do not run'))
    replaceProcess('/bin/sh', ['sh', '-c', script, 'zero'], ['A=b', 'PATH=/usr/bin:/bin'])`,
  )
  assert.equal(status, 'exit 0')
  const [before, after, words, blocked, ignored, ...listing] = text.trim().split('\n')
  assert.equal(after, before)
  assert.equal(words, 'b zero')
  assert.match(blocked ?? '', /^SigBlk:\t0+$/)
  assert.match(ignored ?? '', /^SigIgn:\t0+$/)
  const open = listing.flatMap((line) => / (\d+) -> /.exec(line)?.[1] ?? [])
  // 0 was closed, so Node opened /dev/null there when it started.
  assert.deepEqual(open.sort(), ['0', '1', '2'])
})

test('a replaceProcess that fails changes nothing', async (t) => {
  const { text } = await runNode(
    t,
    `import { replaceProcess } from 'kernel/exec.ts'
    import { readFileSync } from 'node:fs'
    import { isCloseOnExec } from 'kernel/fd.ts'
    const look = () => readFileSync('/proc/self/status', 'utf8').match(/Sig(Blk|Ign).*/g).join() +
      [1, 2].map(isCloseOnExec)
    const before = look()
    for (const path of ['/no/such', '/bin/sh\\0x']) {
      try { replaceProcess(path, ['x'], []) } catch (error) { console.log(error.message) }
    }
    console.log(look() === before)`,
  )
  assert.equal(
    text,
    "execve '/no/such': ENOENT: no such file or directory\n" +
      "execve '/bin/sh\\0x': EINVAL: the string contains a NUL byte\ntrue\n",
  )
})

test('koffi is not loaded before the first call', async (t) => {
  const { text } = await runNode(
    t,
    `import 'kernel/spawn.ts'
    import { openDevNull } from 'kernel/fd.ts'
    import { libc } from 'kernel/libc.ts'
    import { readFileSync } from 'node:fs'
    const loaded = () => readFileSync('/proc/self/maps', 'latin1').includes('koffi')
    const before = loaded()
    libc.close(openDevNull())
    console.log(before, loaded())`,
  )
  assert.equal(text, 'false true\n')
})

test('every prototype of the table can be bound', () => {
  for (const name of Object.keys(libc) as (keyof typeof libc)[]) {
    assert.equal(typeof libc[name], 'function', name)
  }
})

test('an error names the call, the errno and the path', () => {
  koffi().errno(errnos.ENOSPC)
  const error = failedCall('write', '/x')
  assert.ok(error instanceof KernelError)
  assert.equal(error.message, "write '/x': ENOSPC: no space left on device")
  assert.deepEqual([error.errno, error.path, error.code], [28, '/x', 'ERR_KERNEL_CALL'])
  assert.ok(isErrno(error, 'ENOSPC') && !isErrno(error, 'ENOENT') && !isErrno(null, 'ENOENT'))
  const open = (): string => viaNode('/no/such', () => readFileSync('/no/such', 'utf8'))
  assert.throws(open, { code: 'ERR_KERNEL_CALL', errno: 2, syscall: 'open', path: '/no/such' })
  assert.throws(() => refuseNul('a\0b', 'open'), { errnoName: 'EINVAL', path: 'a\\0b' })
  refuseNul('plain', 'open')
})

test('the features are tried, each with a phrase, and nothing is left behind', async (t) => {
  const features = probeFeatures()
  for (const name of ['c-library', 'pidfd', 'splice', 'subreaper', 'descriptor-limit']) {
    assert.equal(features[name]?.available, true, name)
  }
  for (const { detail } of Object.values(features)) assert.ok(detail.length > 0)
  const { text } = await outputOf(t, 'true')
  assert.equal(text, '')
  assert.equal(libc.waitid(0, 0, null, 5), -1)
  assert.equal(isOpen(toFd(1)), true)
})

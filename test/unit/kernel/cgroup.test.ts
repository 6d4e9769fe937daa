// Real cgroups below our own, where they can be made: entering, events, killing, removing.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { toPid } from '../../../src/base/brands.ts'
import {
  cgroupProcesses,
  enterCgroup,
  findCgroupRoot,
  isPopulated,
  killByLoop,
  killCgroup,
  makeCgroup,
  openCgroupEvents,
  readCgroupEvents,
  removeCgroup,
} from '../../../src/kernel/cgroup.ts'
import { parseMount } from '../../../src/kernel/cgroup-root.ts'
import { closeFd } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { sendSignal } from '../../../src/kernel/pidfd.ts'
import { openPoller, POLLPRI } from '../../../src/kernel/poll.ts'
import { ended, readSome, start, until } from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const sleeper = { path: '/bin/sleep', argv: ['sleep', '60'] }
const gone = toPid(0x3fff_ffff)
let made = 0

/** A group of this test, killed and removed after it; null when groups cannot be made here. */
function testGroup(t: TestContext): string | null {
  const root = findCgroupRoot()
  if ('reason' in root) {
    skipUnless(t, false, root.reason)
    return null
  }
  made += 1
  const path = `${root.path}/eudaemon-test-${process.pid}-${made}`
  makeCgroup(path)
  t.after(async () => {
    killCgroup(path)
    await until('the group is empty', () => !isPopulated(path))
    await until('the group is removed', () => removeCgroup(path))
  })
  return path
}

test('a group knows its processes and is removed when they are gone', async (t) => {
  const path = testGroup(t)
  if (path === null) return
  makeCgroup(path)
  makeCgroup(`${path}/deep/er`)
  assert.deepEqual(cgroupProcesses(path), [])
  assert.equal(isPopulated(path), false)
  const [first, second] = [start(t, '', sleeper), start(t, '', sleeper)]
  await enterCgroup(path, first.pid)
  await enterCgroup(`${path}/deep/er`, second.pid)
  assert.deepEqual(cgroupProcesses(path).sort(), [first.pid, second.pid].sort())
  assert.deepEqual(cgroupProcesses(`${path}/deep`), [second.pid])
  assert.equal(isPopulated(path), true)
  assert.equal(removeCgroup(`${path}/deep`), false)
  sendSignal(second.pidfd, 9)
  await ended(second)
  await until('the deep group is empty', () => !isPopulated(`${path}/deep`))
  assert.equal(removeCgroup(`${path}/deep`), true)
  assert.equal(removeCgroup(`${path}/deep`), true)
  assert.equal(isPopulated(`${path}/deep`), false)
})

test('entering a group that is not there, or with a process that is gone, is told', async (t) => {
  const path = testGroup(t)
  if (path === null) return
  await assert.rejects(enterCgroup(path, gone), { code: 'ERR_KERNEL_CALL', errnoName: 'ESRCH' })
  await assert.rejects(enterCgroup(`${path}/none`, gone), { errnoName: 'ENOENT' })
  assert.throws(() => makeCgroup(`${path}/a\0b`), { errnoName: 'EINVAL' })
})

test('a group that becomes empty gives one POLLPRI', async (t) => {
  const path = testGroup(t)
  if (path === null) return
  const child = start(t, '', sleeper)
  await enterCgroup(path, child.pid)
  const fd = openCgroupEvents(path)
  assert.deepEqual(readCgroupEvents(fd), { populated: true })
  const poller = openPoller()
  const seen: boolean[] = []
  poller.add(fd, POLLPRI, () => seen.push(readCgroupEvents(fd).populated))
  sendSignal(child.pidfd, 9)
  await ended(child)
  await until('the event comes', () => seen.length > 0)
  for (let at = 0; at < 5; at += 1) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(seen, [false])
  poller.close()
  closeFd(fd)
})

/** Forks without end, in sessions of their own, and ignores what can be ignored. */
const hydra =
  'trap "" TERM HUP INT; echo started; ' +
  'while :; do setsid sh -c "trap \\"\\" TERM; sleep 60 & wait" & sleep 0.01; done'

for (const [name, kill] of [
  ['cgroup.kill', killCgroup],
  ['the loop', killByLoop],
] as const) {
  test(`everything in a group is killed, by ${name}`, async (t) => {
    const path = testGroup(t)
    if (path === null) return
    const gate = createPipe()
    const out = createPipe()
    const files = [
      { from: gate.reader, to: 3 },
      { from: out.writer, to: 1 },
    ]
    const child = start(t, `read line <&3; exec 3<&-; ${hydra}`, { files })
    await enterCgroup(path, child.pid)
    mkdirSync(`${path}/below`)
    for (const fd of [gate.reader, gate.writer, out.writer]) closeFd(fd)
    assert.equal(await readSome(out.reader), 'started\n')
    await until('several processes live', () => cgroupProcesses(path).length > 5)
    kill(path)
    assert.deepEqual(await ended(child), { kind: 'signaled', signal: 9, core: false })
    await until('the group is empty', () => !isPopulated(path))
    assert.deepEqual(cgroupProcesses(path), [])
    assert.equal(removeCgroup(path), true)
    makeCgroup(path)
    closeFd(out.reader)
  })
}

test('the root is found or the reason is told', () => {
  const root = findCgroupRoot()
  if ('reason' in root) assert.ok(root.reason.length > 0)
  else assert.ok(root.path.startsWith('/'))
})

test('lines of mountinfo are read, escapes and optional fields too', () => {
  assert.deepEqual(
    parseMount('41 31 0:38 / /sys/fs/cg\\040x rw,nosuid shared:9 - cgroup2 cgroup2 rw'),
    [{ root: '/', point: '/sys/fs/cg x', type: 'cgroup2' }],
  )
  assert.deepEqual(parseMount('30 23 0:26 /../a /mnt rw - cgroup x rw,cpu'), [
    { root: '/../a', point: '/mnt', type: 'cgroup' },
  ])
  assert.deepEqual(parseMount(''), [])
})

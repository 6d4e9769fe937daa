// /proc, users and groups: strange names, huge environments, vanished processes.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Pid, toPid } from '../../../src/base/brands.ts'
import { findGroup, findUser, groupsOf } from '../../../src/kernel/credentials.ts'
import { closeFd, openDevNull } from '../../../src/kernel/fd.ts'
import {
  allProcesses,
  bootId,
  children,
  environmentHas,
  environmentOf,
  fdTargets,
  readStat,
  startTime,
} from '../../../src/kernel/procfs.ts'
import { ended, start, temporaryFolder, until } from '../../support/children.ts'

const self = toPid(process.pid)
const nobody = toPid(0x3fff_ffff)
const sleeper = { path: '/bin/sleep', argv: ['sleep', '60'] }

test('a process is known by its start time', async (t) => {
  const first = start(t, '', sleeper)
  await until('the exec is complete', () => readStat(first.pid)?.command === 'sleep')
  const stat = readStat(first.pid)
  assert.equal(stat?.pid, first.pid)
  assert.equal(stat?.parent, self)
  assert.equal(stat?.command, 'sleep')
  assert.equal(startTime(first.pid), stat?.startTime)
  const uptimeTicks =
    Number(execFileSync('cat', ['/proc/uptime'], { encoding: 'utf8' }).split(' ')[0]) * 100
  assert.ok(Math.abs((stat?.startTime ?? 0) - uptimeTicks) < 500)
  assert.ok((startTime(self) ?? 0) <= (stat?.startTime ?? 0))
  assert.match(bootId(), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
})

test('a name with parentheses and spaces does not disturb the fields', async (t) => {
  const path = join(temporaryFolder(t), 'a) R 1 (b é')
  copyFileSync('/bin/sleep', path)
  const { pid } = start(t, '', { path, argv: ['sleep', '60'], session: 'new-session' })
  await until('the name is read', () => readStat(pid)?.command === 'a) R 1 (b é')
  const stat = readStat(pid)
  assert.deepEqual([stat?.parent, stat?.session, stat?.group], [self, pid, pid])
})

test('a process that is gone has no answers; a zombie has a stat', async (t) => {
  assert.equal(readStat(nobody), null)
  assert.equal(startTime(nobody), null)
  assert.equal(environmentOf(nobody), null)
  assert.equal(environmentHas(nobody, 'A=1'), false)
  assert.deepEqual(children(nobody), [])
  assert.deepEqual(fdTargets(nobody), [])
  const child = start(t, 'exit 0')
  await until('it has ended', () => readStat(child.pid)?.state === 'Z')
  await ended(child)
  assert.equal(readStat(child.pid), null)
})

test('the environment is searched by whole entries', async (t) => {
  const huge = `HUGE=${'x'.repeat(100_000)}`
  const env = ['NAME=value', huge, 'LAST=a=b é', 'XNAME=values']
  const { pid } = start(t, '', { ...sleeper, env })
  await until('the exec is complete', () => environmentOf(pid) !== '')
  assert.equal(environmentOf(pid), env.map((entry) => `${entry}\0`).join(''))
  for (const entry of env) assert.equal(environmentHas(pid, entry), true)
  const others = ['NAME=valu', 'AME=value', 'NAME=values', 'NAME', 'value', 'b é', 'HUGE=x']
  for (const entry of others) assert.equal(environmentHas(pid, entry), false, entry)
})

test('children and the list of all processes', (t) => {
  const started = [start(t, '', sleeper), start(t, '', sleeper)].map(({ pid }) => pid)
  const found = children(self)
  for (const pid of started) assert.ok(found.includes(pid))
  const all = new Map<Pid, Pid>([...allProcesses()].map(({ pid, parent }) => [pid, parent]))
  for (const pid of started) assert.equal(all.get(pid), self)
  assert.ok(all.has(self) && all.has(toPid(1)))
})

test('what the descriptors of a process point to', async (t) => {
  const fd = openDevNull()
  const { pid } = start(t, '', {
    ...sleeper,
    files: [
      { from: fd, to: 0 },
      { from: fd, to: 7 },
    ],
  })
  closeFd(fd)
  // While it starts, its loader has libraries open.
  await until('only the two are open', () => fdTargets(pid).length === 2)
  assert.deepEqual(fdTargets(pid), ['/dev/null', '/dev/null'])
})

test('users by name and by number', () => {
  const { username, uid, gid, homedir, shell } = userInfo()
  const us = { name: username, uid, gid, home: homedir, shell: shell ?? '' }
  assert.deepEqual(findUser(username), us)
  assert.deepEqual(findUser(String(uid)), us)
  assert.equal(findUser('root')?.uid, 0)
  for (const name of ['no-such-user', '4294967294', '4294967295', '99999999999', '-1', '']) {
    assert.equal(findUser(name), null, name)
  }
  assert.throws(() => findUser('root\0x'), { code: 'ERR_KERNEL_CALL', errnoName: 'EINVAL' })
})

test('groups by name and by number, and those of a user', () => {
  assert.deepEqual(findGroup('root'), { name: 'root', gid: 0 })
  assert.deepEqual(findGroup('0'), { name: 'root', gid: 0 })
  for (const name of ['no-such-group', '4294967294', '']) assert.equal(findGroup(name), null)
  assert.throws(() => findGroup('root\0x'), { errnoName: 'EINVAL' })
  const us = findUser(userInfo().username)
  assert.ok(us !== null)
  const expected = execFileSync('id', ['-G', us.name], { encoding: 'utf8' }).trim().split(' ')
  assert.deepEqual(groupsOf(us).map(String).sort(), expected.sort())
})

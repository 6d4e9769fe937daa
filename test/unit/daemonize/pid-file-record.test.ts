// runs-as: nobody
// What a PID file says, and what it does not: every byte of it may come from somewhere else.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Pid, toPid } from '../../../src/base/brands.ts'
import {
  identityOf,
  isSameProcess,
  parsePidRecord,
  pidOf,
  printPidRecord,
} from '../../../src/daemonize/pid-file-record.ts'
import { sendSignal } from '../../../src/kernel/pidfd.ts'
import { ended, readiness, start } from '../../support/children.ts'
import { living, sleeper } from '../../support/pid-files.ts'

/** Node has several. */
function anotherThread(): Pid {
  const thread = readdirSync('/proc/self/task')
    .map(Number)
    .find((id) => id !== process.pid)
  assert.ok(thread)
  return toPid(thread)
}

const parse = (text: string) => parsePidRecord(Buffer.from(text, 'latin1'))

test('a record is read back as it was written', (t) => {
  const identity = living(start(t, '', sleeper).pid)
  const text = printPidRecord(identity)
  assert.match(text, /^\d+\neudaemon: boot=[0-9a-f-]{36} namespace=\d+ start=\d+( pidfs=\d+)?\n$/)
  assert.deepEqual(parse(text), { kind: 'identity', identity, file: null })
  assert.deepEqual(parse(`${text.trimEnd()}   \n`), { kind: 'identity', identity, file: null })
  assert.deepEqual(parse(printPidRecord(identity, '12:34')), {
    kind: 'identity',
    identity,
    file: '12:34',
  })
  const old = { ...identity, pidfsInode: null }
  assert.deepEqual(parse(printPidRecord(old)), { kind: 'identity', identity: old, file: null })
  assert.equal(pidOf(parse(text)), identity.pid)
})

test('bare numbers are read as tolerantly as the hierarchy standard asks', () => {
  for (const text of ['123', '123\n', ' 123 \n', '00123\r\n', '123\n\nmore\nlines\n']) {
    assert.deepEqual(parse(text), { kind: 'number', pid: 123 }, JSON.stringify(text))
  }
})

test('a damaged second line leaves only the number', () => {
  const lines = [
    'eudaemon:',
    'eudaemon: boot=x',
    'eudaemon: boot=x namespace=1',
    'eudaemon: boot=x namespace=y start=1',
    'eudaemon: namespace=1 start=1',
    'eudaemon: boot=x namespace=1 start=-1 pidfs=z',
    'eudaemon: boot=x namespace=1 start=99999999999999999999',
    'other: boot=x namespace=1 start=1',
    '\0\xff\xfe',
  ]
  for (const line of lines) {
    assert.deepEqual(parse(`7\n${line}\n`), { kind: 'number', pid: 7 }, JSON.stringify(line))
  }
})

test('what names no process is empty or garbage', () => {
  for (const text of ['', '\n', ' \t\n', '\0\0\0\0']) assert.equal(parse(text).kind, 'empty')
  const texts = [
    'root:x:0:0::/root:/bin/sh\n',
    '0',
    '-1',
    '+5',
    '1.5',
    '0x10',
    '12 34',
    '\x7fELF\x02\x01\x01',
    '4194305',
    '99999999999',
    `${' '.repeat(5_000)}1`,
    `1\n${'x'.repeat(5_000)}`,
  ]
  for (const text of texts) assert.equal(parse(text).kind, 'garbage', JSON.stringify(text))
  assert.equal(pidOf(parse('x')), null)
})

test('no content makes the parser fail, and no number is out of range', () => {
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 5_000 }).map((bytes) => Buffer.from(bytes)),
    fc
      .stringMatching(
        /^[0-9 \n]{0,8}\n?(eudaemon: )?((boot|start|pidfs|namespace|file)=?\w{0,20} ?){0,6}$/,
      )
      .map((line) => Buffer.from(line)),
  )
  fc.assert(
    fc.property(text, (bytes) => {
      const pid = pidOf(parsePidRecord(bytes))
      assert.ok(pid === null || (Number.isInteger(pid) && pid >= 1 && pid <= 4_194_304))
    }),
  )
})

test('who has ended has no identity, and two processes never share one', async (t) => {
  const first = start(t, '', sleeper)
  const second = start(t, '', sleeper)
  const identity = living(first.pid)
  assert.equal(isSameProcess(identity, living(first.pid)), true)
  const other = living(second.pid)
  assert.equal(isSameProcess(identity, { ...other, pid: identity.pid }), false)
  const old = { ...identity, pidfsInode: null }
  assert.equal(isSameProcess(old, identity), true)
  assert.equal(isSameProcess(old, { ...identity, startTime: 5 }), false)
  assert.equal(isSameProcess(old, { ...identity, startTime: null }), null)
  sendSignal(second.pidfd, 9)
  await ended(second)
  assert.equal(identityOf(second.pid), null)
  // The number of a thread is no process.
  assert.equal(identityOf(anotherThread()), null)
})

test('an unreaped process has no identity', async (t) => {
  const { pid, pidfd } = start(t, 'exit 0', {})
  await readiness(pidfd)
  assert.equal(identityOf(pid), null)
})

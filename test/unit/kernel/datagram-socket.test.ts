// runs-as: nobody
// Datagrams with their senders: who it was, which descriptors came along, what is refused.

import assert from 'node:assert/strict'
import {
  readFileSync,
  readSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Fd, Pid } from '../../../src/base/brands.ts'
import { MAX_SOCKET_PAYLOAD_BYTES } from '../../../src/base/limits.ts'
import {
  bindDatagram,
  type Datagram,
  openDatagram,
  receiveDatagram,
  sendDatagram,
} from '../../../src/kernel/datagram-socket.ts'
import { closeFd, isCloseOnExec } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { pidOfPidfd } from '../../../src/kernel/pidfd.ts'
import { socketFacts } from '../../../src/kernel/socket-option.ts'
import { bindUnix, connectUnix, openUnixSocket } from '../../../src/kernel/unix-address.ts'
import { socketPairSeqpacket } from '../../../src/kernel/unix-socket.ts'
import { ended, readiness, start, temporaryFolder } from '../../support/children.ts'
import { isRoot } from '../../support/rights.ts'
import { skipUnless } from '../../support/skip.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = ({ payload }: Datagram): string => new TextDecoder().decode(payload)

function take(fd: Fd): Datagram {
  const message = receiveDatagram(fd)
  if (message === 'empty') throw new Error('no message')
  return message
}

function closeAll({ fds, pidfd }: Datagram): void {
  for (const fd of fds) closeFd(fd)
  if (pidfd !== null) closeFd(pidfd)
}

function bound(t: TestContext, name = 'socket') {
  const socket = bindDatagram(join(temporaryFolder(t), name), { mode: 0o600 })
  const sender = openDatagram()
  t.after(() => {
    socket.close()
    closeFd(sender)
  })
  return { socket, sender }
}

test('a message, its sender and its descriptors', (t) => {
  const { socket, sender } = bound(t)
  assert.equal(receiveDatagram(socket.fd), 'empty')
  const pipe = createPipe()
  assert.equal(sendDatagram(sender, socket.path, bytes('one'), { fds: [pipe.writer] }), 'sent')
  assert.equal(sendDatagram(sender, socket.path, bytes('')), 'sent')
  const one = take(socket.fd)
  const own = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() }
  assert.deepEqual(one.sender, own)
  assert.deepEqual([text(one), one.isCut, one.hasLostParts], ['one', false, false])
  assert.ok(one.fds.every(isCloseOnExec))
  writeSync(one.fds[0] ?? -1, 'through')
  assert.equal(readSync(pipe.reader, Buffer.alloc(16)), 7)
  const empty = take(socket.fd)
  assert.deepEqual([text(empty), empty.fds], ['', []])
  for (const message of [one, empty]) closeAll(message)
  for (const fd of [pipe.reader, pipe.writer]) closeFd(fd)
})

test('the sender is known by its pidfd, as another process too', async (t) => {
  const { socket } = bound(t)
  const script = 'import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)'
  const send = `s.sendto(b"hello", sys.argv[1]); sys.stdin.read()`
  const { reader, writer } = createPipe()
  const child = start(t, '', {
    path: '/usr/bin/python3',
    argv: ['python3', '-c', `${script}\n${send}`, socket.path],
    files: [{ from: reader, to: 0 }],
  })
  closeFd(reader)
  await readiness(socket.fd)
  const message = take(socket.fd)
  assert.equal(message.sender?.pid, child.pid)
  if (message.pidfd === null) t.diagnostic('this kernel has no SCM_PIDFD (Linux 6.5)')
  else assert.equal(pidOfPidfd(message.pidfd), child.pid)
  closeAll(message)
  closeFd(writer)
  await ended(child)
})

test('root may claim other credentials, others may not', (t) => {
  const { socket, sender } = bound(t)
  const credentials = { pid: process.ppid as Pid, uid: 12_345, gid: 54_321 }
  const claim = () => sendDatagram(sender, socket.path, bytes('x'), { credentials })
  if (!isRoot) return assert.throws(claim, { errnoName: 'EPERM' })
  assert.equal(claim(), 'sent')
  const message = take(socket.fd)
  assert.deepEqual(message.sender, credentials)
  closeAll(message)
})

test('the file has the mode that was asked for, whatever the umask is', (t) => {
  const folder = temporaryFolder(t)
  const umask = process.umask(0o777)
  try {
    const socket = bindDatagram(join(folder, 'open'), { mode: 0o666 })
    assert.equal(statSync(socket.path).mode & 0o777, 0o666)
    socket.close()
  } finally {
    process.umask(umask)
  }
})

test('the file belongs to the owner that was asked for', (t) => {
  if (skipUnless(t, isRoot, 'only root gives files away')) return
  const path = join(temporaryFolder(t), 'given')
  const owner = { uid: 65_534, gid: 65_534 }
  const first = bindDatagram(path, { mode: 0o600, owner })
  assert.deepEqual([statSync(path).uid, statSync(path).gid], [65_534, 65_534])
  // Dead, of that owner: replaced.
  closeFd(first.fd)
  bindDatagram(path, { mode: 0o600, owner }).close()
  const other = bindDatagram(path, { mode: 0o600, owner })
  closeFd(other.fd)
  assert.throws(() => bindDatagram(path, { mode: 0o600 }), { errnoName: 'EEXIST' })
})

test('a dead socket is replaced; a living one, and any other file, is left alone', (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'socket')
  const dead = bindDatagram(path, { mode: 0o600 })
  closeFd(dead.fd)
  const living = bindDatagram(path, { mode: 0o600 })
  assert.throws(() => bindDatagram(path, { mode: 0o600 }), {
    errnoName: 'EADDRINUSE',
    message: /another process receives there/,
  })
  living.close()
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined)

  writeFileSync(path, 'precious')
  assert.throws(() => bindDatagram(path, { mode: 0o600 }), { message: /no socket/ })
  const link = join(folder, 'link')
  symlinkSync(path, link)
  assert.throws(() => bindDatagram(link, { mode: 0o600 }), { errnoName: 'EEXIST' })
  assert.equal(readFileSync(path, 'utf8'), 'precious')
  assert.throws(() => bindDatagram(join(folder, 'no/where'), { mode: 0o600 }), {
    errnoName: 'ENOENT',
  })
})

test('closing does not remove what somebody else has put there', (t) => {
  const path = join(temporaryFolder(t), 'socket')
  const first = bindDatagram(path, { mode: 0o600 })
  const moved = `${path}-moved`
  renameSync(path, moved)
  const second = bindDatagram(path, { mode: 0o600 })
  first.close()
  first.close()
  assert.ok(statSync(path).isSocket())
  second.close()
})

test('abstract names are reached', (t) => {
  const receiver = openUnixSocket('datagram')
  const sender = openDatagram()
  t.after(() => {
    for (const fd of [receiver, sender]) closeFd(fd)
  })
  const name = `@eudaemon-test-${process.pid}`
  assert.equal(bindUnix(receiver, name), true)
  assert.equal(bindUnix(openForTest(t), name), false)
  assert.equal(sendDatagram(sender, name, bytes('abstract')), 'sent')
  const message = take(receiver)
  assert.equal(text(message), 'abstract')
  closeAll(message)
})

function openForTest(t: TestContext): Fd {
  const fd = openUnixSocket('datagram')
  t.after(() => closeFd(fd))
  return fd
}

test('what cannot be sent is told', (t) => {
  const { socket, sender } = bound(t)
  const to = (path: string, payload = bytes('x')) => sendDatagram(sender, path, payload)
  assert.throws(() => to(`${socket.path}-missing`), { errnoName: 'ENOENT' })
  assert.throws(() => to('@nobody-listens-here'), { errnoName: 'ECONNREFUSED' })
  assert.throws(() => to('/a\0b'), { errnoName: 'EINVAL' })
  assert.throws(() => to(`/${'x'.repeat(107)}`), { message: /1 to 107 bytes, not 108/ })
  const tooMuch = new Uint8Array(MAX_SOCKET_PAYLOAD_BYTES + 1)
  assert.throws(() => to(socket.path, tooMuch), { errnoName: 'EMSGSIZE' })
  let sent = 0
  while (sent < 100_000 && to(socket.path) === 'sent') sent += 1
  assert.ok(sent > 0 && sent < 100_000, `the queue is bounded: ${sent}`)
  for (let count = 0; count < sent; count += 1) closeAll(take(socket.fd))
  assert.equal(receiveDatagram(socket.fd), 'empty')
})

test('a longer message is cut, and that is told', async (t) => {
  const { socket } = bound(t)
  const script = `import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"x" * 100000, sys.argv[1])`
  const child = start(t, '', {
    path: '/usr/bin/python3',
    argv: ['python3', '-c', script, socket.path],
  })
  assert.deepEqual(await ended(child), { kind: 'exited', code: 0 })
  const message = take(socket.fd)
  assert.deepEqual([message.isCut, message.payload.length], [true, MAX_SOCKET_PAYLOAD_BYTES])
  closeAll(message)
})

test('what kind of socket a descriptor is', (t) => {
  const { socket } = bound(t)
  const unix = { family: 'unix', isListening: false, hasPeer: false } as const
  assert.deepEqual(socketFacts(socket.fd), { ...unix, type: 'datagram', isNamed: true })
  const connected = connectUnix(socket.path, 'datagram')
  const facts = { ...unix, type: 'datagram', hasPeer: true, isNamed: false } as const
  assert.deepEqual(socketFacts(connected), facts)
  const pair = socketPairSeqpacket()
  assert.deepEqual(socketFacts(pair.a), { ...facts, type: 'seqpacket' })
  const pipe = createPipe()
  assert.equal(socketFacts(pipe.reader), null)
  for (const fd of [connected, pair.a, pair.b, pipe.reader, pipe.writer]) closeFd(fd)
  assert.throws(() => socketFacts(9_999 as Fd), { errnoName: 'EBADF' })
})

// Descriptors in flight: they outlive everybody's copies, peeking copies them, a full queue is
// told.

import assert from 'node:assert/strict'
import { readSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import type { Fd } from '../../../src/base/brands.ts'
import { MAX_DESCRIPTORS_PER_MESSAGE, MAX_SOCKET_PAYLOAD_BYTES } from '../../../src/base/limits.ts'
import {
  closeFd,
  descriptorLimit,
  duplicateFd,
  isCloseOnExec,
  isOpen,
} from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import {
  peerCredentials,
  receiveDescriptors,
  sendDescriptors,
  setSendBuffer,
  socketPairSeqpacket,
} from '../../../src/kernel/unix-socket.ts'
import { outputOf, runNode } from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function receive(fd: Fd, peek = false): { payload: string; fds: readonly Fd[] } {
  const message = receiveDescriptors(fd, { peek })
  assert.notEqual(message, 'empty')
  if (message === 'empty') throw new Error('empty')
  return { payload: new TextDecoder().decode(message.payload), fds: message.fds }
}

function close(...fds: readonly Fd[]): void {
  for (const fd of fds) closeFd(fd)
}

/** Reads what is in the pipe, which must not be empty. */
function read(fd: Fd | undefined): string {
  const buffer = Buffer.alloc(64)
  return buffer.toString('utf8', 0, readSync(fd ?? -1, buffer))
}

test('descriptors stay alive in flight, and peeking gives further copies', () => {
  const { a, b } = socketPairSeqpacket()
  const pipe = createPipe()
  assert.equal(sendDescriptors(a, bytes('pipe'), [pipe.reader, pipe.writer]), 'sent')
  close(pipe.reader, pipe.writer)

  const peeked = receive(b, true)
  assert.equal(peeked.payload, 'pipe')
  assert.equal(peeked.fds.length, 2)
  assert.ok(peeked.fds.every(isCloseOnExec))
  writeSync(peeked.fds[1] ?? -1, 'first')
  close(...peeked.fds)

  const taken = receive(b)
  assert.equal(taken.payload, 'pipe')
  writeSync(taken.fds[1] ?? -1, ' second')
  assert.equal(read(taken.fds[0]), 'first second')
  assert.equal(receiveDescriptors(b, { peek: true }), 'empty')
  assert.equal(receiveDescriptors(b, { peek: false }), 'empty')
  close(...taken.fds, a, b)
})

test('messages stay whole and in order, with and without descriptors', () => {
  const { a, b } = socketPairSeqpacket()
  const { reader, writer } = createPipe()
  const long = 'x'.repeat(MAX_SOCKET_PAYLOAD_BYTES)
  const sent: readonly (readonly [string, readonly Fd[]])[] = [
    ['one', []],
    ['two', [reader]],
    ['a\0b é', [reader, writer, reader]],
    [long, []],
    ['five', []],
  ]
  for (const [payload, fds] of sent) assert.equal(sendDescriptors(a, bytes(payload), fds), 'sent')
  const messages = sent.map(() => receive(b))
  const shape = messages.map(({ payload, fds }) => [payload, fds.length])
  assert.deepEqual(
    shape,
    sent.map(([payload, fds]) => [payload, fds.length]),
  )
  close(...messages.flatMap(({ fds }) => fds), reader, writer, a, b)
})

test('253 descriptors fit into a message, one more does not', (t) => {
  if (skipUnless(t, descriptorLimit().soft > 600, 'fewer than 600 descriptors')) return
  const { a, b } = socketPairSeqpacket()
  const { reader, writer } = createPipe()
  const many = new Array<Fd>(MAX_DESCRIPTORS_PER_MESSAGE).fill(reader)
  assert.equal(sendDescriptors(a, bytes('many'), many), 'sent')
  const { fds } = receive(b)
  assert.equal(new Set(fds).size, MAX_DESCRIPTORS_PER_MESSAGE)
  const error = { code: 'ERR_KERNEL_CALL', errnoName: 'EMSGSIZE' }
  assert.throws(() => sendDescriptors(a, bytes('x'), [...many, reader]), error)
  assert.throws(() => sendDescriptors(a, new Uint8Array(MAX_SOCKET_PAYLOAD_BYTES + 1), []), error)
  assert.throws(() => sendDescriptors(a, bytes(''), [reader]), { errnoName: 'EINVAL' })
  assert.throws(() => sendDescriptors(a, bytes('x'), [9_999 as Fd]), { errnoName: 'EBADF' })
  close(...fds, reader, writer, a, b)
})

test('a full queue is told and nothing is lost; a larger buffer holds more', () => {
  const { a, b } = socketPairSeqpacket()
  const fill = (): number => {
    let sent = 0
    while (sendDescriptors(a, bytes(`message ${sent}`), []) === 'sent') sent += 1
    return sent
  }
  const small = setSendBuffer(a, 8_192)
  assert.ok(small >= 8_192)
  const few = fill()
  assert.ok(few > 0)
  for (let at = 0; at < few; at += 1) assert.equal(receive(b).payload, `message ${at}`)
  assert.equal(receiveDescriptors(b, { peek: false }), 'empty')
  assert.ok(setSendBuffer(a, 65_536) > small)
  assert.ok(fill() > few)
  close(a, b)
})

test('the end of the other side is an error, not a message', () => {
  const { a, b } = socketPairSeqpacket()
  sendDescriptors(a, bytes('last'), [])
  closeFd(a)
  assert.equal(receive(b).payload, 'last')
  assert.throws(() => receiveDescriptors(b, { peek: false }), { errnoName: 'ECONNRESET' })
  assert.throws(() => sendDescriptors(b, bytes('x'), []), { errnoName: 'EPIPE' })
  closeFd(b)
})

test('descriptors that cannot be opened are told, and none leaks', async (t) => {
  const { text } = await runNode(
    t,
    `import { openSync, closeSync, readdirSync } from 'node:fs'
    import { receiveDescriptors, sendDescriptors, socketPairSeqpacket } from 'kernel/unix-socket.ts'
    const { a, b } = socketPairSeqpacket()
    sendDescriptors(a, new Uint8Array([1]), [0, 1, 2])
    const open = []
    try { for (;;) open.push(openSync('/dev/null', 'r')) } catch {}
    for (const fd of open.splice(-2)) closeSync(fd)
    for (let round = 0; round < 3; round += 1) {
      try { receiveDescriptors(b, { peek: true }) } catch (error) { console.log(error.errnoName) }
    }
    for (const fd of open) closeSync(fd)
    console.log(receiveDescriptors(b, { peek: false }).fds.length)`,
  )
  assert.equal(text, 'EMFILE\nEMFILE\nEMFILE\n3\n')
})

test('the peer is who made the pair', () => {
  const { a, b } = socketPairSeqpacket()
  const expected = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() }
  assert.deepEqual(peerCredentials(a), expected)
  assert.deepEqual(peerCredentials(b), expected)
  close(a, b)
})

test('both ends survive in a process that never reads them', async (t) => {
  const { a, b } = socketPairSeqpacket()
  const pipe = createPipe()
  sendDescriptors(a, bytes('kept'), [pipe.writer])
  const files = [
    { from: a, to: 8 },
    { from: b, to: 9 },
  ]
  const inherited = await outputOf(t, 'readlink /proc/$$/fd/8 /proc/$$/fd/9', { files })
  assert.match(inherited.text, /^socket:\[\d+\]\nsocket:\[\d+\]\n$/)
  const copy = duplicateFd(b, 50)
  close(a, b, pipe.writer)
  assert.equal(isOpen(a), false)
  const { fds } = receive(copy)
  writeSync(fds[0] ?? -1, 'alive')
  assert.equal(read(pipe.reader), 'alive')
  close(...fds, copy, pipe.reader)
})

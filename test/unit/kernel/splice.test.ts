// Pipes, FIFOs and splice: exactly the bytes, no end of file, no SIGPIPE.

import assert from 'node:assert/strict'
import {
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toFd } from '../../../src/base/brands.ts'
import { closeFd, isCloseOnExec } from '../../../src/kernel/fd.ts'
import {
  createFifo,
  createPipe,
  openFifoReader,
  openFifoReadWrite,
  pipeBytes,
  pipeSize,
  setPipeSize,
} from '../../../src/kernel/fifo.ts'
import { splice } from '../../../src/kernel/splice.ts'
import { isErrno } from '../../../src/kernel/syscall-error.ts'
import { ended, runNode, start, temporaryFolder } from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const byte = Buffer.alloc(1)

test('splice moves exactly the bytes, and says again when the pipe is empty', (t) => {
  const path = join(temporaryFolder(t), 'file')
  const { reader, writer } = createPipe()
  const file = toFd(openSync(path, 'w'))
  assert.equal(splice(reader, file, null, 100), 'again')
  writeSync(writer, 'hello world')
  assert.equal(splice(reader, file, null, 5), 5)
  assert.equal(splice(reader, file, null, 100), 6)
  assert.equal(splice(reader, file, null, 100), 'again')
  writeSync(writer, 'HELLO')
  assert.equal(splice(reader, file, 2, 100), 5)
  // An offset leaves the file's own position alone.
  writeSync(writer, '!')
  assert.equal(splice(reader, file, null, 100), 1)
  assert.equal(readFileSync(path, 'utf8'), 'heHELLOorld!')
  closeFd(writer)
  assert.equal(splice(reader, file, null, 100), 0)
  closeFd(reader)
  closeFd(file)
})

test('splice reaches offsets beyond 4 GiB', (t) => {
  const path = join(temporaryFolder(t), 'sparse')
  const { reader, writer } = createPipe()
  const file = toFd(openSync(path, 'w+'))
  const offset = 5 * 2 ** 32 + 7
  writeSync(writer, 'far')
  assert.equal(splice(reader, file, offset, 100), 3)
  assert.equal(statSync(path).size, offset + 3)
  const end = Buffer.alloc(3)
  readSync(file, end, 0, 3, offset)
  assert.equal(end.toString(), 'far')
  for (const fd of [reader, writer, file]) closeFd(fd)
})

test('splice refuses a file opened for appending', (t) => {
  const { reader, writer } = createPipe()
  writeSync(writer, 'x')
  const append = toFd(openSync(join(temporaryFolder(t), 'file'), 'a'))
  assert.throws(() => splice(reader, append, null, 1), {
    code: 'ERR_KERNEL_CALL',
    errnoName: 'EINVAL',
    syscall: 'splice',
  })
  assert.equal(pipeBytes(reader), 1)
  for (const fd of [append, reader, writer]) closeFd(fd)
})

test('a FIFO has exactly its mode, and a taken path is refused', (t) => {
  const path = join(temporaryFolder(t), 'fifo')
  const umask = process.umask(0o077)
  createFifo(path, 0o622)
  process.umask(umask)
  const stat = statSync(path)
  assert.ok(stat.isFIFO())
  assert.equal(stat.mode & 0o777, 0o622)
  assert.throws(() => createFifo(path, 0o600), { errnoName: 'EEXIST', path, syscall: 'mkfifo' })
  assert.throws(() => createFifo(`${path}\0x`, 0o600), { errnoName: 'EINVAL' })
  assert.throws(() => openFifoReader(`${path}\0x`), { errnoName: 'EINVAL' })
})

test('a FIFO belongs to whom it is made for', (t) => {
  const path = join(temporaryFolder(t), 'fifo')
  if (process.getuid?.() === 0) {
    createFifo(path, 0o600, { uid: 65_534, gid: 65_533 })
    assert.deepEqual([statSync(path).uid, statSync(path).gid], [65_534, 65_533])
    return
  }
  assert.throws(() => createFifo(path, 0o600, { uid: 0, gid: 0 }), { errnoName: 'EPERM' })
  assert.equal(existsSync(path), false)
})

test('a symbolic link in the place of a FIFO is refused', (t) => {
  const folder = temporaryFolder(t)
  createFifo(join(folder, 'fifo'), 0o600)
  symlinkSync('fifo', join(folder, 'link'))
  assert.throws(() => openFifoReadWrite(join(folder, 'link')), { errnoName: 'ELOOP' })
  assert.throws(() => openFifoReader(join(folder, 'none')), { errnoName: 'ENOENT' })
})

test('a FIFO opened for both never ends and never kills the writer', async (t) => {
  const path = join(temporaryFolder(t), 'fifo')
  createFifo(path, 0o600)
  // Without a reader, the opening for both ends succeeds, and a write does not fail.
  const both = openFifoReadWrite(path)
  const writer = start(t, 'echo one', { files: [{ from: both, to: 1 }] })
  assert.deepEqual(await ended(writer), { kind: 'exited', code: 0 })
  const reader = openFifoReader(path)
  const buffer = Buffer.alloc(16)
  assert.equal(readSync(reader, buffer), 4)
  // No writer process lives, yet it is not the end of the file.
  assert.throws(
    () => readSync(reader, buffer),
    (error) => isErrno(error, 'EAGAIN'),
  )
  closeFd(reader)
  // The last reader is gone: a plain pipe would give SIGPIPE now.
  const late = start(t, 'echo two', { files: [{ from: both, to: 1 }] })
  assert.deepEqual(await ended(late), { kind: 'exited', code: 0 })
  assert.equal(pipeBytes(both), 4)
  assert.equal(isCloseOnExec(both), true)
  closeFd(both)
})

test('a reader does not wait for a writer, and without one it is at the end', (t) => {
  const path = join(temporaryFolder(t), 'fifo')
  createFifo(path, 0o600)
  const reader = openFifoReader(path)
  assert.equal(readSync(reader, byte), 0)
  assert.equal(isCloseOnExec(reader), true)
  closeFd(reader)
})

test('a pipe has the size that was asked for, rounded up', () => {
  const { reader, writer } = createPipe()
  assert.ok(pipeSize(reader) >= 4_096)
  assert.equal(setPipeSize(writer, 8_000), 8_192)
  assert.equal(pipeSize(reader), 8_192)
  writeSync(writer, Buffer.alloc(5_000))
  assert.equal(pipeBytes(reader), 5_000)
  assert.throws(() => setPipeSize(writer, 4_096), { errnoName: 'EBUSY' })
  assert.equal(isCloseOnExec(reader) && isCloseOnExec(writer), true)
  closeFd(reader)
  closeFd(writer)
})

test('a full disk is ENOSPC, and every byte is in the file or still in the pipe', async (t) => {
  const isRoot = process.getuid?.() === 0
  if (skipUnless(t, isRoot, 'only root can mount a small file system')) return
  const folder = temporaryFolder(t)
  const script = `import { openSync, fstatSync, writeSync } from 'node:fs'
    import { createPipe, pipeBytes } from 'kernel/fifo.ts'
    import { splice } from 'kernel/splice.ts'
    const { reader, writer } = createPipe()
    const file = openSync('file', 'w')
    for (let at = 0; at < 6; at += 1) writeSync(writer, 'x'.repeat(5_000))
    let moved = 0
    try {
      for (;;) moved += splice(reader, file, moved, 3_333)
    } catch (error) {
      const { size } = fstatSync(file)
      console.log(error.errnoName, size === moved, size > 0, moved + pipeBytes(reader))
    }`
  // In a mount namespace of its own: nobody else sees it, and it goes with the process.
  const wrapper = 'mount -t tmpfs -o size=16k none "$0" && cd "$0" && exec "$@"'
  const { text } = await runNode(t, script, {}, ['unshare', '-m', 'sh', '-c', wrapper, folder])
  assert.equal(text, 'ENOSPC true true 30000\n')
})

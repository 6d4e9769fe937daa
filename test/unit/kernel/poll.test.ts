// One poller, many descriptors: who is called, who is not called any more, and what the loop does.

import assert from 'node:assert/strict'
import { readSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import type { Fd } from '../../../src/base/brands.ts'
import { closeFd, descriptorLimit, duplicateFd } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import {
  EPOLLET,
  EPOLLONESHOT,
  openPoller,
  POLLHUP,
  POLLIN,
  POLLOUT,
} from '../../../src/kernel/poll.ts'
import { runNode, until } from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const byte = Buffer.alloc(1)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Several turns of the loop, each with a poll phase. */
async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await turn()
}

function close(...fds: Fd[]): void {
  for (const fd of fds) closeFd(fd)
}

test('1,000 pipes in one poller', async (t) => {
  if (skipUnless(t, descriptorLimit().soft > 2_100, 'fewer than 2,100 descriptors')) return
  const poller = openPoller()
  const pipes = Array.from({ length: 1_000 }, createPipe)
  const seen = new Array<number>(pipes.length).fill(0)
  pipes.forEach(({ reader }, index) => {
    poller.add(reader, POLLIN, (events) => {
      assert.equal(events & POLLIN, POLLIN)
      readSync(reader, byte)
      seen[index] = (seen[index] ?? 0) + 1
    })
  })
  for (let round = 1; round <= 3; round += 1) {
    for (const { writer } of pipes) writeSync(writer, byte)
    await until(`round ${round}`, () => seen.every((count) => count === round))
  }
  await turns(3)
  assert.ok(seen.every((count) => count === 3))
  for (const { reader, writer } of pipes) {
    poller.remove(reader)
    close(reader, writer)
  }
  poller.close()
})

test('a level is reported while it holds, an edge once, a single shot until armed', async () => {
  const poller = openPoller()
  const { reader, writer } = createPipe()
  const counts = { level: 0, edge: 0, shot: 0 }
  const copies = { level: reader, edge: duplicateFd(reader, 3), shot: duplicateFd(reader, 3) }
  poller.add(copies.level, POLLIN, () => {
    counts.level += 1
  })
  poller.add(copies.edge, POLLIN | EPOLLET, () => {
    counts.edge += 1
  })
  poller.add(copies.shot, POLLIN | EPOLLONESHOT, () => {
    counts.shot += 1
  })
  writeSync(writer, byte)
  await until('the level is seen often', () => counts.level > 5)
  assert.equal(counts.edge, 1)
  assert.equal(counts.shot, 1)
  poller.modify(copies.shot, POLLIN | EPOLLONESHOT)
  await until('the single shot is seen again', () => counts.shot === 2)
  for (const fd of Object.values(copies)) poller.remove(fd)
  const { level } = counts
  await turns(5)
  assert.equal(counts.level, level)
  close(...Object.values(copies), writer)
  poller.close()
})

test('the end of the writers is POLLHUP, room is POLLOUT', async () => {
  const poller = openPoller()
  const { reader, writer } = createPipe()
  const events: Record<string, number> = {}
  poller.add(writer, POLLOUT, (seen) => {
    events['writer'] = seen
  })
  await until('there is room', () => events['writer'] === POLLOUT)
  poller.remove(writer)
  poller.add(reader, POLLIN, (seen) => {
    events['reader'] = seen
  })
  close(writer)
  await until('the writers are gone', () => events['reader'] === POLLHUP)
  poller.remove(reader)
  close(reader)
  poller.close()
})

test('a callback that removes others of its batch silences them', async () => {
  const poller = openPoller()
  const pipes = Array.from({ length: 20 }, createPipe)
  let calls = 0
  for (const { reader } of pipes) {
    poller.add(reader, POLLIN, () => {
      calls += 1
      for (const pipe of pipes) poller.remove(pipe.reader)
    })
  }
  for (const { writer } of pipes) writeSync(writer, byte)
  await until('one is called', () => calls > 0)
  await turns(5)
  assert.equal(calls, 1)
  for (const { reader, writer } of pipes) close(reader, writer)
  poller.close()
})

test('a number that is reused within a batch gets no event of its predecessor', async () => {
  const poller = openPoller()
  const pipes = [createPipe(), createPipe()]
  const fresh = createPipe()
  const called: string[] = []
  let replaced: Fd | undefined
  for (const [index, { reader }] of pipes.entries()) {
    poller.add(reader, POLLIN, () => {
      const other = pipes[1 - index]
      if (other === undefined || replaced !== undefined) return
      called.push('first')
      poller.remove(reader)
      poller.remove(other.reader)
      close(other.reader)
      replaced = duplicateFd(fresh.reader, other.reader)
      assert.equal(replaced, other.reader)
      poller.add(replaced, POLLIN, () => called.push('successor'))
    })
  }
  for (const { writer } of pipes) writeSync(writer, byte)
  await until('one is called', () => replaced !== undefined)
  await turns(5)
  assert.deepEqual(called, ['first'])
  writeSync(fresh.writer, byte)
  await until('the successor is called', () => called.includes('successor'))
  assert.ok(replaced !== undefined)
  poller.remove(replaced)
  const silent = pipes.map(({ reader }) => reader).filter((fd) => fd !== replaced)
  close(replaced, ...silent, ...pipes.map(({ writer }) => writer), fresh.reader, fresh.writer)
  poller.close()
})

test('a closed poller calls nobody, even in the middle of a batch', async () => {
  const poller = openPoller()
  const pipes = Array.from({ length: 5 }, createPipe)
  let calls = 0
  for (const { reader } of pipes) {
    poller.add(reader, POLLIN, () => {
      calls += 1
      poller.close()
    })
  }
  for (const { writer } of pipes) writeSync(writer, byte)
  await until('one is called', () => calls > 0)
  await turns(5)
  assert.equal(calls, 1)
  poller.close()
  for (const { reader, writer } of pipes) close(reader, writer)
})

test('a descriptor is added once, and a file cannot be watched', () => {
  const poller = openPoller()
  const { reader, writer } = createPipe()
  poller.add(reader, POLLIN, () => {})
  const error = { code: 'ERR_KERNEL_CALL', errnoName: 'EEXIST', syscall: 'epoll_ctl' }
  assert.throws(() => poller.add(reader, POLLIN, () => {}), error)
  poller.remove(reader)
  assert.throws(() => poller.remove(reader), { errnoName: 'ENOENT' })
  poller.close()
  close(reader, writer)
})

const preamble = `import { openPoller, POLLIN } from 'kernel/poll.ts'
  import { createPipe } from 'kernel/fifo.ts'
  import { writeSync } from 'node:fs'
  const poller = openPoller()
  const pipes = [createPipe(), createPipe(), createPipe()]
  const send = () => { for (const { writer } of pipes) writeSync(writer, 'x') }
`

test('an unref poller lets the process end, a ref one keeps it alive', async (t) => {
  const idle = await runNode(
    t,
    `${preamble}
    for (const { reader } of pipes) poller.add(reader, POLLIN, () => {})
    poller.unref()
    process.on('exit', () => console.log('exit'))`,
  )
  assert.deepEqual(idle, { text: 'exit\n', status: 'exit 0' })
  const waiting = await runNode(
    t,
    `${preamble}
    poller.unref()
    poller.ref()
    poller.add(pipes[0].reader, POLLIN, () => { console.log('called'); poller.close() })
    setTimeout(send, 20).unref()`,
  )
  assert.deepEqual(waiting, { text: 'called\n', status: 'exit 0' })
})

test('an exception in one callback is reported and the others are still called', async (t) => {
  const { text, status } = await runNode(
    t,
    `${preamble}
    process.on('uncaughtException', (error) => console.log('caught', error.message))
    let calls = 0
    for (const { reader } of pipes) poller.add(reader, POLLIN, () => {
      poller.remove(reader)
      calls += 1
      if (calls === 3) { console.log('all'); poller.close() }
      throw new Error(String(calls))
    })
    send()`,
  )
  assert.deepEqual([text, status], ['caught 1\ncaught 2\nall\ncaught 3\n', 'exit 0'])
})

test('promises continue after a callback although nothing else happens', async (t) => {
  const { text } = await runNode(
    t,
    `${preamble}
    await new Promise((resolve) => { poller.add(pipes[0].reader, POLLIN, resolve); send() })
    console.log('continued')
    poller.close()`,
  )
  assert.equal(text, 'continued\n')
})

test('a descriptor that is always ready starves neither timers nor promises', async () => {
  const poller = openPoller()
  const { reader, writer } = createPipe()
  let calls = 0
  poller.add(writer, POLLOUT, () => {
    calls += 1
  })
  await new Promise((resolve) => setTimeout(resolve, 5))
  // The timer may be due before the loop has looked at descriptors for the first time.
  while (calls === 0) await turn()
  const before = calls
  let immediates = 0
  while (calls < before + 50) {
    await turn()
    immediates += 1
  }
  // At most one batch in a turn of the loop.
  assert.ok(immediates >= 49, `${immediates} turns for 50 calls`)
  poller.close()
  close(reader, writer)
})

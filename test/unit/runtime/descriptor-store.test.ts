// The descriptor store: what it keeps, what it forgets, what happens when it is full, and that
// nothing is lost when its owner is killed at any instant.

import assert from 'node:assert/strict'
import { closeSync, constants, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Fd, toFd } from '../../../src/base/brands.ts'
import { MAX_STORE_MESSAGE_DESCRIPTORS } from '../../../src/base/limits.ts'
import { hasCode } from '../../../src/base/toolkit-error.ts'
import { closeFd, isCloseOnExec } from '../../../src/kernel/fd.ts'
import { createFifo, createPipe, openFifoReader } from '../../../src/kernel/fifo.ts'
import { sendSignal } from '../../../src/kernel/pidfd.ts'
import { spawnProcess } from '../../../src/kernel/spawn.ts'
import { setSendBuffer, socketPairSeqpacket } from '../../../src/kernel/unix-socket.ts'
import { type DescriptorStore, openStore } from '../../../src/runtime/descriptor-store.ts'
import { ended, readSome, runNode, temporaryFolder } from '../../support/children.ts'

/** Each life costs the start of a Node. */
const LIVES = Number(process.env['LIVES'] ?? '60')

/** What the guardian holds: both ends of two queues. Closed after the test. */
function makeQueues(test: TestContext, bytes = 32 * 1024 * 1024): readonly Fd[] {
  const fds = [socketPairSeqpacket(), socketPairSeqpacket()].flatMap(({ a, b }) => {
    setSendBuffer(a, bytes)
    return [a, b]
  })
  test.after(() => fds.forEach(closeFd))
  return fds
}

/** A pipe that contains the text; only its reading end is open. */
function pipeWith(text: string): Fd {
  const { reader, writer } = createPipe()
  writeSync(writer, text)
  closeFd(writer)
  return reader
}

function putTexts(store: DescriptorStore, name: string, ...texts: readonly string[]): void {
  const fds = texts.map(pipeWith)
  store.put(name, fds)
  fds.forEach(closeFd)
}

/** What a new store finds, read from the recovered pipes; these are then kept anew. */
function reopened(queues: readonly Fd[]): {
  readonly store: DescriptorStore
  readonly texts: { readonly [name: string]: readonly string[] }
} {
  const store = openStore(queues)
  const texts = [...store.recover()].map(([name, fds]) => {
    const found = fds.map((fd) => {
      const bytes = Buffer.alloc(100)
      return bytes.toString('utf8', 0, readSync(fd, bytes))
    })
    fds.forEach(closeFd)
    return [name, found]
  })
  return { store, texts: Object.fromEntries(texts) }
}

test('without a guardian nothing is kept, and it says so', () => {
  const store = openStore(null)
  store.put('a', [toFd(0)])
  assert.deepEqual([store.kind, store.recover().size, store.size().names], ['none', 0, 0])
})

test('the newest descriptors of a name are found by the next owner', (context) => {
  const queues = makeQueues(context)
  const { store, texts } = reopened(queues)
  assert.deepEqual(texts, {})
  putTexts(store, 'web', 'old')
  putTexts(store, 'wörker "2"', 'one', 'two', 'three')
  putTexts(store, 'gone', 'x')
  putTexts(store, 'web', 'new')
  store.drop('gone')
  store.drop('never there')
  assert.ok(queues.every(isCloseOnExec))
  assert.deepEqual(reopened(queues).texts, { web: ['new'], 'wörker "2"': ['one', 'two', 'three'] })
})

test('compaction keeps what counts and lets go of the rest', (context) => {
  const queues = makeQueues(context)
  const path = join(temporaryFolder(context), 'fifo')
  createFifo(path, 0o600)
  const { store } = reopened(queues)
  const reader = openFifoReader(path)
  store.put('fifo', [reader])
  closeFd(reader)
  const canWrite = (): boolean => {
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
      return true
    } catch {
      return false
    }
  }
  assert.ok(canWrite(), 'the queue keeps the reading end open')
  for (let number = 0; number < 10; number += 1) putTexts(store, `n${number}`, `text ${number}`)
  store.drop('fifo')
  store.drop('n0')
  store.compact()
  assert.ok(!canWrite(), 'nobody has the reading end any more')
  assert.equal(store.size().descriptors, 9)
  assert.equal(store.size().messages, 1, 'single messages were gathered into one')
  store.compact()
  const expected = Array.from({ length: 9 }, (_, at) => [`n${at + 1}`, [`text ${at + 1}`]])
  assert.deepEqual(reopened(queues).texts, Object.fromEntries(expected))
})

test('a removed name stays removed through compactions and owners', (context) => {
  const queues = makeQueues(context)
  const first = reopened(queues).store
  for (let round = 0; round < 3; round += 1) {
    putTexts(first, 'a', `${round}`)
    first.drop('a')
    if (round > 0) first.compact()
  }
  for (let round = 0; round < 3; round += 1) {
    const { store, texts } = reopened(queues)
    assert.deepEqual(texts, {})
    store.compact()
  }
  assert.equal(openStore(queues).size().names, 0)
})

test('stale entries are removed by themselves', (context) => {
  const queues = makeQueues(context)
  const { store } = reopened(queues)
  const fd = pipeWith('x')
  for (let number = 0; number < 20_000; number += 1) store.put(`name ${number % 20}`, [fd])
  closeFd(fd)
  assert.ok(store.size().descriptors < 200, JSON.stringify(store.size()))
})

test('5,000 services fit, each alone or all at once', (context) => {
  const fd = pipeWith('x')
  context.after(() => closeFd(fd))
  const alone = makeQueues(context)
  const { store } = reopened(alone)
  for (let number = 0; number < 5_000; number += 1) store.put(`shop/web@${number}`, [fd, fd, fd])
  assert.equal(store.size().names, 5_000)
  const together = makeQueues(context)
  const batched = reopened(together).store
  const names = Array.from({ length: 5_000 }, (_, number) => `shop/web@${number}`)
  batched.putMany(new Map(names.map((name) => [name, [fd, fd, fd]])))
  assert.ok(batched.size().messages <= 5_000 / Math.floor(MAX_STORE_MESSAGE_DESCRIPTORS / 3) + 1)
  const found = openStore(together).recover()
  assert.equal(found.size, 5_000)
  for (const fds of found.values()) fds.forEach(closeFd)
})

test('a full queue is refused with numbers, and everything in it is still there', (context) => {
  const queues = makeQueues(context, 1)
  const { store } = reopened(queues)
  let refused: unknown
  let kept = 0
  const fd = pipeWith('kept')
  for (; refused === undefined; kept += 1) {
    try {
      store.put(`name ${kept} ${'x'.repeat(400)}`, [fd])
    } catch (error) {
      refused = error
    }
  }
  closeFd(fd)
  assert.ok(hasCode(refused, 'ERR_DESCRIPTOR_STORE_FULL'))
  assert.match(refused.message, /the send buffer \(SO_SNDBUF\) is full with \d+ descriptors/)
  assert.match(refused.hint ?? '', /net\.core\.wmem_max/)
  assert.equal(store.size().names, kept - 1)
  const found = openStore(queues).recover()
  assert.equal(found.size, kept - 1)
  for (const fds of found.values()) fds.forEach(closeFd)
  store.drop(`name 0 ${'x'.repeat(400)}`)
  assert.equal(store.size().names, kept - 2)
  putTexts(store, 'there is room again', 'x')
})

test('too many descriptors in flight are refused with the limit', async (context) => {
  const text = `
    import { openStore } from 'kernel/../runtime/descriptor-store.ts'
    import { socketPairSeqpacket as pair } from 'kernel/unix-socket.ts'
    const store = openStore([pair(), pair()].flatMap(({ a, b }) => [a, b]))
    store.recover()
    try {
      for (let number = 0; ; number += 1) store.put('name ' + number, [0, 0, 0])
    } catch (error) {
      console.log(error.code, error.context.openFilesLimit, error.context.descriptors > 190)
      store.drop('name 0')
      store.compact()
      console.log(store.size().names)
    }`
  const before = ['prlimit', '--nofile=200', 'setpriv', '--reuid=65534', '--clear-groups']
  const isRoot = process.getuid?.() === 0
  const { text: said } = await runNode(context, text, {}, isRoot ? before : before.slice(0, 2))
  assert.match(said, /^ERR_DESCRIPTOR_STORE_FULL 200 true\n\d+\n$/)
})

test('an owner that is killed at any instant loses nothing that is kept', async (context) => {
  const queues = makeQueues(context)
  const directory = temporaryFolder(context)
  const script = new URL('../../fixtures/programs/store-writer.ts', import.meta.url).pathname
  const before = readdirSync('/proc/self/fd').length
  /** What each name may have: more than one value while an action was not answered. */
  const allowed = new Map<string, ReadonlySet<string>>()
  let checkedLives = 0
  let actions = 0
  for (let life = 0; life < LIVES; life += 1) {
    const { reader, writer } = createPipe()
    const child = spawnProcess({
      path: process.execPath,
      argv: ['node', script, directory, String(life * 1_000_000)],
      env: [],
      directory: '/',
      files: [...queues.map((from, at) => ({ from, to: at + 3 })), { from: writer, to: 7 }],
      session: 'inherit',
    })
    closeFd(writer)
    assert.ok(child.kind === 'spawned')
    const lastLine = Math.floor(Math.random() ** 2 * 400)
    let said = ''
    let isKilled = false
    for (;;) {
      if (!isKilled && said.split('\n').length > lastLine) {
        sendSignal(child.pidfd, 9)
        isKilled = true
      }
      const more = await readSome(reader)
      if (more === '') break
      said += more
    }
    const status = await ended(child)
    closeFd(child.pidfd)
    closeFd(reader)
    assert.deepEqual([isKilled, status.kind], [true, 'signaled'], said)
    const lines = said.slice(0, said.lastIndexOf('\n') + 1).split('\n')
    actions += lines.length
    if (checkLife(lines, allowed)) checkedLives += 1
  }
  const found = openStore(queues).recover()
  for (const [name, values] of allowed) {
    if (!values.has('')) assert.ok(found.has(name), name)
  }
  for (const fds of found.values()) fds.forEach(closeFd)
  assert.equal(readdirSync('/proc/self/fd').length, before)
  assert.ok(checkedLives > LIVES / 3, `${checkedLives} lives were checked`)
  context.diagnostic(`${checkedLives} of ${LIVES} lives checked, ${actions} lines`)
})

/**
 * Compares what a life found with what is allowed, then notes what it did. False: it was killed
 * before it had looked at everything.
 */
function checkLife(lines: readonly string[], allowed: Map<string, ReadonlySet<string>>): boolean {
  const found = new Map<string, string>()
  const isComplete = lines.includes('recovered')
  let begun: readonly (readonly [string, string])[] = []
  for (const line of lines) {
    const [verb, ...pairs] = line.split(' ')
    const parsed = pairs.map((pair) => pair.split('=') as [string, string])
    if (verb === 'has') for (const [name, text] of parsed) found.set(name, text)
    if (verb === 'recovered') {
      for (const [name, texts] of allowed) {
        const text = found.get(name) ?? ''
        assert.ok(texts.has(text), `${name} has '${text}', not ${[...texts].join(' or ')}`)
      }
      for (const name of found.keys()) assert.ok(allowed.has(name), `${name} was invented`)
      for (const name of allowed.keys()) allowed.set(name, new Set([found.get(name) ?? '']))
    }
    if (verb === 'put' || verb === 'drop') {
      begun = parsed
      for (const [name, text] of parsed) {
        allowed.set(name, new Set([...(allowed.get(name) ?? ['']), text]))
      }
    }
    if (verb === 'done') for (const [name, text] of begun) allowed.set(name, new Set([text]))
  }
  return isComplete
}

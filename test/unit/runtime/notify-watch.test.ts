// The newline on a pipe: seen, left in place, told apart from the end.

import assert from 'node:assert/strict'
import { closeSync, readSync, writeSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setNonBlocking } from '../../../src/kernel/fd.ts'
import { createPipe, pipeBytes } from '../../../src/kernel/fifo.ts'
import { openPoller } from '../../../src/kernel/poll.ts'
import { watchNotify } from '../../../src/runtime/notify-watch.ts'

function open() {
  const pipe = createPipe()
  setNonBlocking(pipe.reader, true)
  const poller = openPoller()
  return {
    ...pipe,
    poller,
    outcome: () =>
      new Promise<string>((resolve) => {
        watchNotify(poller, pipe.reader, resolve)
      }),
    close: () => {
      poller.close()
      closeSync(pipe.reader)
    },
  }
}

describe('notify descriptor', () => {
  test('a newline is ready, and a second supervisor sees it too', async () => {
    const { outcome, writer, reader, poller, close } = open()
    writeSync(writer, 'up\nrest')
    assert.equal(await outcome(), 'ready')
    closeSync(writer)
    assert.equal(await outcome(), 'ready', 'it was not taken out, and its end does not hide it')
    assert.equal(pipeBytes(reader), 7)
    assert.equal(readSync(reader, Buffer.alloc(9)), 7)
    poller.unref()
    close()
  })

  test('the end before a newline', async () => {
    const { outcome, writer, close } = open()
    writeSync(writer, 'almost')
    closeSync(writer)
    assert.equal(await outcome(), 'closed')
    close()
  })

  test('a flood without a newline is thrown away, until one comes', async () => {
    const { outcome, writer, reader, close } = open()
    setNonBlocking(writer, true)
    let isOver = false
    const seen = outcome().then((word) => {
      isOver = true
      return word
    })
    const flood = Buffer.alloc(60_000, 'x')
    for (let written = 0; written < 10 * flood.length; ) {
      assert.equal(isOver, false)
      written += writeSync(writer, flood)
      while (pipeBytes(reader) > 0) await new Promise(setImmediate)
    }
    writeSync(writer, '\n')
    assert.equal(await seen, 'ready')
    closeSync(writer)
    close()
  })

  test('after stop nothing comes', async () => {
    const { reader, writer, poller, close } = open()
    const calls: string[] = []
    const watch = watchNotify(poller, reader, (word) => calls.push(word))
    writeSync(writer, '\n')
    watch.stop()
    watch.stop()
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    assert.deepEqual(calls, [])
    closeSync(writer)
    close()
  })
})

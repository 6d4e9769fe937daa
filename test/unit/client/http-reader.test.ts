// The reader of answers: whole, in pieces, at every split, and what is no answer at all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '../../../src/base/toolkit-error.ts'
import { type AnswerHead, createAnswerReader } from '../../../src/client/http-reader.ts'

interface Read {
  readonly head: AnswerHead | null
  readonly body: string
  readonly isDone: boolean
}

function readPieces(pieces: readonly Uint8Array[], endsConnection = false): Read {
  let head: AnswerHead | null = null
  const body: Uint8Array[] = []
  let ends = 0
  const reader = createAnswerReader({
    onHead: (found) => {
      head = found
    },
    onBody: (bytes) => body.push(Uint8Array.from(bytes)),
    onEnd: () => {
      ends += 1
    },
  })
  for (const piece of pieces) reader.feed(piece)
  if (endsConnection) reader.end()
  assert.ok(ends <= 1)
  return { head, body: Buffer.concat(body).toString(), isDone: ends === 1 }
}

const byLength = 'HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 5\r\n\r\nhello'
const chunked =
  'HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n' +
  '3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n'

for (const [name, text] of Object.entries({ byLength, chunked })) {
  test(`an answer ${name} is the same at every split into two`, () => {
    const bytes = Buffer.from(text)
    for (let at = 0; at <= bytes.length; at += 1) {
      const { head, body, isDone } = readPieces([bytes.subarray(0, at), bytes.subarray(at)])
      assert.deepEqual(
        { body, isDone, status: head?.status },
        {
          body: 'hello',
          isDone: true,
          status: name === 'chunked' ? 404 : 200,
        },
      )
    }
  })

  test(`an answer ${name} is the same byte by byte`, () => {
    const bytes = Buffer.from(text)
    const { body, isDone } = readPieces([...bytes].map((byte) => Uint8Array.of(byte)))
    assert.deepEqual({ body, isDone }, { body: 'hello', isDone: true })
  })

  test(`an answer ${name} that is cut off is noticed wherever that is`, () => {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += 1) {
      assert.throws(
        () => readPieces([bytes.subarray(0, at)], true),
        (error) => hasCode(error, 'ERR_BAD_ANSWER'),
      )
    }
  })
}

test('headers are found whatever their case', () => {
  const { head } = readPieces([Buffer.from(byLength)])
  assert.equal(head?.headers.get('content-type'), 'x')
})

test('without a length the end of the connection is the end', () => {
  const read = readPieces([Buffer.from('HTTP/1.1 200 OK\n\nsome text')], true)
  assert.deepEqual([read.body, read.isDone], ['some text', true])
})

test('an answer of chunks of any size, in pieces of any size, is put together', () => {
  const pieces = fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(30), { maxLength: 30 }), (texts, cuts) => {
      const chunks = texts.map((text) => {
        return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
      })
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
      const bytes = Buffer.from(`${head}${chunks.join('')}0\r\n\r\n`)
      const parts: Uint8Array[] = []
      let at = 0
      for (const size of cuts) {
        parts.push(bytes.subarray(at, at + size))
        at += size
      }
      const { body, isDone } = readPieces([...parts, bytes.subarray(at)])
      assert.deepEqual([body, isDone], [Buffer.from(texts.join('')).toString(), true])
    }),
  )
})

test('anything else is refused with its code, never with another exception', () => {
  const isRefusal = (error: unknown) => hasCode(error, 'ERR_BAD_ANSWER')
  for (const text of [
    'SSH-2.0-OpenSSH\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n',
    `HTTP/1.1 200 OK\r\n${'a'.repeat(70_000)}`,
    `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`,
  ]) {
    assert.throws(() => readPieces([Buffer.from(text)]), isRefusal, text.slice(0, 60))
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readPieces([bytes], true)
      } catch (error) {
        assert.ok(isRefusal(error))
      }
    }),
  )
})

// The side index: packing, names, and finding runs and times in it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  INDEX_RECORD_BYTES,
  isHeader,
  packHeader,
  packRecord,
  parseSegmentFileName,
  recordCount,
  recordPosition,
  segmentFileName,
  unpackRecord,
} from '../../../src/protocol/log-index.ts'
import { createRunSplitter, findRun, findTime } from '../../../src/protocol/log-runs.ts'
import { printIsoTime } from '../../../src/protocol/log-stamp.ts'

const kind = fc.constantFrom('stdout', 'stderr', 'gap', 'gap-size', 'break-stdout', 'break-stderr')
const record = fc.record(
  {
    kind,
    offset: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    value: fc.maxSafeNat(),
  },
  { noNullPrototype: true },
)

test('a record comes back as it was packed', () => {
  fc.assert(
    fc.property(record, (one) => {
      const view = new DataView(new ArrayBuffer(INDEX_RECORD_BYTES + 3))
      packRecord(view, 3, one)
      assert.deepEqual(unpackRecord(view, 3), one)
    }),
  )
})

test('zeros and unknown kinds are no record', () => {
  const view = new DataView(new ArrayBuffer(INDEX_RECORD_BYTES))
  assert.equal(unpackRecord(view, 0), undefined)
  view.setUint8(4, 99)
  assert.equal(unpackRecord(view, 0), undefined)
})

test('a header is known by magic, version and length', () => {
  assert.equal(isHeader(packHeader()), true)
  assert.equal(isHeader(packHeader().subarray(0, 15)), false)
  for (const byte of [0, 7, 8, 10]) {
    const header = packHeader()
    header[byte] = (header[byte] ?? 0) + 1
    assert.equal(isHeader(header), false, `byte ${byte}`)
  }
})

test('file names of segments', () => {
  assert.equal(segmentFileName(1, 'log'), '0000000001.log')
  assert.deepEqual(parseSegmentFileName('0000000012.stamped.log.zst.tmp'), {
    number: 12,
    kind: 'stamped.log.zst',
    isTemporary: true,
  })
  for (const name of ['current', '1.log', '0000000000.log', '0000000001.logs', '0000000001.zst']) {
    assert.equal(parseSegmentFileName(name), undefined, name)
  }
})

/** An index in memory with records at these offsets. */
function indexOf(records: readonly Parameters<typeof packRecord>[2][]) {
  const bytes = new Uint8Array(recordPosition(records.length))
  bytes.set(packHeader())
  const view = new DataView(bytes.buffer)
  for (const [at, one] of records.entries()) packRecord(view, recordPosition(at), one)
  const readIndex = (at: number, into: Uint8Array): number => {
    const part = bytes.subarray(at, at + into.length)
    into.set(part)
    return part.length
  }
  return { readIndex, size: bytes.length }
}

test('runs are cut where the records say, empty ones are skipped', () => {
  const { readIndex, size } = indexOf([
    { kind: 'stdout', offset: 0, value: 10 },
    { kind: 'stderr', offset: 3, value: 20 },
    { kind: 'stdout', offset: 3, value: 30 },
    { kind: 'gap', offset: 5, value: 40 },
    { kind: 'gap-size', offset: 5, value: 1234 },
    { kind: 'stderr', offset: 5, value: 50 },
    { kind: 'break-stderr', offset: 8, value: 60 },
  ])
  const seen: string[] = []
  const splitter = createRunSplitter(
    readIndex,
    { offset: 0, record: 0, fallbackTimeUs: 0 },
    {
      run: (bytes, stream, timeUs) => {
        seen.push(`${stream} ${timeUs} ${String.fromCharCode(...bytes)}`)
      },
      gap: (timeUs, bytes) => {
        seen.push(`gap ${timeUs} ${bytes}`)
      },
      lineBreak: (stream) => {
        seen.push(`break ${stream}`)
      },
    },
  )
  splitter.feed(new TextEncoder().encode('abcd'))
  splitter.feed(new TextEncoder().encode('efgh'))
  splitter.settle()
  assert.deepEqual(seen, [
    'stdout 10 abc',
    'stdout 30 d',
    'stdout 30 e',
    'gap 40 1234',
    'stderr 50 fgh',
    'break stderr',
  ])
  assert.equal(recordCount(size + 7), 7)
  assert.equal(findRun(readIndex, size, 3), 2)
  assert.equal(findRun(readIndex, size, 7), 5)
  assert.equal(findRun(readIndex, size, 8), 5)
  assert.equal(findTime(readIndex, size, 25), 3)
  assert.equal(findTime(readIndex, size, 61), undefined)
})

test('time is found as a plain search finds it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 40 }),
      fc.nat(60),
      (steps, wanted) => {
        const times = [...steps].sort((left, right) => left - right)
        const { readIndex, size } = indexOf(
          times.map((value, at) => ({
            kind: at % 2 === 0 ? 'stdout' : 'stderr',
            offset: at * 10,
            value,
          })),
        )
        const expected = times.findIndex((value) => value >= wanted)
        const found = findTime(readIndex, size, wanted)
        assert.equal(found, expected === -1 ? undefined : expected * 10)
      },
    ),
  )
})

test('ISO times are those of Date', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.nat(999), (ms, micros) => {
      const iso = new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`)
      assert.equal(printIsoTime(ms * 1000 + micros), iso)
    }),
  )
})

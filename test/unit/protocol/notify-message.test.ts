// sd_notify datagrams: every key both ways, and whatever bytes a program may send.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_NOTIFY_MESSAGE_BYTES } from '../../../src/base/limits.ts'
import {
  isFdName,
  type NotifyFields,
  parseNotifyMessage,
  printNotifyMessage,
} from '../../../src/protocol/notify-message.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

const parse = (text: string | Uint8Array) =>
  parseNotifyMessage(typeof text === 'string' ? new TextEncoder().encode(text) : text, decode)

test('every key of sd_notify(3)', () => {
  const text = [
    'READY=1\nRELOADING=1\nSTOPPING=1\nMONOTONIC_USEC=1234567\nSTATUS=50% of it = done\u001b[2J é',
    'NOTIFYACCESS=exec\nERRNO=2\nBUSERROR=org.freedesktop.DBus.Error.TimedOut',
    'VARLINKERROR=org.varlink.service.InvalidParameter\nEXIT_STATUS=7\nMAINPID=4711',
    'MAINPIDFDID=18446744073709551615\nMAINPIDFD=1\nWATCHDOG=trigger\nWATCHDOG_USEC=20000000',
    'EXTEND_TIMEOUT_USEC=18446744073709551615\nRESTART_RESET=1\nFDSTORE=1\nFDSTOREREMOVE=1',
    'FDNAME=state-1\nFDPOLL=0\nBARRIER=1',
  ].join('\n')
  const message = parse(text)
  assert.deepEqual(message.problems, [])
  assert.deepEqual(message.fields, {
    ready: true,
    reloading: true,
    stopping: true,
    monotonicUsec: 1_234_567,
    status: '50% of it = done\u001b[2J é',
    notifyAccess: 'exec',
    errno: 2,
    busError: 'org.freedesktop.DBus.Error.TimedOut',
    varlinkError: 'org.varlink.service.InvalidParameter',
    exitStatus: 7,
    mainPid: 4711,
    mainPidfdId: '18446744073709551615',
    mainPidfd: true,
    watchdog: 'trigger',
    watchdogUsec: 20_000_000,
    extendTimeoutUsec: Number.MAX_SAFE_INTEGER,
    restartReset: true,
    fdStore: true,
    fdStoreRemove: true,
    fdName: 'state-1',
    fdPoll: false,
    barrier: true,
  })
  assert.deepEqual(parse('WATCHDOG=1').fields, { watchdog: 'keep-alive' })
})

test('unknown keys are kept, empty lines and a last NUL forgiven', () => {
  const message = parse('\nX_SYSTEMD_SHUTDOWN=halt\n\nREADY=1\nX=\n\0')
  assert.deepEqual(message.fields, { ready: true })
  assert.deepEqual(message.other, [
    { key: 'X_SYSTEMD_SHUTDOWN', value: 'halt' },
    { key: 'X', value: '' },
  ])
  assert.deepEqual(message.problems, [])
})

const wrongLines: Readonly<Record<string, readonly (readonly [string, string | null])[]>> = {
  '': [['empty', null]],
  '\n\n': [['empty', null]],
  'READY=1\0STATUS=x': [['nul', null]],
  'no equals': [['no-key', null]],
  '=value': [['no-key', null]],
  'A B=1': [['no-key', null]],
  'READY=0': [['bad-value', 'READY']],
  'READY=': [['bad-value', 'READY']],
  'MAINPID=0\nMAINPID=-1\nMAINPID=1e3\nMAINPID=99999999999': [
    ['bad-value', 'MAINPID'],
    ['bad-value', 'MAINPID'],
    ['bad-value', 'MAINPID'],
    ['bad-value', 'MAINPID'],
  ],
  'EXIT_STATUS=256': [['bad-value', 'EXIT_STATUS']],
  'WATCHDOG=constructor': [['bad-value', 'WATCHDOG']],
  'WATCHDOG_USEC=18446744073709551616': [['bad-value', 'WATCHDOG_USEC']],
  'NOTIFYACCESS=everybody': [['bad-value', 'NOTIFYACCESS']],
  'FDNAME=a:b': [['bad-value', 'FDNAME']],
  'STATUS=a\nSTATUS=b': [['repeated', 'STATUS']],
}

for (const [text, expected] of Object.entries(wrongLines)) {
  test(`problems of ${JSON.stringify(text)}`, () => {
    const { problems } = parse(text)
    assert.deepEqual(
      problems.map(({ kind, key }) => [kind, key]),
      expected,
    )
  })
}

test('one bad line does not spoil the others', () => {
  const bytes = new Uint8Array([
    ...new TextEncoder().encode('STATUS='),
    0xff,
    0xfe,
    ...new TextEncoder().encode('\nREADY=1\n'),
    0xc3,
    0x28,
  ])
  const message = parse(bytes)
  assert.deepEqual(message.fields, { ready: true })
  assert.deepEqual(message.problems, [
    { kind: 'not-utf8', key: 'STATUS' },
    { kind: 'no-key', key: null },
  ])
})

test('a message is bounded', () => {
  const longest = `STATUS=${'x'.repeat(MAX_NOTIFY_MESSAGE_BYTES - 7)}`
  assert.deepEqual(parse(longest).problems, [])
  assert.deepEqual(parse(`${longest}x`).problems, [{ kind: 'too-long', key: null }])
  assert.deepEqual(parse(`${longest}x`).fields, {})
})

test('any bytes: no exception, and no more problems than lines', () => {
  const near = fc.constantFrom('READY=1\n', 'STATUS=', 'MAINPID=', 'FDNAME=', '\n', '=', '\0', 'é')
  const pieces = fc.array(
    fc.oneof(
      near.map((text) => new TextEncoder().encode(text)),
      fc.uint8Array({ maxLength: 12 }),
    ),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(pieces, (parts) => {
      const bytes = new Uint8Array(parts.flatMap((part) => [...part]))
      const { fields, other, problems } = parse(bytes)
      const lines = bytes.filter((byte) => byte === 10).length + 1
      const found = Object.keys(fields).length + other.length + problems.length
      assert.ok(found >= 1 && found <= lines, `${found} of ${lines}`)
    }),
  )
})

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((s) => s.replace(/[\n\0]/g, ''))
const usec = fc.maxSafeNat()
const truth = fc.constant<true>(true)
const anyFields = fc.record<NotifyFields, never>(
  {
    ready: truth,
    reloading: truth,
    stopping: truth,
    monotonicUsec: usec,
    status: text,
    notifyAccess: fc.constantFrom('none', 'main', 'exec', 'all'),
    errno: fc.nat(4_095),
    busError: text,
    varlinkError: text,
    exitStatus: fc.nat(255),
    mainPid: fc.integer({ min: 1, max: 4_194_304 }),
    mainPidfdId: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String),
    mainPidfd: truth,
    watchdog: fc.constantFrom('keep-alive', 'trigger'),
    watchdogUsec: usec,
    extendTimeoutUsec: usec,
    restartReset: truth,
    fdStore: truth,
    fdStoreRemove: truth,
    fdName: fc.string({ minLength: 1, maxLength: 255 }).filter(isFdName),
    fdPoll: fc.constant<false>(false),
    barrier: truth,
  },
  { requiredKeys: [], noNullPrototype: true },
)

const anyOther = fc.record(
  { key: fc.stringMatching(/^X_\w{1,9}$/), value: text },
  { noNullPrototype: true },
)

test('what is printed is read back', () => {
  const others = fc.array(anyOther, {
    maxLength: 4,
  })
  fc.assert(
    fc.property(anyFields, others, (fields, other) => {
      const printed = printNotifyMessage(fields, other)
      fc.pre(printed !== '' && new TextEncoder().encode(printed).length <= MAX_NOTIFY_MESSAGE_BYTES)
      assert.deepEqual(parse(printed), { fields, other, problems: [] })
    }),
  )
})

test('a value cannot smuggle in a line', () => {
  fc.assert(
    fc.property(fc.string(), (status) => {
      const { fields, other } = parse(printNotifyMessage({ status: `x\nREADY=1${status}` }))
      assert.deepEqual([Object.keys(fields), other], [['status'], []])
    }),
  )
})

// runs-as: nobody
// What eudaemon/service sends, received by our own end of sd_notify; and what it does about
// variables that were not meant for it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import {
  openNotifyReceiver,
  type ReceivedNotification,
} from '../../../src/daemonize/notify-receiver.ts'
import { bindDatagram, openDatagram, sendDatagram } from '../../../src/kernel/datagram-socket.ts'
import { closeFd } from '../../../src/kernel/fd.ts'
import { openPoller } from '../../../src/kernel/poll.ts'
import type { NotifyFields } from '../../../src/protocol/notify-message.ts'
import { temporaryFolder, until } from '../../support/children.ts'
import { type ServiceProgram, serviceProgram } from '../../support/service-program.ts'

function open(t: TestContext) {
  const poller = openPoller()
  const fields: NotifyFields[] = []
  const fdCounts: number[] = []
  const receiver = openNotifyReceiver({
    poller,
    owner: null,
    environment: { XDG_RUNTIME_DIR: temporaryFolder(t) },
    accepts: () => true,
    onMessage: ({ message, fds }: ReceivedNotification) => {
      fields.push(message.fields)
      fdCounts.push(fds.length)
    },
  })
  t.after(() => {
    receiver.close()
    poller.close()
  })
  return { receiver, fields, fdCounts }
}

/** Runs the program to its end. */
async function run(
  of: ServiceProgram,
  env: Readonly<Record<string, string>>,
  ...actions: readonly string[]
): Promise<readonly unknown[]> {
  const [node = '', ...args] = of.argv(...actions)
  const all = { PATH: process.env['PATH'], PROGRAM_REPORT: of.report, ...env }
  const child = spawn(node, args, { env: all, stdio: ['ignore', 'ignore', 'inherit'] })
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0)
  return of.results().map(([, result]) => result)
}

test('every call, in order, with its barrier', async (t) => {
  const { receiver, fields, fdCounts } = open(t)
  const service = serviceProgram(t)
  const actions = [
    ...['status=warming up', 'ready', 'ready', 'reloading', 'ready', 'extend=1500.5'],
    ...['store=state', 'unstore=state', 'stopping', 'barrier', 'koffi'],
  ]
  const results = await run(service, { NOTIFY_SOCKET: receiver.path }, ...actions)
  const spoken = { spoke: 'notify', detail: 'sent READY=1' }
  const said = [true, spoken, spoken, true, spoken, true, true, true, true, true, true]
  assert.deepEqual(results, said)
  const monotonicUsec = fields[2]?.monotonicUsec ?? 0
  const now = Number(process.hrtime.bigint() / 1_000n)
  assert.ok(monotonicUsec > now - 60e6 && monotonicUsec <= now, `${monotonicUsec} of ${now}`)
  assert.deepEqual(fields, [
    { status: 'warming up' },
    { ready: true },
    { reloading: true, monotonicUsec },
    { ready: true },
    { extendTimeoutUsec: 1_500_500 },
    { fdStore: true, fdName: 'state' },
    { fdStoreRemove: true, fdName: 'state' },
    { stopping: true },
  ])
  assert.deepEqual(fdCounts, [0, 0, 0, 0, 0, 1, 0, 0])
  assert.equal(receiver.counts.wrongLines + receiver.counts.malformed, 0)
})

test('a status of any text is one line of bounded length', async (t) => {
  const { receiver, fields } = open(t)
  const text = `a\nREADY=1\n${'é'.repeat(5_000)}`
  assert.deepEqual(
    await run(serviceProgram(t), { NOTIFY_SOCKET: receiver.path }, `status=${text}`, 'barrier'),
    [true, true],
  )
  const [{ status = '' } = {}] = fields
  assert.match(status, /^a READY.1 é+$/)
  assert.equal(status.length, 1_200)
})

const otherPid = '1'

test('signs of life come at half of the time, of the right process, while healthy', async (t) => {
  const { receiver, fields } = open(t)
  const beats = () => fields.filter(({ watchdog }) => watchdog === 'keep-alive').length
  const env = { NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: '20000' }
  const service = serviceProgram(t)
  const [node = '', ...args] = service.argv('watchdog', 'hold')
  const all = { PATH: process.env['PATH'], PROGRAM_REPORT: service.report, ...env }
  const child = spawn(node, args, { env: all, stdio: 'ignore' })
  const gone = new Promise((resolve) => child.on('exit', resolve))
  await until('four signs of life', () => beats() >= 4)
  child.kill('SIGTERM')
  await gone
  receiver.drain()
  const before = beats()
  await run(serviceProgram(t), { ...env, WATCHDOG_PID: otherPid }, 'watchdog', 'barrier')
  await run(serviceProgram(t), { ...env, WATCHDOG_USEC: 'x' }, 'watchdog', 'barrier')
  await run(serviceProgram(t), env, 'watchdog=sick', 'barrier')
  assert.equal(beats(), before)
  await run(serviceProgram(t), env, 'watchdog', 'barrier')
  assert.ok(beats() > before, 'the first sign comes at once, and the timer holds nobody up')
})

const strangers: Readonly<Record<string, readonly [Readonly<Record<string, string>>, RegExp]>> = {
  'a descriptor of somebody else': [
    { EUDAEMON_READY: 'fd=5', EUDAEMON_READY_STREAM: '1:2' },
    /descriptor 5 is not the one/,
  ],
  'a descriptor, and no proof': [{ EUDAEMON_READY: 'fd=7' }, /descriptor 7 is not the one/],
  'a signal to a process that is not the parent': [
    { EUDAEMON_READY: 'signal', EUDAEMON_READY_PID: otherPid },
    /does not wait for a signal/,
  ],
  'a stop that nobody would continue': [
    { EUDAEMON_READY: 'stop', EUDAEMON_READY_PID: otherPid },
    /does not wait for a stop/,
  ],
  'standard error that nobody waits for': [{ EUDAEMON_READY: 'stderr-closed' }, /nobody waits/],
  'an unknown dialect': [{ EUDAEMON_READY: 'semaphore' }, /there is no NOTIFY_SOCKET/],
  'a receiver that is gone': [{ NOTIFY_SOCKET: '/does/not/exist' }, /ENOENT/],
  'an abstract receiver that is gone': [{ NOTIFY_SOCKET: '@eudaemon-nobody' }, /ECONNREFUSED/],
  'a virtual machine': [{ NOTIFY_SOCKET: 'vsock:2:1234' }, /neither a path nor an abstract name/],
}

for (const [story, [env, detail]] of Object.entries(strangers)) {
  test(`ready() says nothing: ${story}`, async (t) => {
    const [result] = await run(serviceProgram(t), env, 'ready')
    const { spoke, detail: found } = result as { readonly spoke: string; readonly detail: string }
    assert.equal(spoke, 'nothing')
    assert.match(found, detail)
  })
}

test('a full queue is waited for, and then told', async (t) => {
  const socket = bindDatagram(`${temporaryFolder(t)}/full`, { mode: 0o600 })
  const sender = openDatagram()
  const payload = new TextEncoder().encode('X=1')
  while (sendDatagram(sender, socket.path, payload) === 'sent');
  const [result] = await run(serviceProgram(t), { NOTIFY_SOCKET: socket.path }, 'ready')
  assert.match((result as { readonly detail: string }).detail, /the queue of .* is full/)
  closeFd(sender)
  socket.close()
})

const otherLists: readonly Readonly<Record<string, string>>[] = [
  { LISTEN_PID: otherPid, LISTEN_FDS: '1' },
  { LISTEN_FDS: '1' },
]

test('sockets that were meant for another process are not taken', async (t) => {
  for (const env of otherLists) {
    const results = await run(serviceProgram(t), env, 'listeners', 'left')
    assert.deepEqual(results, [[], Object.keys(env)])
  }
})

// runs-as: nobody
// The receiving end of sd_notify under real senders: Debian's systemd-notify and the two Python
// libraries, as children, grandchildren and strangers, and under hostile datagrams.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Pid } from '../../../src/base/brands.ts'
import { isDescendant } from '../../../src/daemonize/descendants.ts'
import {
  type NotifyReceiverOptions,
  openNotifyReceiver,
  type ReceivedNotification,
} from '../../../src/daemonize/notify-receiver.ts'
import { openDatagram, sendDatagram } from '../../../src/kernel/datagram-socket.ts'
import { closeFd, isOpen } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { openPoller } from '../../../src/kernel/poll.ts'
import type { NotifyFields } from '../../../src/protocol/notify-message.ts'
import { type Child, ended, start, temporaryFolder, until } from '../../support/children.ts'
import { isRoot } from '../../support/rights.ts'
import { skipUnless } from '../../support/skip.ts'

const nobody = { uid: 65_534, gid: 65_534 }

function open(t: TestContext, options: Partial<NotifyReceiverOptions> = {}) {
  const poller = openPoller()
  const received: ReceivedNotification[] = []
  const fields: NotifyFields[] = []
  const receiver = openNotifyReceiver({
    poller,
    owner: null,
    environment: { XDG_RUNTIME_DIR: temporaryFolder(t) },
    accepts: () => true,
    onMessage: (notification) => {
      received.push(notification)
      fields.push(notification.message.fields)
    },
    ...options,
  })
  t.after(() => {
    receiver.close()
    poller.close()
  })
  return { receiver, received, fields }
}

function sender(t: TestContext, script: string, path: string): Child {
  const env = [`PATH=${process.env['PATH']}`, `NOTIFY_SOCKET=${path}`]
  return start(t, script, { env })
}

const okay = { kind: 'exited', code: 0 } as const

test('systemd-notify, which waits at its barrier', async (t) => {
  if (skipUnless(t, existsSync('/usr/bin/systemd-notify'), 'no systemd-notify')) return
  const { receiver, fields, received } = open(t)
  const script = `systemd-notify --ready --status='half; done' --pid=$$ WATCHDOG_USEC=5 X_OWN=1`
  const child = sender(t, script, receiver.path)
  assert.deepEqual(await ended(child), okay)
  assert.deepEqual(fields, [
    { ready: true, status: 'half; done', mainPid: child.pid, watchdogUsec: 5 },
  ])
  assert.deepEqual(received[0]?.message.other, [{ key: 'X_OWN', value: '1' }])
  assert.deepEqual(receiver.counts, { accepted: 2, foreign: 0, malformed: 0, wrongLines: 0 })
})

const pythonLibraries: Readonly<Record<string, string>> = {
  sdnotify: `import sdnotify; n = sdnotify.SystemdNotifier()
n.notify("STATUS=loading"); n.notify("READY=1"); n.notify("ERRNO=2")`,
  'systemd.daemon': `from systemd.daemon import notify
notify("STATUS=loading"); notify("READY=1"); notify("ERRNO=2")`,
}

for (const [library, text] of Object.entries(pythonLibraries)) {
  test(`python3 ${library}`, async (t) => {
    const probe = await ended(start(t, `/usr/bin/python3 -c 'import ${library}' 2>/dev/null`))
    const isThere = probe.kind === 'exited' && probe.code === 0
    if (skipUnless(t, isThere, `python3 has no ${library}`)) return
    const { receiver, fields, received } = open(t)
    const child = sender(t, `exec /usr/bin/python3 -c '${text}'`, receiver.path)
    assert.deepEqual(await ended(child), okay)
    await until('three messages', () => fields.length === 3)
    assert.deepEqual(fields, [{ status: 'loading' }, { ready: true }, { errno: 2 }])
    assert.ok(received.every(({ sender: from }) => from.pid === child.pid))
  })
}

test('messages of the daemon, and of its children count, others do not', async (t) => {
  if (skipUnless(t, existsSync('/usr/bin/systemd-notify'), 'no systemd-notify')) return
  let main = 0 as Pid
  const accepts = ({ pid }: { readonly pid: Pid }) => pid === main || isDescendant(pid, main)
  const { receiver, fields } = open(t, { accepts })
  const notify = (text: string) => `systemd-notify --status=${text}`
  sender(t, `${notify('stranger')}; sleep 1000`, receiver.path)
  await until('the stranger', () => receiver.counts.foreign > 0)
  const script = `${notify('child')}; (sh -c '${notify('grandchild')}; :'); sleep 1000`
  const env = [`PATH=${process.env['PATH']}`, `NOTIFY_SOCKET=${receiver.path}`]
  const gate = createPipe()
  const files = [{ from: gate.reader, to: 0 }]
  const daemon = start(t, `read -r gate; ${script}`, { env, session: 'new-session', files })
  main = daemon.pid
  for (const fd of [gate.reader, gate.writer]) closeFd(fd)
  await until('two messages', () => fields.length === 2)
  assert.deepEqual(fields, [{ status: 'child' }, { status: 'grandchild' }])
})

test('hostile datagrams are counted and cost nothing', (t) => {
  const { receiver, fields } = open(t)
  const socket = openDatagram()
  const { reader, writer } = createPipe()
  const send = (text: string | Uint8Array, fds: readonly (typeof reader)[] = []) => {
    const payload = typeof text === 'string' ? new TextEncoder().encode(text) : text
    assert.equal(sendDatagram(socket, receiver.path, payload, { fds }), 'sent')
    receiver.drain()
  }
  send('')
  send('x'.repeat(60_000))
  send(new Uint8Array([0, 0xff, 10, 61]))
  send('BARRIER=1\nREADY=1', [writer])
  assert.deepEqual([fields.length, receiver.counts.malformed], [0, 4])
  const before = readdirSync('/proc/self/fd').length
  for (let count = 0; count < 100; count += 1) send('FDSTORE=1', [writer, writer, reader])
  assert.equal(readdirSync('/proc/self/fd').length, before)
  send('READY=1\nMAINPID=x\nno line')
  assert.deepEqual(fields.at(-1), { ready: true })
  assert.deepEqual(receiver.counts, { accepted: 101, foreign: 0, malformed: 4, wrongLines: 2 })
  for (const fd of [socket, reader, writer]) closeFd(fd)
})

test('a callback that closes the receiver gets no further message', (t) => {
  const seen: string[] = []
  const { receiver } = open(t, {
    onMessage: ({ message, fds }) => {
      seen.push(message.fields.status ?? '')
      assert.ok(fds.every(isOpen))
      receiver.close()
    },
  })
  const socket = openDatagram()
  const text = (word: string) => new TextEncoder().encode(`STATUS=${word}`)
  sendDatagram(socket, receiver.path, text('one'))
  sendDatagram(socket, receiver.path, text('two'))
  receiver.drain()
  assert.deepEqual(seen, ['one'])
  assert.equal(existsSync(dirname(receiver.path)), false)
  closeFd(socket)
})

test('the place is private, and nothing of it stays', (t) => {
  const { receiver } = open(t)
  const folder = dirname(receiver.path)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.equal(statSync(receiver.path).mode & 0o777, 0o600)
  receiver.close()
  receiver.close()
  assert.equal(existsSync(folder), false)
})

test('a daemon of another user reaches its socket, and only that', async (t) => {
  if (skipUnless(t, isRoot, 'only root starts daemons of other users')) return
  const { receiver, fields, received } = open(t, { owner: nobody })
  const folder = dirname(receiver.path)
  assert.deepEqual([statSync(folder).uid, statSync(folder).mode & 0o777], [0, 0o711])
  const asOther = (uid: number, script: string) =>
    `exec setpriv --reuid=${uid} --regid=${uid} --clear-groups sh -c '${script}'`
  const python = `import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"READY=1", "${receiver.path}")`
  const send = `/usr/bin/python3 -c "$SCRIPT" 2>/dev/null`
  const run = async (uid: number, script: string) => {
    const env = [`PATH=${process.env['PATH']}`, `SCRIPT=${python}`]
    return await ended(start(t, asOther(uid, script), { env }))
  }
  assert.deepEqual(await run(nobody.uid, send), okay)
  await until('the message', () => fields.length === 1)
  assert.equal(received[0]?.sender.uid, nobody.uid)
  assert.notDeepEqual(await run(1, send), okay)
  assert.notDeepEqual(await run(nobody.uid, `rm -f ${receiver.path} 2>/dev/null`), okay)
  receiver.close()
  assert.equal(existsSync(folder), false)
})

test('a runtime directory that cannot be used is passed over', (t) => {
  const long = mkdtempSync(join('/tmp', 'x'.repeat(90)))
  t.after(() => rmSync(long, { recursive: true }))
  for (const directory of [long, '/does/not/exist', 'relative', undefined]) {
    const { receiver } = open(t, { environment: { XDG_RUNTIME_DIR: directory } })
    assert.match(receiver.path, /^\/(?:run|tmp)\/eudaemon-notify-\w{6}\/notify$/)
    receiver.close()
  }
})

// runs-as: nobody
// Lines to a syslog daemon of the test's own: as datagrams and as records of a stream, through its
// restarts, and judged by logger(1) as reference.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fd } from '../../../src/base/brands.ts'
import { MAX_SYSLOG_TEXT_BYTES } from '../../../src/base/limits.ts'
import { openSyslog, parseFacility, type SyslogOptions } from '../../../src/daemonize/syslog.ts'
import { bindDatagram, receiveDatagram } from '../../../src/kernel/datagram-socket.ts'
import { closeFd } from '../../../src/kernel/fd.ts'
import { temporaryFolder, until } from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const mode = 0o666
const options: SyslogOptions = { facility: 'daemon', tag: 'prober', pid: 42 }

/** Everything that waits in the socket. */
function drain(fd: Fd): string[] {
  const lines: string[] = []
  for (;;) {
    const message = receiveDatagram(fd)
    if (message === 'empty') return lines
    if (message.pidfd !== null) closeFd(message.pidfd)
    lines.push(new TextDecoder().decode(message.payload))
  }
}

const withoutTime = (line: string): string =>
  line.replace(/^(<\d+>)[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /, '$1')

test('priority, time, tag and pid, each line for itself', (t) => {
  const server = bindDatagram(join(temporaryFolder(t), 'log'), { mode })
  const log = openSyslog({ ...options, path: server.path })
  assert.equal(log.write('err', 'first\nsecond \u001b[2J\u0007 é\n\n'), true)
  log.write('debug', 'third')
  const lines = drain(server.fd)
  assert.deepEqual(lines.map(withoutTime), [
    '<27>prober[42]: first',
    '<27>prober[42]: second  [2J  é',
    '<31>prober[42]: third',
  ])
  const other = openSyslog({ facility: 'local7', tag: 'a b:[c', pid: null, path: server.path })
  other.write('emerg', 'x')
  assert.deepEqual(drain(server.fd).map(withoutTime), ['<184>a_b__c: x'])
  for (const open of [log, other]) open.close()
  server.close()
})

test('the same line as logger(1) writes', (t) => {
  if (skipUnless(t, existsSync('/usr/bin/logger'), 'there is no logger(1)')) return
  const server = bindDatagram(join(temporaryFolder(t), 'log'), { mode })
  const args = ['-u', server.path, '-p', 'daemon.warning', '-t', 'prober', '--id=42', 'a text']
  execFileSync('logger', args)
  const log = openSyslog({ ...options, path: server.path })
  log.write('warning', 'a text')
  const [theirs = '', ours] = drain(server.fd).map(withoutTime)
  assert.equal(ours, theirs.replace(/\n$/, ''))
  log.close()
  server.close()
})

test('a long line is cut between two characters', (t) => {
  const server = bindDatagram(join(temporaryFolder(t), 'log'), { mode })
  const log = openSyslog({ ...options, path: server.path })
  log.write('info', `x${'é'.repeat(MAX_SYSLOG_TEXT_BYTES)}`)
  const [line = ''] = drain(server.fd).map(withoutTime)
  const text = line.slice(line.indexOf(': ') + 2)
  assert.match(text, /^xé+$/)
  assert.ok(Buffer.byteLength(text) <= MAX_SYSLOG_TEXT_BYTES)
  assert.ok(Buffer.byteLength(text) > MAX_SYSLOG_TEXT_BYTES - 2)
  log.close()
  server.close()
})

test('a daemon that is restarted is found again, one that is gone costs lines', (t) => {
  const path = join(temporaryFolder(t), 'log')
  const first = bindDatagram(path, { mode })
  const log = openSyslog({ ...options, path })
  first.close()
  assert.equal(log.write('info', 'lost\nlost too'), false)
  assert.equal(log.droppedLines, 2)
  const second = bindDatagram(path, { mode })
  assert.equal(log.write('info', 'found'), true)
  assert.equal(drain(second.fd).length, 1)
  assert.equal(log.droppedLines, 2)
  let sent = 0
  while (sent < 100_000 && log.write('info', 'x')) sent += 1
  assert.ok(sent < 100_000, 'a daemon that does not read costs lines, it holds nobody up')
  log.close()
  second.close()
})

test('a daemon that listens for streams gets records that end with NUL', async (t) => {
  const path = join(temporaryFolder(t), 'log')
  let received = ''
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      received += chunk.toString('utf8')
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const log = openSyslog({ ...options, path })
  assert.equal(log.write('info', 'one\ntwo'), true)
  await until('both records', () => received.split('\0').length === 3)
  const records = received.split('\0').map(withoutTime)
  assert.deepEqual(records, ['<30>prober[42]: one', '<30>prober[42]: two', ''])
  log.close()
  await new Promise((resolve) => server.close(resolve))
})

test('no daemon is a clear refusal', (t) => {
  const path = join(temporaryFolder(t), 'log')
  const open = () => openSyslog({ ...options, path })
  const missing = { code: 'ERR_NO_SYSLOG', message: `cannot write to syslog: there is no ${path}` }
  assert.throws(open, missing)
  closeFd(bindDatagram(path, { mode }).fd)
  assert.throws(open, { code: 'ERR_NO_SYSLOG', message: /nobody answers at .* \(ECONNREFUSED\)/ })
})

test('facilities by name', () => {
  assert.equal(parseFacility('daemon'), 'daemon')
  assert.equal(parseFacility('constructor'), undefined)
})

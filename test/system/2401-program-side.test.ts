// runs-as: nobody
// The program side, eudaemon/service, under real supervisors: s6, runit, daemontools, supervisord,
// systemd-socket-activate, Node itself, `eudaemon run` in every dialect, and our own supervisor.

import assert from 'node:assert/strict'
import { fork, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { run as runCommand } from '../support/command.ts'
import { openHome } from '../support/home.ts'
import { freePort } from '../support/ports.ts'
import { program } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'
import { type ServiceProgram, serviceProgram } from '../support/service-program.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

const hasTool = (name: string): boolean =>
  ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, name)))

/** By the program and its children, in order. */
function whatWasSpoken({ results }: ServiceProgram): readonly string[] {
  const said = results().filter(([action]) => action.startsWith('ready'))
  return said.map(([, result]) => (result as { readonly spoke: string }).spoke)
}

/** A service directory of the daemontools family. */
function serviceDirectory(of: ServiceProgram, run: string): string {
  const path = join(of.folder, 'service')
  mkdirSync(path)
  writeFileSync(join(path, 'run'), `#!/bin/sh\n${run}\n`, { mode: 0o755 })
  return path
}

for (const [index, exec] of ['exec env ', ''].entries()) {
  const how = exec === '' ? 'without exec in run' : 'with exec'
  test(`241${index} s6: notification-fd and s6-svwait -U, ${how}`, async (t) => {
    if (skipUnless(t, hasTool('s6-supervise'), 'there is no s6')) return
    const service = serviceProgram(t)
    const line = `${exec}${service.line('starter', 'child=ready', 'ready', 'ready', 'hold')}`
    const path = serviceDirectory(service, `${line}\n:`)
    writeFileSync(join(path, 'notification-fd'), '5\n')
    const { pid } = service.startPeer(['s6-supervise', path])
    const starter = await service.result('starter')
    const waiter = spawn('s6-svwait', ['-U', '-t', '30000', path], { stdio: 'ignore' })
    const waited = new Promise((resolve) => waiter.on('exit', resolve))
    assert.equal(starter['by'], 's6', String(starter['evidence']))
    assert.match(String(starter['evidence']), new RegExp(`s6-supervise \\(${pid}\\)`))
    await service.result('hold')
    // A child has nobody to tell; twice is once.
    assert.deepEqual(whatWasSpoken(service), ['nothing', 'fd', 'fd'])
    assert.equal(await waited, 0, 's6-svwait -U')
  })
}

test('2412 who started us: runsv, supervise, supervisord', async (t) => {
  const peers: Readonly<Record<string, readonly [string, (of: ServiceProgram) => string[]]>> = {
    runit: ['runsv', (of) => ['runsv', serviceDirectory(of, `exec env ${line(of)}`)]],
    daemontools: ['supervise', (of) => ['supervise', serviceDirectory(of, `${line(of)}\n:`)]],
    supervisord: ['supervisord', (of) => ['supervisord', '-n', '-c', supervisordFile(of)]],
  }
  const line = (of: ServiceProgram): string => of.line('starter', 'ready', 'hold')
  for (const [name, [tool, command]] of Object.entries(peers)) {
    await t.test(name, async (own) => {
      if (skipUnless(own, hasTool(tool), `there is no ${tool}`)) return
      const service = serviceProgram(own)
      const { pid } = service.startPeer(command(service), { cwd: service.folder })
      const starter = await service.result('starter')
      assert.equal(starter['by'], name, String(starter['evidence']))
      assert.match(String(starter['evidence']), new RegExp(`\\(${pid}\\)`))
      assert.equal((await service.result('ready'))['spoke'], 'nothing')
    })
  }
})

function supervisordFile(of: ServiceProgram): string {
  const path = join(of.folder, 'supervisord.conf')
  const text = [
    `[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0`,
    `pidfile=${of.folder}/pid\n[program:web]`,
    `command=${of.argv('starter', 'ready', 'hold').join(' ')}`,
    `environment=PROGRAM_REPORT="${of.report}"\n`,
  ]
  writeFileSync(path, text.join('\n'))
  return path
}

test('2413 a terminal, a pipe, a cron job: nothing is said, and nothing is loaded', async (t) => {
  const service = serviceProgram(t)
  const actions = ['ready', 'status=x', 'stopping', 'watchdog', 'barrier', 'listeners', 'koffi']
  const [node = '', ...args] = service.argv(...actions, 'store=a')
  const env = { PATH: process.env['PATH'], PROGRAM_REPORT: service.report }
  const child = spawn(node, args, { env, stdio: 'ignore' })
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0)
  assert.deepEqual(whatWasSpoken(service), ['nothing'])
  const [, ...rest] = service.results()
  const nothing = [false, false, 'function', false, [], false, false]
  assert.deepEqual(
    rest.map(([, result]) => result),
    nothing,
  )
})

test("2414 Node's own channel, as PM2's wait_ready", async (t) => {
  const service = serviceProgram(t)
  const env = { PATH: process.env['PATH'], PROGRAM_REPORT: service.report }
  const child = fork(program('service-program.ts'), ['ready', 'starter'], { env, stdio: 'pipe' })
  const messages: unknown[] = []
  child.on('message', (message) => messages.push(message))
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.deepEqual([code, messages], [0, ['ready']])
  assert.equal((await service.result('ready'))['spoke'], 'ipc')
  assert.equal((await service.result('starter'))['by'], 'node')
})

test('2415 a terminal in a session of systemd is a terminal', async (t) => {
  if (skipUnless(t, hasTool('script'), 'there is no script(1)')) return
  for (const shell of ['', '; :']) {
    const service = serviceProgram(t)
    const env = {
      INVOCATION_ID: 'x',
      NOTIFY_SOCKET: '/none',
      SYSTEMD_EXEC_PID: String(process.pid),
    }
    const command = `${shell === '' ? 'exec env ' : ''}${service.line('starter', 'ready')}${shell}`
    const { gone } = service.startPeer(['script', '-qec', command, '/dev/null'], { env })
    assert.equal(await gone, 0)
    const starter = await service.result('starter')
    assert.equal(starter['by'], 'terminal', String(starter['evidence']))
    assert.deepEqual(whatWasSpoken(service), ['nothing'])
  }
})

/** All that a peer says on one TCP connection; nothing when there is no peer. */
function listen(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', () => resolve(''))
    socket.on('close', () => resolve(text))
  })
}

const greeting = (port: number): Promise<string> => until('an answer', () => listen(port))

const activate = 'systemd-socket-activate'

test('2420 listeners by name, under systemd-socket-activate', async (t) => {
  if (skipUnless(t, hasTool(activate), `there is no ${activate}`)) return
  const service = serviceProgram(t)
  const [web, api] = [await freePort(), await freePort()]
  const path = join(service.folder, 'unix')
  const sockets = [`127.0.0.1:${web}`, `127.0.0.1:${api}`, path].flatMap((at) => ['-l', at])
  const actions = ['serve', 'listeners=api', 'listeners', 'left', 'child=listeners', 'hold']
  const words = ['--fdname=web:api:local', '-E', `PROGRAM_REPORT=${service.report}`]
  service.startPeer([activate, ...sockets, ...words, ...service.argv(...actions)])
  assert.equal(await greeting(api), 'hello api\n')
  assert.equal(await greeting(web), 'hello web\n')
  await service.result('hold')
  assert.deepEqual(await service.result('serve'), [
    { name: 'web', fd: 3, kind: 'listening', family: 'ipv4' },
    { name: 'api', fd: 4, kind: 'listening', family: 'ipv4' },
    { name: 'local', fd: 5, kind: 'listening', family: 'unix' },
  ])
  assert.deepEqual(await service.result('listeners=api'), ['api'])
  const lists = service.results().filter(([action]) => action === 'listeners')
  assert.deepEqual(
    lists.map(([, names]) => names),
    [['web', 'api', 'local'], []],
    'ours, and nothing in the child',
  )
  assert.deepEqual(await service.result('left'), [])
})

test('2421 a datagram socket, and one connection each, under the same', async (t) => {
  if (skipUnless(t, hasTool(activate), `there is no ${activate}`)) return
  const datagrams = serviceProgram(t)
  const port = await freePort()
  const report = (of: ServiceProgram) => ['-E', `PROGRAM_REPORT=${of.report}`]
  const at = ['-l', `127.0.0.1:${port}`]
  datagrams.startPeer([
    activate,
    '-d',
    ...at,
    ...report(datagrams),
    ...datagrams.argv('serve', 'hold'),
  ])
  const udp = createSocket('udp4')
  t.after(() => udp.close())
  let answer = ''
  udp.on('message', (text) => {
    answer = text.toString()
  })
  udp.on('error', () => undefined)
  await until('an answer by UDP', () => {
    udp.send('hi', port, '127.0.0.1')
    return answer
  })
  assert.match(answer, /^hello /)

  for (const [mode, actions] of [
    ['--accept', ['serve']],
    ['--inetd', ['starter']],
  ] as const) {
    const service = serviceProgram(t)
    const own = await freePort()
    const flags = mode === '--inetd' ? ['--accept', '--inetd'] : [mode]
    const address = ['-l', `127.0.0.1:${own}`]
    service.startPeer([
      activate,
      ...flags,
      ...address,
      ...report(service),
      ...service.argv(...actions),
    ])
    if (mode === '--accept') {
      assert.match(await greeting(own), /^hello /)
      continue
    }
    await until('a connection', () => listen(own).then(() => service.results().length > 0))
    const starter = await service.result('starter')
    assert.equal(starter['by'], 'inetd')
    assert.equal(starter['evidence'], 'standard input is a connected ipv4 socket')
  }
})

const dialects = ['fd=7', 'stderr-closed', 'signal', 'stop', 'notify'] as const

for (const [index, dialect] of dialects.entries()) {
  test(`243${index} eudaemon run --ready ${dialect}`, async (t) => {
    const service = serviceProgram(t)
    // sd_notify is for children too: the receiver decides whom it believes.
    const child = dialect === 'notify' ? [] : ['child=ready']
    const options = { env: { PROGRAM_REPORT: service.report, EUDAEMON_TEST: service.folder } }
    const args = ['run', '--ready', dialect, '--ready-timeout', '30s', '--']
    const result = await runCommand(
      [...args, ...service.argv('starter', ...child, 'ready', 'left', 'hold')],
      options,
    )
    assert.equal(result.status, 0, result.stderr)
    await service.result('hold')
    const starter = await service.result('starter')
    if (dialect !== 'notify') assert.equal(starter['by'], 'eudaemon', String(starter['evidence']))
    const own = dialect.replace(/=.*/, '')
    assert.deepEqual(whatWasSpoken(service), dialect === 'notify' ? [own] : ['nothing', own])
    assert.deepEqual(await service.result('left'), [])
  })
}

test('2435 what a starting daemon says of itself cannot harm the terminal', async (t) => {
  const service = serviceProgram(t)
  const options = { env: { PROGRAM_REPORT: service.report, EUDAEMON_TEST: service.folder } }
  const actions = ['status=half\u001b[2J\u0007 done', 'ready', 'hold']
  const result = await runCommand(
    ['run', '--ready', 'notify', '--', ...service.argv(...actions)],
    options,
  )
  assert.equal(result.status, 0, result.stderr)
  assert.match(result.stderr, /half\^\[\[2J\^G done/)
  await service.result('hold')
})

for (const [index, shape] of ['vector', 'shell'].entries()) {
  test(`244${index} our own supervisor, the command as a ${shape}`, async (t) => {
    const home = openHome(t)
    const service = serviceProgram(t)
    const words = service.argv('starter', 'child=ready', 'ready', 'hold')
    const command = shape === 'vector' ? words : `${words.join(' ')}; exit $?`
    home.write(
      'eudaemon.toml',
      `[services.web]
       command = ${JSON.stringify(command)}
       ready = { notify-fd = 7, timeout = "30s" }
       env = { PROGRAM_REPORT = "${service.report}" }`,
    )
    const up = await home.run(['up', '-d'])
    assert.equal(up.status, 0, up.stderr)
    const starter = await service.result('starter')
    assert.equal(starter['by'], 'eudaemon', String(starter['evidence']))
    assert.deepEqual(whatWasSpoken(service), ['nothing', 'fd'])
    assert.equal((await home.row('web@1')).ready, true)
  })
}

test('2450 process 1 of a container, and below a shell that is', async (t) => {
  if (skipUnless(t, isRoot, 'only root makes PID namespaces')) return
  for (const [actions, wrap] of [
    ['starter', (line: string) => `exec env ${line}`],
    ['ready', (line: string) => `${line.replace(' ready', ' starter')}; :`],
  ] as const) {
    const service = serviceProgram(t)
    const words = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c']
    const { gone } = service.startPeer([...words, wrap(service.line(actions))])
    assert.equal(await gone, 0)
    const starter = await service.result('starter')
    assert.equal(starter['by'], 'container', String(starter['evidence']))
  }
})

// A supervisor that cannot be talked to: not running, of another version, a socket of somebody
// else, a full or read-only state directory. The command says which it is and what to do.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { openHome } from '../support/home.ts'
import { command } from '../support/programs.ts'
import { asNobody, isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'

const forever = `services.web.command = ${command('forever.sh')}`

test('1530 nobody runs: every command says so', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', forever)
  for (const args of [
    ['stop', 'web'],
    ['restart', 'web'],
    ['wait', 'web'],
    ['why', 'web'],
  ]) {
    const answer = await home.run(args)
    assert.ok(answer.status === 3 || answer.status === 111, `${args}: ${answer.status}`)
    assert.match(answer.stderr, /no supervisor|not running/)
    assert.match(answer.stderr, /eudaemon up/)
  }
  assert.deepEqual(home.processes(), [])
})

test('1531 a supervisor of another version', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', forever)
  mkdirSync(dirname(home.socket), { recursive: true, mode: 0o700 })
  const server = createHttpServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.setHeader('eudaemon-protocol', '99')
    if (request.url === '/v1/supervisor') {
      response.end(JSON.stringify({ pid: 1, version: '99.0.0', protocol: 99, projects: [] }))
    } else {
      response.statusCode = 400
      const error = { code: 'ERR_VERSION_MISMATCH', message: 'protocol 99 is spoken', hint: null }
      response.end(JSON.stringify({ error }))
    }
  })
  await new Promise<void>((resolve) => server.listen(home.socket, resolve))
  context.after(() => server.close())
  const up = await home.run(['up', '-d'])
  server.closeAllConnections()
  assert.equal(up.status, 111, up.stdout + up.stderr)
  assert.match(up.stderr, /version|protocol/)
  assert.match(up.stderr, /99/)
})

test('1532 something else listens on the socket', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', forever)
  mkdirSync(dirname(home.socket), { recursive: true, mode: 0o700 })
  const server = createServer((socket) => socket.end('SSH-2.0-whatever\r\n'))
  await new Promise<void>((resolve) => server.listen(home.socket, resolve))
  context.after(() => server.close())
  const status = await home.run(['status'])
  assert.equal(status.status, 111, status.stdout + status.stderr)
  assert.match(status.stderr, /no answer of a supervisor|control socket/)
})

test("1533 the socket is another user's", async (context) => {
  if (skipUnless(context, isRoot, 'needs root to become somebody else')) return
  const home = openHome(context)
  home.write('eudaemon.toml', forever)
  execFileSync('chmod', ['0755', dirname(home.path)])
  assert.equal((await home.run(['up', '-d'])).status, 0)
  execFileSync('chmod', ['0755', home.path, dirname(home.socket)])
  const probe = await home.run(['status', '--all'], { prefix: asNobody, env: { HOME: '/tmp' } })
  assert.equal(probe.status, 111, probe.stdout + probe.stderr)
  assert.match(probe.stderr, /control\.sock/)
  assert.match(probe.stderr, /user|permission|EACCES/i)
})

test('1534 the state directory is read-only, or full', async (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  for (const kind of ['read-only', 'full'] as const) {
    const home = openHome(context)
    home.write('eudaemon.toml', forever)
    const state = join(home.path, 'state')
    mkdirSync(state, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', state])
    home.atEnd(() => void execFileSync('umount', ['--lazy', state]))
    if (kind === 'read-only') execFileSync('mount', ['-o', 'remount,ro', state])
    else fill(join(state, 'ballast'))
    const up = await home.run(['up', '-d'])
    const said = up.stdout + up.stderr
    assert.ok(up.status === 111 || up.status === 1, `${kind}: ${up.status}\n${said}`)
    assert.match(said, new RegExp(state), kind)
    assert.match(said, kind === 'full' ? /full|space|ENOSPC/i : /read-only|EROFS/i, kind)
  }
})

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(200_000))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}

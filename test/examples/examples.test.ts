// runs-as: nobody
// Every example as its README tells it, in a copy of its folder and on ports of its own.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Home, openHome } from '../support/home.ts'
import { freePort, isListening } from '../support/ports.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

const examples = join(import.meta.dirname, '../../examples')

/** A copy of the example in which each port is another, free one. */
async function copyExample(
  context: TestContext,
  name: string,
  ports: readonly number[],
): Promise<{ readonly home: Home; readonly cwd: string; readonly free: readonly number[] }> {
  const home = openHome(context)
  const cwd = join(home.project, name)
  cpSync(join(examples, name), cwd, { recursive: true })
  const free: number[] = []
  for (const _ of ports) free.push(await freePort())
  for (const file of globSync('{*,.env}', { cwd }).map((entry) => join(cwd, entry))) {
    if (!/\.(?:toml|conf|env|js|md)$|Procfile$/.test(file)) continue
    let text = readFileSync(file, 'utf8')
    for (const [index, port] of ports.entries()) {
      text = text.replaceAll(String(port), String(free[index]))
    }
    writeFileSync(file, text)
  }
  return { home, cwd, free }
}

async function get(port: number, path = '/'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  assert.equal(response.status, 200)
  return await response.text()
}

async function allFree(home: Home, ports: readonly number[]): Promise<void> {
  for (const port of ports) assert.equal(await isListening(port), false, `port ${port}`)
  await until('an empty home', () => home.processes().length === 0)
}

test('hello: in the foreground, then Ctrl-C', async (context) => {
  const { home, cwd, free } = await copyExample(context, 'hello', [8087])
  const [port = 0] = free
  const up = home.start(['up'], { cwd })
  await up.prints(/migrate.*migrated to version 3/)
  await up.prints(/web.*listening on/)
  await up.prints(/worker.*heard: Hello, this is greeting/)
  const said = up.output()
  assert.ok(said.indexOf('migrated to version 3') < said.indexOf('listening on'))
  assert.ok(said.indexOf('listening on') < said.indexOf('heard: Hello'))
  assert.match(await get(port), /Hello/)
  up.signal('SIGINT')
  await up.ended
  await allFree(home, free)
})

test('hello: npm run demo starts this very file', () => {
  const manifest = readFileSync(join(dirname(examples), 'package.json'), 'utf8')
  const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> }
  assert.equal(scripts['demo'], 'node bin/eudaemon.js up -f examples/hello/eudaemon.toml')
})

test('hello: in the background, as its README says', async (context) => {
  const { home, cwd, free } = await copyExample(context, 'hello', [8087])
  const [port = 0] = free
  assert.equal((await home.run(['up', '-d'], { cwd })).status, 0)
  assert.match(await get(port), /Hello/)
  const web = await home.row('web@1')
  process.kill(web.pid ?? 0, 'SIGKILL')
  await until('web and worker to be back', async () => {
    const rows = await home.status()
    return rows.every(({ phase }) => phase === 'up') && (await home.row('web@1')).pid !== web.pid
  })
  const why = await home.run(['why', 'web'], { cwd })
  assert.match(why.stdout, /SIGKILL/)
  assert.equal((await home.run(['down'], { cwd })).status, 0)
  await allFree(home, free)
})

test('procfile: foreman rules for PORT, scale', async (context) => {
  const { home, cwd, free } = await copyExample(context, 'procfile', [8090])
  const [port = 0] = free
  assert.equal((await home.run(['up', '-d'], { cwd })).status, 0)
  await until('an answer', () => isListening(port))
  assert.equal(await get(port), 'Good day from the Procfile\n')
  assert.equal((await home.run(['scale', 'worker=3'], { cwd })).status, 0)
  assert.equal((await home.status()).length, 4)
  await until('the worker to hear it', async () => {
    const logs = await home.run(['logs', 'worker'], { cwd })
    return /heard: Good day/.test(logs.stdout)
  })
  assert.equal((await home.run(['down'], { cwd })).status, 0)
  await allFree(home, free)
})

test('stack: nginx, app and redis; ready means ready', async (context) => {
  const hasAll = ['nginx', 'redis-server'].every(
    (name) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${name}`]).status === 0,
  )
  if (skipUnless(context, hasAll, 'needs nginx and redis-server')) return
  const { home, cwd, free } = await copyExample(context, 'stack', [8091, 8092, 6391])
  const [nginx = 0] = free
  const up = await home.run(['up', '-d'], { cwd })
  // Not a moment later: ready was the promise.
  assert.equal(up.status, 0, up.stdout + up.stderr)
  assert.equal(await get(nginx), 'visit 1\n')
  assert.equal(await get(nginx), 'visit 2\n')
  assert.match(await get(nginx, '/health'), /PONG/)
  const before = await home.row('nginx@1')
  assert.equal((await home.run(['reload', 'nginx'], { cwd })).status, 0)
  await until('nginx to have read it again', async () => {
    const logs = await home.run(['logs', 'nginx'], { cwd })
    return /reconfiguring/.test(logs.stdout)
  })
  assert.equal((await home.row('nginx@1')).pid, before.pid)
  assert.equal(await get(nginx), 'visit 3\n')
  const logs = await home.run(['logs', 'nginx'], { cwd })
  assert.match(logs.stdout, /GET \/ HTTP/)
  const down = await home.run(['down'], { cwd })
  assert.equal(down.status, 0, down.stderr)
  await allFree(home, free)
  assert.equal((await home.run(['up', '-d'], { cwd })).status, 0)
  assert.equal(await get(nginx), 'visit 4\n', 'redis has forgotten')
  assert.equal((await home.run(['down'], { cwd })).status, 0)
  await allFree(home, free)
})

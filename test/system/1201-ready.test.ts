// runs-as: nobody
// Readiness and liveness of every kind: ready when it says so, failed when it does not in time,
// restarted when it hangs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Home, openHome } from '../support/home.ts'
import { freePort } from '../support/ports.ts'
import { command } from '../support/programs.ts'
import { until } from '../support/until.ts'

/** Between the start of the process and `up`, as the events tell it. */
async function readyAfterMs(home: Home, instance: string): Promise<number> {
  const events = (await home.events()).filter((row) => row.instance === instance)
  const at = (phase: string) => events.find((row) => row.to === phase)?.time ?? ''
  return Date.parse(at('up')) - Date.parse(at('starting'))
}

const waysThatTake300ms: Readonly<Record<string, (port: number) => string>> = {
  delay: () => `command = ${command('forever.sh')}\nready = { delay = "300ms" }`,
  http: (port) =>
    `command = ${command('http-server.js', port, 300)}
     ready = { http = "http://127.0.0.1:${port}/health", interval = "20ms" }`,
  tcp: (port) =>
    `command = ${command('http-server.js', port, 300)}
     ready = { tcp = ${port}, interval = "20ms" }`,
  exec: () =>
    `command = "rm -f now; sleep 0.3; touch now; exec sleep 1000"
     ready = { exec = "test -e now", interval = "20ms" }`,
  log: () => `command = ${command('slow-ready.sh', 0.3)}\nready = { log = "^now r.ady$" }`,
  'log-stderr': () =>
    `command = "echo yes; sleep 0.3; echo yes >&2; exec sleep 1000"
     ready = { log = "yes", stream = "stderr" }`,
  'notify-fd': () => `command = ${command('notify-ready.sh', 3, 0.3)}\nready = { notify-fd = 3 }`,
}

for (const [index, [way, settings]] of Object.entries(waysThatTake300ms).entries()) {
  test(`12${String(index + 1).padStart(2, '0')} ready by ${way}`, async (context) => {
    const home = openHome(context)
    home.write('eudaemon.toml', `[services.web]\n${settings(await freePort())}`)
    const up = await home.run(['up', '-d'])
    assert.equal(up.status, 0, up.stderr)
    const afterMs = await readyAfterMs(home, 'web@1')
    assert.ok(afterMs >= 280, `ready after ${afterMs} ms: before it said so`)
  })
}

test('1210 not ready in time is a failed start that says what was missing', async (context) => {
  const port = await freePort()
  const ways: Readonly<Record<string, string>> = {
    http: `http = "http://127.0.0.1:${port}/"`,
    tcp: `tcp = ${port}`,
    exec: 'exec = "echo not yet; exit 5"',
    log: 'log = "never said"',
    notify: 'notify-fd = 3',
  }
  const home = openHome(context)
  const services = Object.entries(ways).map(
    ([name, way]) =>
      `[services.${name}]\ncommand = ${command('forever.sh')}\nrestart = "never"
       ready = { ${way}, timeout = "500ms" }`,
  )
  home.write('eudaemon.toml', services.join('\n'))
  const up = await home.run(['up', '-d'])
  assert.equal(up.status, 1, up.stdout + up.stderr)
  assert.match(up.stderr, /500 ?ms/)
  const rows = await until('five failed starts', async () => {
    const found = await home.status()
    return found.every(({ phase }) => phase === 'failed' || phase === 'down') && found
  })
  assert.deepEqual(
    rows.map(({ pid }) => pid),
    [null, null, null, null, null],
  )
  for (const row of rows) assert.match(row.reason ?? '', /ready/, JSON.stringify(row))
})

test('1211 a service that hangs is found by its liveness probe and restarted', async (context) => {
  const port = await freePort()
  const home = openHome(context)
  const url = `http://127.0.0.1:${port}`
  home.write(
    'eudaemon.toml',
    `[services.web]
     command = ${command('http-server.js', port)}
     ready = { http = "${url}/health", interval = "20ms" }
     live = { http = "${url}/health", interval = "50ms", attempt-timeout = "200ms", failures = 2 }
     stop = { timeout = "1s" }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const { pid } = await home.row('web@1')
  await fetch(`${url}/set/500`)
  const sick = await until('a restart', async () => {
    const row = await home.row('web@1')
    return row.restarts === 1 && row.ready && row
  })
  assert.notEqual(sick.pid, pid)
  void fetch(`${url}/hang`).catch(() => undefined)
  await until('a second restart', async () => {
    const row = await home.row('web@1')
    return row.restarts === 2 && row.ready && row.pid !== sick.pid
  })
  const reasons = (await home.events()).map(({ reason }) => reason ?? '').join('\n')
  assert.match(reasons, /live|probe/)
  const why = await home.run(['why', 'web'])
  assert.equal(why.status, 0, why.stderr)
})

test('1212 restarts: the first at once, then growing pauses, then given up', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.sick]
     command = ${command('exit-with.sh', 3, 0.05)}
     restart = { backoff = "200ms..1s", burst = "3/30s" }`,
  )
  await home.run(['up', '-d'])
  const row = await until('giving up', async () => {
    const found = await home.row('sick@1')
    return found.phase === 'failed' && found
  })
  assert.deepEqual(row.exit, { code: 3 })
  assert.match(row.reason ?? '', /3/)
  const starts = (await home.events())
    .filter(({ instance, to }) => instance === 'sick@1' && to === 'starting')
    .map(({ time }) => Date.parse(time))
  assert.equal(starts.length, 4, 'one start and three restarts')
  const gaps = starts.slice(1).map((time, index) => time - (starts[index] ?? 0))
  const [first = 0, second = 0, third = 0] = gaps
  assert.ok(first < 190, `the first restart took ${first} ms`)
  assert.ok(second >= 150 && third > second, `pauses ${gaps}`)
  assert.equal((await home.run(['status'])).status, 3)
  const why = await home.run(['why', 'sick'])
  assert.match(why.stdout, /exit 3/)
  assert.match(why.stdout, /ending with 3/, 'the last lines of its log are missing')
})

test('1213 on-failure, never, success codes', async (context) => {
  const home = openHome(context)
  const service = (name: string, status: number, restart: string) =>
    `[services.${name}]\ncommand = ${command('exit-with.sh', status, 0.05)}\nrestart = ${restart}`
  home.write(
    'eudaemon.toml',
    [
      service('fine', 0, '"on-failure"'),
      service('special', 42, '{ policy = "on-failure", success-codes = [42] }'),
      service('never', 1, '"never"'),
    ].join('\n'),
  )
  await home.run(['up', '-d'])
  const rows = await until('three ends', async () => {
    const found = await home.status()
    return found.every(({ exit, pid }) => exit !== null && pid === null) && found
  })
  assert.deepEqual(rows.map(({ service: name, restarts, exit }) => [name, restarts, exit]).sort(), [
    ['fine', 0, { code: 0 }],
    ['never', 0, { code: 1 }],
    ['special', 0, { code: 42 }],
  ])
})

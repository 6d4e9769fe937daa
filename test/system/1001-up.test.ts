// runs-as: nobody
// Starting: `up -d` returns when everything is ready and not before, in the order of the
// dependencies; it fails at once, with the reason, when something cannot become ready.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { StatusRow } from '../../src/protocol/response.ts'
import { openHome } from '../support/home.ts'
import { command } from '../support/programs.ts'
import { until } from '../support/until.ts'

/** Of a row of `status --json`, in the order that the design promises. */
const documentedKeys = [
  ...['project', 'service', 'instance', 'desired', 'phase', 'ready', 'pid', 'since', 'restarts'],
  ...['exit', 'reason', 'drift'],
]

test('1001 up -d returns when all are ready, not before', async (context) => {
  const home = openHome(context)
  const stamp = `${home.project}/ready-at`
  home.write(
    'eudaemon.toml',
    `[services.slow]
     command = ${command('slow-ready.sh', 1, stamp)}
     ready = { log = "now ready", stream = "stderr" }
     [services.plain]
     command = ${command('forever.sh')}`,
  )
  const up = await home.run(['up', '-d'])
  const returnedAt = Date.now()
  assert.equal(up.status, 0, up.stderr)
  assert.ok(existsSync(stamp), 'it returned before the service was ready')
  const readyAt = Number(readFileSync(stamp, 'utf8')) / 1e6
  assert.ok(readyAt <= returnedAt, `ready at ${readyAt}, returned at ${returnedAt}`)
  for (const row of await home.status()) {
    assert.equal(row.phase, 'up', JSON.stringify(row))
    assert.equal(row.ready, true)
    assert.deepEqual(Object.keys(row), documentedKeys)
  }
  const down = await home.run(['down'])
  assert.equal(down.status, 0, down.stderr)
  await until('an empty home', () => home.processes().length === 0)
})

test('1002 what is required starts first and is ready before the next starts', async (context) => {
  const home = openHome(context)
  const done = `${home.project}/migrated`
  home.write(
    'eudaemon.toml',
    `[services.worker]
     command = ${command('forever.sh')}
     requires = ["web"]
     [services.web]
     command = ${command('slow-ready.sh', 0.3)}
     requires = ["migrate"]
     ready = { log = "now ready" }
     [services.migrate]
     kind = "oneshot"
     command = "sleep 0.3; touch ${done}"`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.ok(existsSync(done))
  const events = await home.events()
  const at = (instance: string, phase: string): number => {
    const index = events.findIndex((row) => row.instance === instance && row.to === phase)
    assert.ok(index >= 0, `${instance} never was ${phase}: ${JSON.stringify(events)}`)
    return index
  }
  assert.ok(at('migrate@1', 'up') < at('web@1', 'starting'))
  assert.ok(at('web@1', 'up') < at('worker@1', 'starting'))
  const migrate = await home.row('migrate@1')
  assert.equal(migrate.pid, null)
  assert.deepEqual(migrate.exit, { code: 0 })
})

test('1003 status --json keeps to its contract', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `services.web.command = ${command('forever.sh')}\nservices.web.instances = 2`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const answer = await home.run(['status', '--json'])
  assert.equal(answer.status, 0, answer.stderr)
  const rows = JSON.parse(answer.stdout) as StatusRow[]
  assert.deepEqual(
    rows.map(({ project, service, instance }) => [project, service, instance]),
    [
      ['shop', 'web', 'web@1'],
      ['shop', 'web', 'web@2'],
    ],
  )
  for (const row of rows) {
    const { desired, phase, ready, pid, since, restarts, exit, reason, drift } = row
    assert.deepEqual([desired, phase, ready, restarts, drift], ['up', 'up', true, 0, false])
    assert.deepEqual([exit, reason], [null, null])
    assert.ok(Number.isInteger(pid))
    assert.equal(new Date(since).toISOString(), since)
    const seen = home.processes().find((candidate) => candidate.pid === pid)
    assert.equal(seen?.env.get('EUDAEMON_PROJECT'), 'shop')
    assert.equal(seen?.env.get('EUDAEMON_SERVICE'), 'web')
    assert.match(seen?.env.get('EUDAEMON_INVOCATION_ID') ?? '', /^[0-9a-f-]{32,36}$/)
  }
  const table = await home.run(['status'])
  assert.match(table.stdout, /web@1/)
  assert.match(table.stdout, /web@2/)
})

test('1004 exit statuses: not running, no such service, wrong usage', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.web.command = ${command('forever.sh')}`)
  assert.equal((await home.run(['status'])).status, 3)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.equal((await home.run(['status', 'web'])).status, 0)
  assert.equal((await home.run(['stop', 'web'])).status, 0)
  assert.equal((await home.run(['status', 'web'])).status, 3)
  const missing = await home.run(['status', 'wep'])
  assert.equal(missing.status, 4)
  assert.match(missing.stderr, /wep/)
  assert.match(missing.stderr, /web/)
  const usage = await home.run(['status', '--jason'])
  assert.equal(usage.status, 100)
  assert.match(usage.stderr, /--jason/)
  assert.equal((await home.run(['frobnicate'])).status, 100)
})

test('1005 a failed start ends up -d at once, with the reason', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.migrate]
     kind = "oneshot"
     command = "echo no such table; exit 3"
     [services.web]
     command = ${command('forever.sh')}
     requires = ["migrate"]
     [services.other]
     command = ${command('slow-ready.sh', 1000)}
     ready = { log = "now ready", timeout = "100s" }`,
  )
  const up = await home.run(['up', '-d'])
  assert.equal(up.status, 1)
  assert.match(up.stderr, /migrate/)
  assert.match(up.stderr, /exit 3/)
  assert.match(up.stderr, /eudaemon logs migrate/)
  assert.ok(up.tookMs < 30_000, `it took ${up.tookMs} ms`)
})

test('1006 up twice changes nothing', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.web.command = ${command('forever.sh')}`)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.row('web@1')
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const after = await home.row('web@1')
  assert.deepEqual(after, before)
})

test('1007 only what is asked for, and what it needs', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.db]\ncommand = ${command('forever.sh')}
     [services.web]\ncommand = ${command('forever.sh')}\nrequires = ["db"]
     [services.tool]\ncommand = ${command('forever.sh')}\nstart = "manual"
     [services.other]\ncommand = ${command('forever.sh')}`,
  )
  assert.equal((await home.run(['up', '-d', 'web'])).status, 0)
  const phases = async () =>
    Object.fromEntries((await home.status()).map(({ service, phase }) => [service, phase]))
  assert.deepEqual(await phases(), { db: 'up', web: 'up', tool: 'down', other: 'down' })
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.deepEqual(await phases(), { db: 'up', web: 'up', tool: 'down', other: 'up' })
  assert.equal((await home.run(['start', 'tool'])).status, 0)
  assert.equal((await phases())['tool'], 'up')
})

test('1008 wait: ready, down, time-out and what can never be', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.slow]
     command = ${command('slow-ready.sh', 1)}
     ready = { log = "now ready" }
     [services.bad]
     kind = "oneshot"
     start = "manual"
     command = "exit 9"`,
  )
  const up = home.start(['up', '-d'])
  const ready = await home.run(['wait', '--for', 'ready', 'slow'])
  // The question may come before the supervisor or the project: then there is nothing to wait for.
  assert.ok([0, 3, 4, 111].includes(ready.status), ready.stderr)
  assert.equal((await up.ended).status, 0)
  assert.equal((await home.run(['wait', '--for', 'ready', 'slow'])).status, 0)
  const late = await home.run(['wait', '--for', 'down', '--timeout', '300ms', 'slow'])
  assert.equal(late.status, 2)
  assert.match(late.stderr, /slow/)
  const waiting = home.start(['wait', '--for', 'down', 'slow'])
  assert.equal((await home.run(['stop', 'slow'])).status, 0)
  assert.equal((await waiting.ended).status, 0)
  assert.equal((await home.run(['start', 'bad'])).status, 1)
  const never = await home.run(['wait', '--for', 'ready', 'bad'])
  assert.equal(never.status, 1)
  assert.match(never.stderr, /bad/)
})

// runs-as: nobody
// `eudaemon up` in the foreground, on a terminal and without one: logs of all, Ctrl-C stops in
// order and leaves nothing behind, twice kills.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openHome } from '../support/home.ts'
import { command, program } from '../support/programs.ts'
import { until } from '../support/until.ts'

const onTerminal = { prefix: ['python3', program('on-terminal.py')], env: { TERM: 'xterm' } }
const CTRL_C = '\x03'

test('1611 on a terminal: merged logs, one Ctrl-C stops in order', async (context) => {
  const home = openHome(context)
  const times = `${home.project}/times`
  home.write(
    'eudaemon.toml',
    `[services.db]
     command = ${command('stamp.sh', times, 'db')}
     ready = { log = "ready" }
     [services.web]
     command = ${command('stamp.sh', times, 'web', 0.3)}
     ready = { log = "ready" }
     requires = ["db"]`,
  )
  const up = home.start(['up'], onTerminal)
  await up.prints(/db.*ready/)
  await up.prints(/web.*ready/)
  up.types(CTRL_C)
  const { status } = await up.ended
  assert.ok(status === 0 || status === 130, `exit status ${status}\n${up.output()}`)
  const order = readFileSync(times, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').slice(0, 2).join(' '))
  assert.deepEqual(order, ['db start', 'web start', 'web stop', 'db stop'])
  await until('an empty home', () => home.processes().length === 0)
})

test('1612 a second Ctrl-C kills what does not want to end', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.deaf]
     command = ${command('ignore-term.sh')}
     ready = { log = "deaf" }
     stop = { timeout = "100s" }
     [services.needy]
     command = ${command('ignore-term.sh')}
     requires = ["deaf"]
     stop = { timeout = "100s" }`,
  )
  const up = home.start(['up'], onTerminal)
  await up.prints(/deaf/)
  await until('needy to be up', async () => (await home.row('needy@1')).phase === 'up')
  const rows = await home.status()
  up.types(CTRL_C)
  await until('the stop to begin', async () => (await home.row('needy@1')).phase === 'stopping')
  assert.equal((await home.row('deaf@1')).phase, 'up', 'it waits for needy')
  up.types(CTRL_C)
  const { tookMs } = await up.ended
  assert.ok(tookMs < 60_000)
  for (const { instance, pid } of rows) {
    assert.match(up.output(), new RegExp(`${instance}: killed: .*sh \\(${pid}\\)`))
  }
  await until('an empty home', () => home.processes().length === 0)
})

test('1613 without a terminal: SIGINT and SIGTERM stop everything', async (context) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const home = openHome(context)
    home.write('eudaemon.toml', `services.web.command = ${command('forever.sh')}`)
    const up = home.start(['up'])
    await up.prints(/web.*running/)
    up.signal(signal)
    await up.ended
    await until('an empty home', () => home.processes().length === 0)
  }
})

test('1614 the command is killed: services stay, and another one finds them', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.web.command = ${command('forever.sh')}`)
  const up = home.start(['up'])
  await up.prints(/web.*running/)
  const { pid } = await home.row('web@1')
  up.signal('SIGKILL')
  await up.ended
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.equal((await home.row('web@1')).pid, pid)
  assert.ok(existsSync(`/proc/${pid}`))
})

test('1615 a failed start in the foreground says why and stops', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.migrate]\nkind = "oneshot"\ncommand = "echo broken >&2; exit 5"
     [services.web]\ncommand = ${command('forever.sh')}\nrequires = ["migrate"]`,
  )
  const up = home.start(['up'])
  await up.prints(/migrate.*broken/)
  await up.prints(/exit 5/)
  up.signal('SIGINT')
  await up.ended
  await until('an empty home', () => home.processes().length === 0)
})

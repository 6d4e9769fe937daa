// runs-as: nobody
// Changing what runs: scale, reload, plan, drift, why, signal, and `up` as a difference that
// touches nothing but what has changed.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { StatusRow } from '../../src/protocol/response.ts'
import { type Home, openHome } from '../support/home.ts'
import { processesOfInstance } from '../support/processes.ts'
import { command } from '../support/programs.ts'
import { until } from '../support/until.ts'

const forever = command('forever.sh')

async function pids(home: Home): Promise<Readonly<Record<string, number | null>>> {
  return Object.fromEntries((await home.status()).map(({ instance, pid }) => [instance, pid]))
}

test('1601 scale up and down: the others are not touched', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.web.command = ${forever}`)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await pids(home)
  const three = await home.run(['scale', 'web=3'])
  assert.equal(three.status, 0, three.stderr)
  const scaled = await pids(home)
  assert.deepEqual(Object.keys(scaled).sort(), ['web@1', 'web@2', 'web@3'])
  assert.equal(scaled['web@1'], before['web@1'])
  assert.equal((await home.run(['scale', 'web=1'])).status, 0)
  assert.deepEqual(await pids(home), before)
  assert.deepEqual(processesOfInstance(home.path, 'web@3'), [])
  assert.equal((await home.run(['scale', 'wep=1'])).status, 4)
})

test('1602 up after an edit: new starts, gone stops, changed restarts', async (context) => {
  const home = openHome(context)
  const section = (name: string, more = '') => `[services.${name}]\ncommand = ${forever}\n${more}\n`
  home.write('eudaemon.toml', section('same') + section('gone') + section('changed'))
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await pids(home)
  home.write(
    'eudaemon.toml',
    section('same') + section('changed', 'env = { A = 1 }') + section('new'),
  )
  const drifted = await home.run(['status', '--json'])
  const rows = JSON.parse(drifted.stdout) as StatusRow[]
  const drift = Object.fromEntries(rows.map((row) => [row.service, row.drift]))
  assert.equal(drift['same'], false)
  assert.equal(drift['changed'], true)
  const plan = await home.run(['plan'])
  assert.equal(plan.status, 0, plan.stderr)
  for (const name of ['gone', 'changed', 'new']) assert.match(plan.stdout, new RegExp(name))
  assert.doesNotMatch(plan.stdout, /same/)
  assert.deepEqual(await pids(home), before, 'plan changed something')
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const after = await until('gone to be gone', async () => {
    const found = await pids(home)
    return !('gone@1' in found) && found
  })
  assert.equal(after['same@1'], before['same@1'])
  assert.notEqual(after['changed@1'], before['changed@1'])
  assert.ok(after['new@1'])
  const none = await home.run(['plan', '--json'])
  assert.deepEqual((JSON.parse(none.stdout) as { changes: unknown }).changes, [])
})

test('1603 reload by signal and by command: the process stays', async (context) => {
  const home = openHome(context)
  const record = `${home.project}/record`
  home.write(
    'eudaemon.toml',
    `[services.signal]
     command = "trap 'echo hup >> ${record}' HUP; echo on; while :; do sleep 0.05; done"
     ready = { log = "on" }
     reload = { signal = "HUP" }
     stop = { kill = "mixed" }
     [services.command]
     command = ${forever}
     reload = { command = "echo ran >> ${record}" }
     [services.none]
     command = ${forever}`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await pids(home)
  for (const name of ['signal', 'command']) {
    const reload = await home.run(['reload', name])
    assert.equal(reload.status, 0, reload.stderr)
  }
  await until('both records', () => {
    const text = readFileSync(record, 'utf8')
    return text.includes('hup') && text.includes('ran')
  })
  assert.deepEqual(await pids(home), before)
  const none = await home.run(['reload', 'none'])
  assert.notEqual(none.status, 0, 'a service without a reload was reloaded')
  assert.match(none.stderr, /none/)
})

test('1604 signal, restart, and why', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.web]
     command = "trap 'echo got it' USR1; echo on; while :; do sleep 0.05; done"
     ready = { log = "on" }
     stop = { kill = "mixed" }
     [services.db]
     kind = "oneshot"
     command = "exit 3"
     [services.blocked]
     command = ${forever}
     requires = ["db"]`,
  )
  await home.run(['up', '-d'])
  const before = await pids(home)
  assert.equal((await home.run(['signal', 'USR1', 'web'])).status, 0)
  await until('the answer to USR1', async () =>
    (await home.run(['logs', 'web'])).stdout.includes('got it'),
  )
  assert.equal((await home.run(['restart', 'web'])).status, 0)
  assert.notEqual((await pids(home))['web@1'], before['web@1'])
  const why = await home.run(['why', 'blocked'])
  assert.equal(why.status, 0, why.stderr)
  for (const pattern of [/blocked/, /db/, /exit 3/]) assert.match(why.stdout, pattern)
  assert.equal((await home.run(['why', 'blokked'])).status, 4)
  const wrong = await home.run(['signal', 'NOSUCH', 'web'])
  assert.equal(wrong.status, 100)
})

test('1605 what was blocked starts when its dependency recovers', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.db]
     kind = "oneshot"
     command = "test -e ${home.project}/repaired"
     [services.web]
     command = ${forever}
     requires = ["db"]`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 1)
  home.write('repaired', '')
  assert.equal((await home.run(['start', 'db'])).status, 0)
  await until('web to be up', async () => (await home.row('web@1')).phase === 'up')
})

test('1606 events --json prints one object a line, check and completion work', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.web.command = ${forever}`)
  assert.equal((await home.run(['check'])).status, 0)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const events = await home.run(['events', '--json', '--no-follow'])
  assert.equal(events.status, 0, events.stderr)
  const rows = events.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.ok(rows.length > 0)
  for (const row of rows) {
    for (const key of ['time', 'instance', 'from', 'to', 'reason']) assert.ok(key in row, key)
  }
  assert.equal(rows.at(-1)?.['to'], 'up')
  for (const shell of ['bash', 'zsh', 'fish']) {
    const completion = await home.run(['completion', shell])
    assert.equal(completion.status, 0)
    assert.match(completion.stdout, /restart/)
  }
  const doctor = await home.run(['doctor'])
  assert.equal(doctor.status, 0, doctor.stdout)
})

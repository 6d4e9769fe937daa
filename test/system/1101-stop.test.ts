// runs-as: nobody
// Stopping: `stop` ends when nothing of a service is left, however it tries to get away, with and
// without control groups, as root and not; and it names what had to be killed.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type HomeOptions, openHome } from '../support/home.ts'
import { processesOfInstance } from '../support/processes.ts'
import { command } from '../support/programs.ts'
import { isRoot, withoutCgroups } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

async function stopsWhole(context: TestContext, options: HomeOptions): Promise<void> {
  const home = openHome(context, options)
  const pidFile = `${home.project}/escaped`
  home.write(
    'eudaemon.toml',
    `[services.wild]
     command = ${command('double-fork.sh', pidFile)}
     ready = { log = "left " }
     stop = { timeout = "1s" }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const escaped = Number(readFileSync(pidFile, 'utf8'))
  const before = processesOfInstance(home.path, 'wild@1')
  assert.ok(
    before.some(({ pid }) => pid === escaped),
    'the process that got away is not there: the test would show nothing',
  )
  const stop = await home.run(['stop', 'wild'])
  assert.equal(stop.status, 0, stop.stderr)
  assert.deepEqual(processesOfInstance(home.path, 'wild@1'), [])
  assert.ok(!existsSync(`/proc/${escaped}`))
  const said = stop.stdout + stop.stderr
  assert.match(said, /wild@1/)
  assert.match(said, /SIGKILL|killed/i, `it does not name what had to be killed: ${said}`)
  assert.match(said, new RegExp(`\\b${escaped}\\b`), `the pid ${escaped} is not named: ${said}`)
  assert.ok(stop.tookMs >= 900, `it killed before its time-out: ${stop.tookMs} ms`)
  assert.equal((await home.row('wild@1')).phase, 'down')
}

test('1101 ignores TERM, double-forks, calls setsid: nothing is left', (context) =>
  stopsWhole(context, {}))

test('1102 the same as root where no control group can be made', async (context) => {
  if (skipUnless(context, isRoot, 'needs root to take control groups away')) return
  await stopsWhole(context, { prefix: withoutCgroups })
})

test('1103 a polite service stops at once, with its own exit status', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `services.polite.command = "trap 'exit 7' TERM; echo on; while :; do sleep 0.05; done"
     services.polite.ready = { log = "on" }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const stop = await home.run(['stop', 'polite'])
  assert.equal(stop.status, 0)
  assert.ok(stop.tookMs < 8_000, `${stop.tookMs} ms`)
  const row = await home.row('polite@1')
  assert.deepEqual([row.phase, row.desired, row.exit], ['down', 'down', { code: 7 }])
})

test('1104 dependents stop first, and the order is proven by time', async (context) => {
  const home = openHome(context)
  const times = `${home.project}/times`
  const stamped = (name: string, more: string) =>
    `[services.${name}]\ncommand = ${command('stamp.sh', times, name, 0.3)}
     ready = { log = "ready" }\n${more}`
  home.write(
    'eudaemon.toml',
    [
      stamped('db', ''),
      stamped('web', 'requires = ["db"]'),
      stamped('edge', 'requires = ["web"]'),
    ].join('\n'),
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const down = await home.run(['down'])
  assert.equal(down.status, 0, down.stderr)
  const order = readFileSync(times, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .toSorted((a, b) => Number(BigInt(a[2] ?? 0) - BigInt(b[2] ?? 0)))
    .map(([name, what]) => `${name} ${what}`)
  const expected = ['db start', 'web start', 'edge start', 'edge stop', 'web stop', 'db stop']
  assert.deepEqual(order, expected)
  await until('an empty home', () => home.processes().length === 0)
})

test('1105 stopping what others require stops them too, and says so', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.db]\ncommand = ${command('forever.sh')}
     [services.web]\ncommand = ${command('forever.sh')}\nrequires = ["db"]`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const stop = await home.run(['stop', 'db'])
  assert.equal(stop.status, 0, stop.stderr)
  const phases = (await home.status()).map(({ service, phase }) => `${service} ${phase}`)
  assert.ok(phases.includes('db down'), String(phases))
  assert.ok(!phases.includes('web up'), String(phases))
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.ok((await home.status()).every(({ phase }) => phase === 'up'))
})

test('1106 a child that is left behind when the main process ends goes too', async (context) => {
  const home = openHome(context)
  const pidFile = `${home.project}/child`
  home.write(
    'eudaemon.toml',
    `[services.leaky]\ncommand = ${command('leak-child.sh', pidFile)}\nrestart = "never"`,
  )
  await home.run(['up', '-d'])
  await until('the child to be gone', () => {
    if (!existsSync(pidFile)) return false
    return processesOfInstance(home.path, 'leaky@1').length === 0
  })
  const row = await until('the end of leaky', async () => {
    const found = await home.row('leaky@1')
    return found.pid === null && found.exit !== null && found
  })
  assert.deepEqual(row.exit, { code: 0 })
})

test('1107 stop --kill does not wait for the time-out', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.deaf]\ncommand = ${command('ignore-term.sh')}
     ready = { log = "deaf" }\nstop = { timeout = "100s" }
     [services.needy]
     command = ${command('forever.sh')}\nrequires = ["deaf"]`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const { pid } = await home.row('deaf@1')
  const stop = await home.run(['stop', '--kill', 'deaf'])
  assert.equal(stop.status, 0, stop.stderr)
  assert.ok(stop.tookMs < 20_000, `${stop.tookMs} ms`)
  assert.deepEqual((await home.row('deaf@1')).exit, { signal: 'SIGKILL' })
  // It waited for another one to stop first, and was killed before it was asked to end.
  assert.match(stop.stdout, new RegExp(`^deaf@1: killed: .*sh \\(${pid}\\)`))
})

test('1108 stop.command, finish and setup run, and a stuck one is bounded', async (context) => {
  const home = openHome(context)
  const steps = `${home.project}/steps`
  home.write(
    'eudaemon.toml',
    `[services.web]
     command = "echo run >> ${steps}; touch on; while [ -e on ]; do sleep 0.05; done; exit 4"
     setup = "echo setup >> ${steps}"
     stop = { command = "echo stop >> ${steps}; rm on; while kill -0 $MAINPID; do :; done" }
     [services.web.finish]
     command = "echo finish $EUDAEMON_SERVICE >> ${steps}; sleep 1000"
     timeout = "300ms"`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  await until('the service to run', () => existsSync(`${home.project}/on`))
  const stop = await home.run(['stop', 'web'])
  assert.equal(stop.status, 0, stop.stderr)
  assert.equal(readFileSync(steps, 'utf8'), 'setup\nrun\nstop\nfinish web\n')
  assert.deepEqual((await home.row('web@1')).exit, { code: 4 })
})

test('1109 after a stop command that succeeded there is time to end', async (context) => {
  const home = openHome(context)
  const service = (name: string, more: string) => `[services.${name}]
     command = """trap 'exit 9' TERM; echo on; touch ${name}
       while [ -e ${name} ]; do sleep 0.05; done; sleep 0.5 & wait $!; exit 4"""
     ready = { log = "on" }
     stop = { command = "rm ${name}"${more} }\n`
  home.write('eudaemon.toml', service('patient', '') + service('hasty', ', command-grace = "none"'))
  const up = await home.run(['up', '-d'])
  assert.equal(up.status, 0, up.stderr)
  for (const name of ['patient', 'hasty']) {
    await until(`${name} to run`, () => existsSync(`${home.project}/${name}`))
  }
  assert.equal((await home.run(['stop', 'patient', 'hasty'])).status, 0)
  assert.deepEqual((await home.row('patient@1')).exit, { code: 4 })
  assert.deepEqual((await home.row('hasty@1')).exit, { code: 9 })
})

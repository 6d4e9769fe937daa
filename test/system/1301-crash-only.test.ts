// runs-as: nobody
// The supervisor's death is a non-event: no service notices, nothing is started twice, no exit
// status and no log line is lost. (The same under load and at random instants: scripts/chaos.ts.)

import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { actWhileDead, killBoth, killSupervisor, whileDead } from '../support/deaths.ts'
import { openHome } from '../support/home.ts'
import { judgeLines } from '../support/numbered.ts'
import { killExactly, processesOfInstance, readProcess } from '../support/processes.ts'
import { command } from '../support/programs.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

const twoServices = `[services.a]
  command = ${command('forever.sh')}
  instances = 3
  [services.b]
  command = ${command('forever.sh')}
  requires = ["a"]`

test('1301 kill -9 of the supervisor: same processes, no second copies', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', twoServices)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  for (let round = 0; round < 3; round += 1) {
    await killSupervisor(home)
    assert.deepEqual(await home.status(), before)
    for (const { instance } of before) {
      assert.equal(processesOfInstance(home.path, instance).length, 1, instance)
    }
  }
  assert.equal((await home.run(['down'])).status, 0)
  await until('an empty home', () => home.processes().length === 0)
})

test('1301 SIGUSR1 neither ends the supervisor nor opens a debugger', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', twoServices)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const { pid } = await home.supervisor()
  process.kill(pid, 'SIGUSR1')
  // Answered after the signal has arrived: a process takes its signals before it goes on.
  assert.equal((await home.supervisor()).pid, pid)
  const log = readFileSync(join(home.path, 'state/supervisor.log'), 'utf8')
  assert.doesNotMatch(log, /Debugger listening/)
})

test('1302 what died while no supervisor lived: its status is known', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.code]
     command = "while ! [ -e go ]; do sleep 0.02; done; exit 42"
     restart = "never"
     [services.signal]
     command = ${command('forever.sh')}
     restart = "never"
     [services.again]
     command = ${command('forever.sh')}`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const features = (await home.supervisor()).features
  const canRead = features.find(({ name }) => name === 'pidfd-exit-info')?.isPresent === true
  if (skipUnless(context, canRead, 'this kernel keeps no exit status (Linux 6.15 does)')) return
  const again = await home.row('again@1')
  await whileDead(home, async () => {
    writeFileSync(`${home.project}/go`, '')
    for (const name of ['signal@1', 'again@1']) {
      for (const seen of processesOfInstance(home.path, name)) killExactly(seen)
    }
    await until('the three to be dead', () =>
      ['code@1', 'signal@1', 'again@1'].every(
        (name) => processesOfInstance(home.path, name).length === 0,
      ),
    )
  })
  await until('again to be back', async () => {
    const { phase, pid } = await home.row('again@1')
    return phase === 'up' && pid !== again.pid
  })
  assert.deepEqual((await home.row('code@1')).exit, { code: 42 })
  assert.deepEqual((await home.row('signal@1')).exit, { signal: 'SIGKILL' })
  assert.deepEqual((await home.row('again@1')).exit, { signal: 'SIGKILL' })
})

test('1303 no line of a log is lost or doubled', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.writer]
     command = ${command('numbered-lines.sh', 200, 0.01)}
     log = { max-size = "64K", keep = 1000 }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  for (let round = 0; round < 4; round += 1) await killSupervisor(home)
  await killBoth(home)
  assert.equal((await home.run(['status'])).status, 3, 'nobody should answer')
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.equal((await home.run(['stop', 'writer'])).status, 0)
  for (const stream of ['stdout', 'stderr'] as const) {
    const logs = await home.run(['logs', '--stream', stream, '--json', 'writer'])
    assert.equal(logs.status, 0, logs.stderr)
    const lines = logs.stdout.trim().split('\n')
    const texts = lines.map((line) => JSON.parse(line) as { line?: string; text?: string })
    const judged = judgeLines(
      texts.map(({ line, text }) => line ?? text ?? ''),
      stream === 'stdout' ? 'out' : 'err',
    )
    assert.deepEqual({ ...judged, last: 0 }, { missing: 0, doubled: 0, foreign: [], last: 0 })
    assert.ok(judged.last > 100, `only ${judged.last} lines: this shows nothing`)
  }
})

test('1304 the guardian is killed: another takes its place, services stay', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', twoServices)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  const { guardian } = await home.supervisor()
  const seen = home.processes().find(({ pid }) => pid === guardian)
  assert.ok(seen && killExactly(seen))
  const later = await until('another guardian', async () => {
    const info = await home.supervisor()
    return info.guardian !== null && info.guardian !== guardian && info
  })
  assert.deepEqual(await home.status(), before)
  await killSupervisor(home)
  assert.equal((await home.supervisor()).guardian, later.guardian)
  assert.deepEqual(await home.status(), before)
})

test('1305 both are killed: the next command starts a supervisor that adopts', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', twoServices)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  await killBoth(home)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.deepEqual(
    (await home.status()).map(({ instance, pid }) => [instance, pid]),
    before.map(({ instance, pid }) => [instance, pid]),
  )
  for (const { instance } of before) {
    assert.equal(processesOfInstance(home.path, instance).length, 1, instance)
  }
})

test('1306 three crashes of its own: it holds, says so, a command ends that', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', twoServices)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  for (let crash = 0; crash < 3; crash += 1) await killSupervisor(home, 'SIGABRT')
  const info = await home.supervisor()
  assert.equal(info.mode, 'hold')
  assert.match(info.problems.join('\n'), /hold/)
  assert.deepEqual(await home.status(), before)
  for (const seen of processesOfInstance(home.path, 'a@1')) killExactly(seen)
  const dead = await until('the death to be seen', async () => {
    const row = await home.row('a@1')
    return row.pid === null && row
  })
  assert.deepEqual(dead.exit, { signal: 'SIGKILL' })
  const said = await home.run(['status'])
  assert.match(said.stdout + said.stderr, /hold/, 'status does not tell that it holds')
  assert.equal((await home.run(['start', 'a'])).status, 0)
  assert.equal((await home.supervisor()).mode, 'normal')
  assert.equal((await home.row('a@1')).phase, 'up')
})

test('1307 damaged records are set aside and told; nothing else is lost', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', twoServices)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  const journal = join(home.path, 'state/journal')
  await whileDead(home, () => {
    const text = readFileSync(journal, 'latin1')
    const lines = text.split('\n')
    const at = lines.findIndex((line) => line.includes('b@1'))
    assert.ok(at >= 0)
    // A flipped bit in the middle of one record, and a torn one at the end.
    lines.splice(at, 0, `garbage ${(lines[at] ?? '').slice(0, 20)}`)
    writeFileSync(journal, lines.join('\n'), 'latin1')
    appendFileSync(journal, '00000000 {"torn')
  })
  const { problems } = await home.supervisor()
  assert.match(problems.join('\n'), /damaged/)
  assert.match(problems.join('\n'), /quarantine/)
  assert.equal(readdirSync(join(home.path, 'state/quarantine')).length, 1)
  assert.deepEqual(
    (await home.status()).map(({ instance, pid }) => [instance, pid]),
    before.map(({ instance, pid }) => [instance, pid]),
  )
  const doctor = await home.run(['doctor'])
  assert.match(doctor.stdout, /damaged/, 'doctor does not tell')
})

test('1308 a journal of nothing but garbage is no crash loop', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', twoServices)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  await actWhileDead(home, () => {
    writeFileSync(join(home.path, 'state/journal'), Buffer.alloc(50_000, 0xa5))
  })
  // Without a project a supervisor may end; what runs is found when the project comes back.
  assert.equal((await home.run(['up', '-d'])).status, 0)
  assert.ok((await home.status()).every(({ phase }) => phase === 'up'))
  for (const { instance } of before) {
    assert.equal(processesOfInstance(home.path, instance).length, 1, `copies of ${instance}`)
  }
  const log = readFileSync(join(home.path, 'state/supervisor.log'), 'utf8')
  assert.match(log, /damaged/)
})

test('1309 the command of a probe does not outlive the supervisor that asked', async (context) => {
  const home = openHome(context)
  const pids = join(home.project, 'pids')
  home.write(
    'eudaemon.toml',
    `[services.web]
     command = ${command('forever.sh')}
     [services.web.live]
     exec = "sleep 1000 & echo $$ $! >> ${pids}; wait"
     interval = "1ms"
     attempt-timeout = "1h"`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const lines = () => (existsSync(pids) ? readFileSync(pids, 'utf8').split('\n').slice(0, -1) : [])
  const { pid } = await home.row('web@1')
  for (const [round, kill] of [killSupervisor, killBoth].entries()) {
    await until('the probe to run', () => lines().length === round + 1)
    await kill(home)
    if (kill === killBoth) assert.equal((await home.run(['up', '-d'])).status, 0)
    const left = lines()[round]?.split(' ') ?? []
    assert.equal(left.length, 2)
    await until('the former probe to be gone', () => left.every((number) => isGone(Number(number))))
  }
  assert.equal((await home.row('web@1')).pid, pid)
  const last = await until('the probe to run again', () => lines()[2])
  assert.equal((await home.run(['down'])).status, 0)
  await until('the last one to be gone', () =>
    last.split(' ').every((number) => isGone(Number(number))),
  )
})

/** A zombie is gone: when it is reaped is the business of whoever its parent is by then. */
function isGone(pid: number): boolean {
  const seen = readProcess(pid)
  return seen === undefined || seen.state === 'Z'
}

// The guardian with a stand-in for the supervisor below it: what it survives, what it reaps, when
// it ends, and that nothing is left over.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Pid, toPid } from '../../src/base/brands.ts'
import { printExitStatus } from '../../src/base/exit-status.ts'
import { guardianScript } from '../../src/daemonize/guardian-script.ts'
import { startGuardian } from '../../src/daemonize/start-guardian.ts'
import { closeFd } from '../../src/kernel/fd.ts'
import { openPidfd } from '../../src/kernel/pidfd.ts'
import { allProcesses, children, environmentHas, readStat } from '../../src/kernel/procfs.ts'
import { reap } from '../../src/kernel/wait.ts'
import { type Child, ended, start, temporaryFolder, until } from '../support/children.ts'
import { skipUnless } from '../support/skip.ts'

const program = new URL('../fixtures/programs/fake-supervisor.ts', import.meta.url).pathname

interface Life {
  readonly pid: Pid
  readonly facts: Readonly<Record<string, string>>
}

class Scene {
  readonly folder: string
  readonly #mark: string

  constructor(context: TestContext) {
    this.folder = temporaryFolder(context)
    this.#mark = `EUDAEMON_TEST_FOLDER=${this.folder}`
    // Kills what is left by its number, and fails when there was something.
    context.after(() => {
      const left = this.processes()
      for (const pid of left) process.kill(pid, 'SIGKILL')
      assert.deepEqual(left, [], 'processes were left over')
    })
  }

  get environment(): readonly string[] {
    return [`PATH=${process.env['PATH']}`, this.#mark]
  }

  start(context: TestContext, ...command: readonly string[]): Child {
    const argv = ['node', program, this.folder, '--guardian', ...command]
    return start(context, '', {
      path: process.execPath,
      argv,
      env: this.environment,
      directory: this.folder,
      session: 'new-session',
    })
  }

  lines(beginning = ''): readonly string[] {
    const path = join(this.folder, 'record')
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.filter((line) => line.startsWith(beginning))
  }

  /** The lives of the supervisor so far. */
  lives(): readonly Life[] {
    return this.lines('start ').map((line) => {
      const pairs = line
        .split(' ')
        .slice(1)
        .map((pair) => pair.split('=', 2))
      // The content of a descriptor has a space in it.
      const facts = { ...Object.fromEntries(pairs), kept: line.split(' kept=')[1] ?? '' }
      return { pid: toPid(Number(facts.pid)), facts }
    })
  }

  async life(number: number): Promise<Life> {
    await until(`life ${number}`, () => this.lives().length >= number)
    const life = this.lives()[number - 1]
    assert.ok(life)
    return life
  }

  /** Everything that was started here, zombies left out. */
  processes(): readonly Pid[] {
    const all = [...allProcesses()].filter(({ state }) => state !== 'Z')
    return all.map(({ pid }) => pid).filter((pid) => environmentHas(pid, this.#mark))
  }
}

async function statusOf(child: Child): Promise<string> {
  return printExitStatus(await ended(child))
}

test('a supervisor that is killed is started again and finds what it kept', async (context) => {
  const scene = new Scene(context)
  const guardian = scene.start(context)
  const first = await scene.life(1)
  assert.equal(first.facts['parent'], String(guardian.pid))
  assert.equal(first.facts['guardian'], String(guardian.pid))
  assert.deepEqual([first.facts['last'], first.facts['kept']], ['none', ''])
  process.kill(first.pid, 'SIGKILL')
  const second = await scene.life(2)
  assert.notEqual(second.pid, first.pid)
  assert.equal(second.facts['parent'], String(guardian.pid))
  assert.equal(second.facts['last'], '137')
  assert.equal(second.facts['kept'], `token=life ${first.pid}`)
  assert.equal(second.facts['subreaper'], 'false')
  process.kill(second.pid, 'SIGUSR2')
  assert.equal(await statusOf(guardian), 'exit 0')
})

test('a second guardian finds the lock held and goes', async (context) => {
  const scene = new Scene(context)
  const guardian = scene.start(context)
  const { pid } = await scene.life(1)
  assert.equal(await statusOf(scene.start(context)), 'exit 0')
  assert.deepEqual(scene.lines('locked'), ['locked'])
  assert.equal(scene.lives().length, 1)
  process.kill(pid, 'SIGUSR2')
  await ended(guardian)
  // The lock went with the guardian.
  const next = scene.start(context)
  process.kill((await scene.life(2)).pid, 'SIGUSR2')
  assert.equal(await statusOf(next), 'exit 0')
})

test('TERM and INT go on to the supervisor, and the guardian stays', async (context) => {
  const scene = new Scene(context)
  const guardian = scene.start(context)
  const { pid } = await scene.life(1)
  for (let round = 1; round <= 5; round += 1) {
    process.kill(guardian.pid, 'SIGHUP')
    process.kill(guardian.pid, 'SIGTERM')
    await until('TERM arrived', () => scene.lines('TERM').length >= round)
    process.kill(guardian.pid, 'SIGINT')
    await until('INT arrived', () => scene.lines('INT').length >= round)
  }
  assert.deepEqual(children(guardian.pid), [pid])
  assert.equal(scene.lives().length, 1)
  process.kill(pid, 'SIGKILL')
  const next = await scene.life(2)
  assert.equal(next.facts['asked'], 'INT', 'what was not answered is told to the next')
  process.kill(next.pid, 'SIGUSR2')
  assert.equal(await statusOf(guardian), 'exit 0')
})

test('a thousand orphans become its children and are reaped', async (context) => {
  const scene = new Scene(context)
  const guardian = scene.start(context)
  const { pid } = await scene.life(1)
  process.kill(pid, 'SIGUSR1')
  await until('the last orphan has ended', () => scene.lines('orphan ').length === 1)
  assert.deepEqual(scene.lines('orphan '), [`orphan ${guardian.pid}`])
  await until('all are reaped', () => children(guardian.pid).length === 1)
  assert.deepEqual(children(guardian.pid), [pid])
  assert.equal(readStat(pid)?.state === 'Z', false)
  process.kill(pid, 'SIGUSR2')
  assert.equal(await statusOf(guardian), 'exit 0')
})

test('a supervisor whose guardian is killed becomes the guardian', async (context) => {
  const scene = new Scene(context)
  const guardian = scene.start(context)
  const first = await scene.life(1)
  process.kill(guardian.pid, 'SIGKILL')
  const second = await scene.life(2)
  assert.deepEqual(scene.lines('turning'), [`turning ${first.pid}`])
  assert.equal(second.facts['parent'], String(first.pid))
  assert.equal(second.facts['guardian'], String(first.pid))
  assert.equal(second.facts['kept'], `token=life ${first.pid}`)
  assert.equal(await statusOf(scene.start(context)), 'exit 0', 'the lock is still held')
  assert.equal(readStat(first.pid)?.command, 'sh', 'the same process, another program')
  process.kill(second.pid, 'SIGUSR1')
  await until('the last orphan has ended', () => scene.lines('orphan ').length === 1)
  assert.deepEqual(scene.lines('orphan '), [`orphan ${first.pid}`])
  // And once more, with the store as it is.
  process.kill(first.pid, 'SIGKILL')
  const third = await scene.life(3)
  assert.equal(third.facts['parent'], String(second.pid))
  assert.equal(third.facts['kept'], `token=life ${second.pid}`)
  process.kill(third.pid, 'SIGUSR2')
  await until('everything has ended', () => scene.processes().length === 0)
})

test('short lives in a row are spaced out', async (context) => {
  const scene = new Scene(context)
  const command =
    'read -r up idle </proc/uptime; echo "$up" >>record; test -e enough && exit 75; exit 9'
  const guardian = scene.start(context, '/bin/sh', '-c', command)
  await until('eight lives', () => scene.lines().length >= 8)
  writeFileSync(join(scene.folder, 'enough'), '')
  assert.equal(await statusOf(guardian), 'exit 75', 'the lock of the supervisor is held')
  const times = scene.lines().map(Number)
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0))
  assert.ok(
    gaps.slice(5, 7).every((gap) => gap > 0.95),
    `${gaps}`,
  )
  assert.ok(
    gaps.slice(0, 5).every((gap) => gap < 0.9),
    `${gaps}`,
  )
})

test('an end on request is seen, whatever signals come with it', async (context) => {
  const isDash = readlinkSync('/bin/sh').includes('dash')
  if (skipUnless(context, isDash, 'another /bin/sh may need one more life to end')) return
  const scene = new Scene(context)
  const supervisor = "trap 'exit 0' USR1; echo $$ >>record; while :; do sleep 0.01; done"
  for (let round = 1; round <= 20; round += 1) {
    const argv = ['eudaemon-guardian', '-c', guardianScript, 'x', '/bin/sh', '-c', supervisor]
    const guardian = start(context, '', { argv, env: scene.environment, directory: scene.folder })
    await until('it lives', () => scene.lines().length >= round)
    const pid = toPid(Number(scene.lines()[round - 1]))
    // The end and the signal wait for the guardian, and meet in one `wait`.
    process.kill(guardian.pid, 'SIGSTOP')
    process.kill(pid, 'SIGUSR1')
    await until('it has ended', () => (readStat(pid)?.state ?? 'Z') === 'Z')
    process.kill(guardian.pid, 'SIGTERM')
    process.kill(guardian.pid, 'SIGCONT')
    assert.equal(await statusOf(guardian), 'exit 0')
    assert.equal(scene.lines().length, round, 'there was no second life')
  }
})

test('startGuardian leaves a session of its own that writes to the log', async (context) => {
  const scene = new Scene(context)
  const logFile = join(scene.folder, 'logs', 'supervisor.log')
  startGuardian({
    runtimeDirectory: join(scene.folder, 'run'),
    logFile,
    command: [process.execPath, program, scene.folder, '--guardian'],
    environment: Object.fromEntries(scene.environment.map((entry) => entry.split('=', 2))),
  })
  const { pid, facts } = await scene.life(1)
  const guardian = toPid(Number(facts['guardian']))
  assert.equal(readStat(guardian)?.session, guardian)
  assert.equal(readStat(pid)?.session, guardian)
  assert.ok(existsSync(logFile))
  process.kill(pid, 'SIGUSR2')
  const pidfd = openPidfd(guardian)
  assert.ok(pidfd)
  await until('the guardian has ended', () => reap(pidfd) !== 'running')
  closeFd(pidfd)
})

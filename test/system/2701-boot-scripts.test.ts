// The init script for real: in /etc/init.d, called by its path and by service(8), with a server
// that is asked at the moment the prompt is back. Under a name of its own, removed afterwards.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { freePort, isListening } from '../support/ports.ts'
import { asNobody, isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'
import { ask, printed } from '../support/web-daemon.ts'

const TIME_OUT_MS = 60_000

interface Answer {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Scene {
  readonly name: string
  readonly port: number
  readonly script: string
  readonly settings: string
  readonly pidFile: string
  /** Runs an action of the script. */
  readonly act: (action: string, prefix?: readonly string[]) => Answer
}

function call(words: readonly string[]): Answer {
  const [program = '', ...args] = words
  return spawnSync(program, args, { encoding: 'utf8', timeout: TIME_OUT_MS })
}

let scenes = 0

/** Installs the script; stops what runs and removes everything after the test. */
async function install(
  context: TestContext,
  through: (name: string) => readonly string[],
  options: readonly string[] = [],
): Promise<Scene> {
  scenes += 1
  const name = `eudaemon-test-${process.pid}-${scenes}`
  const port = await freePort()
  const script = `/etc/init.d/${name}`
  const settings = `/etc/default/${name}`
  const pidFile = `/run/${name}.pid`
  context.after(() => {
    const left = existsSync(script) ? call([script, 'stop']).status : 0
    for (const path of [script, settings]) rmSync(path, { force: true })
    const hasPidFile = existsSync(pidFile)
    rmSync(pidFile, { force: true })
    assert.deepEqual([left, hasPidFile], [0, false], 'not stopped, or its PID file is left over')
  })
  writeFileSync(script, await printed('print-lsb-script', name, port, options), { mode: 0o755 })
  const act = (action: string, prefix: readonly string[] = []): Answer =>
    call([...prefix, ...through(name), action])
  return { name, port, script, settings, pidFile, act }
}

const ways: Readonly<Record<string, (name: string) => readonly string[]>> = {
  '/etc/init.d/NAME': (name) => [`/etc/init.d/${name}`],
  'service NAME': (name) => ['service', name],
}

/** True when the test must return at once. */
function cannotRun(context: TestContext): boolean {
  if (skipUnless(context, isRoot, 'only root can install init scripts')) return true
  const isClassical = existsSync('/etc/init.d') && !existsSync('/run/systemd/system')
  return skipUnless(context, isClassical, 'init scripts are called by systemd here')
}

function succeeds({ status, stdout, stderr }: Answer): string {
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

for (const [what, through] of Object.entries(ways)) {
  test(`the life of a daemon through ${what}`, async (context) => {
    if (cannotRun(context)) return
    const { port, act, pidFile } = await install(context, through)
    assert.equal(act('status').status, 3)

    succeeds(act('start'))
    const first = await ask(port)
    assert.equal(readFileSync(pidFile, 'utf8').split('\n')[0], String(first.pid))
    assert.match(succeeds(act('status')), new RegExp(`\\b${first.pid}\\b`))
    succeeds(act('start'))
    assert.equal((await ask(port)).pid, first.pid, 'a second start changes nothing')

    for (const [at, action] of ['reload', 'force-reload'].entries()) {
      succeeds(act(action))
      await until(`reload ${at + 1}`, async () => (await ask(port)).reloads === at + 1)
    }

    succeeds(act('restart'))
    const second = await ask(port)
    assert.notEqual(second.pid, first.pid)
    succeeds(act('try-restart'))
    const third = await ask(port)
    assert.notEqual(third.pid, second.pid)

    succeeds(act('stop'))
    assert.equal(await isListening(port), false)
    assert.equal(existsSync(pidFile), false)
    assert.equal(act('status').status, 3)
    succeeds(act('stop'))
    succeeds(act('try-restart'))
    assert.equal(act('reload').status, 7)
    assert.equal(await isListening(port), false, 'none of them started it')
    succeeds(act('restart'))
    await ask(port)
  })
}

test('a daemon that was killed is dead to status, and start replaces it', async (context) => {
  if (cannotRun(context)) return
  const { port, act } = await install(context, ways['service NAME'] ?? assert.fail())
  succeeds(act('start'))
  const { pid } = await ask(port)
  process.kill(pid, 'SIGKILL')
  await until('the daemon to be gone', () => !existsSync(`/proc/${pid}`))
  assert.equal(act('status').status, 1)
  succeeds(act('try-restart'))
  assert.equal(await isListening(port), false)
  succeeds(act('start'))
  assert.notEqual((await ask(port)).pid, pid)
})

test('/etc/default/NAME adds options and arguments', async (context) => {
  if (cannotRun(context)) return
  const { port, act, settings } = await install(context, ways['service NAME'] ?? assert.fail())
  writeFileSync(settings, 'RUN_OPTIONS=--env=COLOUR=green\nDAEMON_ARGS="one  *"\n')
  succeeds(act('start'))
  const { words, env } = await ask(port)
  assert.deepEqual(words, ['one', '*'])
  assert.equal(env['COLOUR'], 'green')
})

test('a daemon that does not start is a failed action with its message', async (context) => {
  if (cannotRun(context)) return
  const { act, settings } = await install(context, ways['service NAME'] ?? assert.fail())
  writeFileSync(settings, 'DAEMON_ARGS=fail\n')
  for (const action of ['start', 'restart']) {
    const { status, stderr } = act(action)
    assert.equal(status, 1)
    assert.match(stderr, /told to fail/)
  }
  assert.equal(act('status').status, 3)
})

test('without rights nothing is done', async (context) => {
  if (cannotRun(context)) return
  const { port, act, script } = await install(context, ways['/etc/init.d/NAME'] ?? assert.fail())
  const reaches = call([...asNobody, 'test', '-x', process.execPath]).status === 0
  if (skipUnless(context, reaches, 'nobody cannot reach the Node that runs the tests')) return
  assert.equal(act('start', asNobody).status, 4)
  assert.equal(await isListening(port), false)
  succeeds(call([script, 'start']))
  for (const action of ['stop', 'restart', 'reload']) assert.equal(act(action, asNobody).status, 4)
  succeeds(act('status', asNobody))
  await ask(port)
})

test('a folder for the PID file and odd words survive the way', async (context) => {
  if (cannotRun(context)) return
  const folder = `/run/eudaemon-test-${process.pid}`
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const { port, act, pidFile } = await install(context, ways['service NAME'] ?? assert.fail(), [
    `--pid-file=${folder}/main.pid`,
    '--env=ODD=it\'s $HOME `id` \\ "x"\nline',
    '--env=EMPTY=',
    '--umask=077',
  ])
  succeeds(act('start'))
  const { env, pid } = await ask(port)
  assert.equal(env['ODD'], 'it\'s $HOME `id` \\ "x"\nline')
  assert.equal(env['EMPTY'], '')
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Umask:\t0077$/m)
  assert.equal(existsSync(pidFile), false, 'the PID file is in the folder')
  assert.ok(existsSync(`${folder}/main.pid`))
})

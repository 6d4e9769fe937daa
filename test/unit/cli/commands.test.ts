// Commands against a control server with instances that the test moves.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { hasCode } from '../../../src/base/toolkit-error.ts'
import { run as check } from '../../../src/cli/commands/check.ts'
import { run as down } from '../../../src/cli/commands/down.ts'
import { run as events } from '../../../src/cli/commands/events.ts'
import { run as plan } from '../../../src/cli/commands/plan.ts'
import { run as signal } from '../../../src/cli/commands/signal.ts'
import { run as start } from '../../../src/cli/commands/start.ts'
import { run as status } from '../../../src/cli/commands/status.ts'
import { run as up } from '../../../src/cli/commands/up.ts'
import { run as wait } from '../../../src/cli/commands/wait.ts'
import { CommandFailure } from '../../../src/cli/deps.ts'
import { definitionNames, readDefinition } from '../../../src/cli/project.ts'
import { definitionFileNames } from '../../../src/formats/registry.ts'
import { freshFolder, serve } from '../../support/control-socket.ts'
import { createFakeDeps, runCommand } from '../../support/fake-deps.ts'
import { createFakeTarget, row } from '../../support/fake-target.ts'
import { until } from '../../support/until.ts'

const definition = 'name = "shop"\n[services.web]\ncommand = ["node", "-v"]\n'

async function scene(t: TestContext, text: string | null = definition) {
  const folder = freshFolder(t)
  if (text !== null) writeFileSync(join(folder, 'eudaemon.toml'), text)
  const target = createFakeTarget([row('shop/web@1', 'up'), row('blog/api@1', 'failed')])
  const { path, server } = await serve(t, target)
  return { folder, target, path, server, deps: createFakeDeps(folder, path) }
}

const noSupervisor = (t: TestContext, text: string | null = definition) => {
  const folder = freshFolder(t)
  if (text !== null) writeFileSync(join(folder, 'eudaemon.toml'), text)
  return createFakeDeps(folder, join(folder, 'nosuch.sock'))
}

test('the names of definitions are those that the formats know', () => {
  assert.deepEqual(definitionNames, definitionFileNames)
})

test('status: this project in its folder, all with --all, 3 when one is not up', async (t) => {
  const { deps } = await scene(t)
  const own = await runCommand(status, 'status', deps)
  assert.match(own.output.stdout ?? '', /^web /m)
  assert.doesNotMatch(own.output.stdout ?? '', /api/)
  assert.equal(own.exitCode, 0)
  const all = await runCommand(status, 'status --all', deps)
  assert.match(all.output.stdout ?? '', /^blog\/api +failed/m)
  assert.equal(all.exitCode, 3)
  const other = await runCommand(status, 'status blog/api --json', deps)
  assert.equal(JSON.parse(other.output.stdout ?? '').length, 1)
})

test('status: no such service is 4, with a suggestion', async (t) => {
  const { deps } = await scene(t)
  await assert.rejects(runCommand(status, 'status wbe', deps), (error) => {
    return hasCode(error, 'ERR_NO_SERVICE') && error.hint === "Did you mean 'web'?"
  })
})

test('status: no supervisor is not running, and an empty list for programs', async (t) => {
  const deps = noSupervisor(t)
  const plain = await runCommand(status, 'status', deps)
  assert.deepEqual(
    [plain.exitCode, plain.output.stdout],
    [3, "nothing of 'shop' runs (no supervisor is running)\n"],
  )
  assert.equal((await runCommand(status, 'status --json', deps)).output.stdout, '[]\n')
})

test('status marks what runs with another definition than the file has', async (t) => {
  const { deps, target, folder } = await scene(t)
  const options = { has: () => false, value: () => undefined, values: () => [], operands: [] }
  const { project } = await readDefinition(options, deps)
  assert.ok(project)
  target.definitions.set('shop', project)
  const same = await runCommand(status, 'status', deps)
  assert.doesNotMatch(same.output.stdout ?? '', /differs/)
  writeFileSync(join(folder, 'eudaemon.toml'), definition.replace('-v', '-p'))
  const other = await runCommand(status, 'status --json', deps)
  assert.equal(JSON.parse(other.output.stdout ?? '')[0].drift, true)
  const planned = await runCommand(plan, 'plan', deps)
  assert.equal(planned.output.stdout, '! web: restart, because of command\n')
})

test('down: nothing to stop is no failure; otherwise until all is gone', async (t) => {
  const nothing = await runCommand(down, 'down', noSupervisor(t))
  assert.deepEqual(nothing, { output: { stdout: "nothing of 'shop' runs\n" }, exitCode: 0 })
  const { deps, target } = await scene(t)
  target.onRequest = () => {
    target.enter('shop/web@1', 'stopping')
    target.enter('shop/web@1', 'down', 'stopped; had to be killed: node (7)')
    target.enter('blog/api@1', 'down')
  }
  const stopped = await runCommand(down, 'down', deps)
  assert.deepEqual(stopped, {
    output: { stdout: 'web@1: killed: node (7)\n', stderr: '' },
    exitCode: 0,
  })
})

test('up -d: when all are ready; a failed start is told with its reason', async (t) => {
  const { deps, target } = await scene(t)
  target.rows.delete('blog/api@1')
  target.onRequest = () => target.enter('shop/web@1', 'starting')
  const good = runCommand(up, 'up -d', deps)
  await until('it was applied', () => target.requests.length === 1)
  target.enter('shop/web@1', 'up')
  const ready = await good
  assert.deepEqual([ready.exitCode, ready.output.stderr], [0, ''])
  assert.match(ready.output.stdout ?? '', /shop: 1 up\n$/)
  target.onRequest = () => target.enter('shop/web@1', 'backoff', "cannot start: 'nosuch'")
  const bad = await runCommand(up, 'up -d', deps)
  assert.equal(bad.exitCode, 1)
  assert.match(bad.output.stderr ?? '', /web@1: cannot start: 'nosuch'; it is tried again/)
  assert.match(bad.output.stderr ?? '', /`eudaemon why web` explains/)
})

test('up in the foreground: Ctrl-C removes the project, a second one kills', async (t) => {
  const { deps, target } = await scene(t)
  target.rows.delete('blog/api@1')
  const running = runCommand(up, 'up', deps)
  await until('it is shown', () => target.requests.length === 1)
  target.enter('shop/web@1', 'reloading')
  await until('it follows', () => deps.written.out.includes('up → reloading'))
  deps.send('SIGINT')
  await until('it is removed', () => target.requests.some(([name]) => name === 'remove'))
  deps.send('SIGINT')
  await until('it is killed', () => target.requests.some(([name]) => name === 'want'))
  const [, request] = target.requests.at(-1) ?? []
  assert.deepEqual(request, { verb: 'down', project: 'shop', services: [], force: true })
  target.enter('shop/web@1', 'down', 'stopped')
  assert.equal((await running).exitCode, 0)
  assert.match(deps.written.err, /Ctrl-C again kills at once/)
})

test('up in the foreground ends when everything has ended: 1 if one failed', async (t) => {
  const { deps, target } = await scene(t)
  target.rows.delete('blog/api@1')
  const running = runCommand(up, 'up', deps)
  await until('it was applied', () => target.requests.length === 1)
  target.onRequest = () => target.enter('shop/web@1', 'down')
  target.enter('shop/web@1', 'failed', 'exit 3')
  assert.equal((await running).exitCode, 1)
  assert.match(deps.written.out, /web@1 \| up → failed: exit 3/)
})

test('wait: reached, failed, timed out', async (t) => {
  const { deps, target } = await scene(t)
  assert.equal((await runCommand(wait, 'wait web', deps)).exitCode, 0)
  assert.equal((await runCommand(wait, 'wait blog/api', deps)).exitCode, 1)
  const late = await runCommand(wait, 'wait --for down -t 30ms web', deps)
  assert.equal(late.exitCode, 2)
  assert.match(late.output.stderr ?? '', /timed out after 30ms: web@1/)
  assert.equal(target.requests.length, 0)
})

test('wrong values of options are wrong usage', async (t) => {
  const { deps } = await scene(t)
  for (const [command, line] of [
    [wait, 'wait -t soon web'],
    [signal, 'signal HPU web'],
    [events, 'events --since yesterday'],
  ] as const) {
    await assert.rejects(runCommand(command, line, deps), (error) => {
      return error instanceof CommandFailure && error.exitCode === 100
    })
  }
})

test('start without a supervisor says how to get one', async (t) => {
  await assert.rejects(runCommand(start, 'start web', noSupervisor(t)), (error) => {
    return hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING') && /eudaemon up/.test(error.hint ?? '')
  })
})

test('no definition: 5, and four lines to begin with', async (t) => {
  await assert.rejects(runCommand(up, 'up', noSupervisor(t, null)), (error) => {
    return (
      error instanceof CommandFailure &&
      error.exitCode === 5 &&
      /\[services\.web\]\n +command = /.test(error.text)
    )
  })
  await assert.rejects(runCommand(up, 'up -f nosuch.toml', noSupervisor(t)), (error) => {
    return hasCode(error, 'ERR_NO_DEFINITION') && /no such file/.test(error.message)
  })
})

test('check: all problems with their lines; 5 when it cannot be used', async (t) => {
  const bad = noSupervisor(t, '[services.web]\ncomand = "x"\nrequires = ["db"]\n')
  const found = await runCommand(check, 'check', bad)
  assert.equal(found.exitCode, 5)
  assert.match(found.output.stdout ?? '', /eudaemon\.toml:2:1: error: .*comand/)
  assert.match(found.output.stdout ?? '', /2 \| comand = "x"\n +\| \^/)
  const json = await runCommand(check, 'check --json', bad)
  assert.equal(JSON.parse(json.output.stdout ?? '').valid, false)
})

test('check: what this machine lacks is a warning', async (t) => {
  const text = `[services.web]
command = ["nosuchcommand"]
directory = "/nosuch"
user = "roott"
env-file = ["missing.env", "?may-miss.env"]
[services.file]
command = ["./plain.txt"]
`
  const deps = noSupervisor(t, text)
  writeFileSync(join(deps.directory, 'plain.txt'), '')
  const { exitCode, output } = await runCommand(check, 'check eudaemon.toml', deps)
  assert.equal(exitCode, 0, output.stdout ?? '')
  for (const pattern of [
    /web: the working directory '\/nosuch' does not exist/,
    /web: the command 'nosuchcommand' is not in PATH/,
    /web: there is no user 'roott'.*\n.*Did you mean 'root'\?/,
    /web: the environment file '.*missing\.env' does not exist/,
    /file: the command '\.\/plain\.txt' is not executable.*\n.*chmod \+x/,
  ]) {
    assert.match(output.stdout ?? '', pattern)
  }
  assert.doesNotMatch(output.stdout ?? '', /may-miss/)
})

test('events: the past, then what happens, until Ctrl-C', async (t) => {
  const { deps, target } = await scene(t)
  target.enter('shop/web@1', 'stopping')
  const following = runCommand(events, 'events --json', deps)
  await until('the past', () => deps.written.out.includes('stopping'))
  target.enter('blog/api@1', 'up')
  target.enter('shop/web@1', 'down')
  await until('the present', () => deps.written.out.split('\n').length === 3)
  deps.send('SIGINT')
  assert.equal((await following).exitCode, 0)
  const rows = deps.written.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    rows.map(({ instance, to }) => `${instance} ${to}`),
    ['web@1 stopping', 'web@1 down'],
  )
})

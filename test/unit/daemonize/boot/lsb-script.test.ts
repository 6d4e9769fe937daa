// The script with a stand-in for our command: its actions and exit statuses, as LSB 5.0 has them in
// "Init Script Actions". With the real command: test/system/2701-boot-scripts.test.ts.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { BootCommand } from '../../../../src/daemonize/boot/boot-command.ts'
import { printLsbScript } from '../../../../src/daemonize/boot/lsb-script.ts'
import { bootCommand, commentText, fullCommand } from '../../../support/boot-command.ts'
import { temporaryFolder } from '../../../support/children.ts'
import { makeStandIn, type StandIn } from '../../../support/stand-in.ts'

interface Scene {
  readonly standIn: StandIn
  readonly run: (...words: readonly string[]) => Result
}

interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const shells: readonly string[] = ['/bin/sh', '/bin/bash']

function scene(context: TestContext, changes: Partial<BootCommand> = {}, shell = '/bin/sh'): Scene {
  const folder = temporaryFolder(context)
  const standIn = makeStandIn(folder)
  const script = join(folder, 'script')
  const command = { eudaemon: [standIn.path], pidFile: join(folder, 'web.pid'), ...changes }
  writeFileSync(script, printLsbScript(bootCommand(command)).text)
  return {
    standIn,
    run: (...words) => spawnSync(shell, [script, ...words], { encoding: 'utf8' }),
  }
}

/** Action, status of the daemon before, can it reload: exit status, what was done. */
type Row = readonly [string, number, boolean, exit: number, done: readonly string[]]

const rows: readonly Row[] = [
  ['start', 3, false, 0, ['start']],
  ['start', 0, false, 0, []],
  ['start', 1, false, 0, ['start']],
  ['start', 4, false, 1, []],
  ['stop', 0, false, 0, ['stop']],
  ['stop', 3, false, 0, ['stop']],
  ['restart', 0, false, 0, ['stop', 'start']],
  ['restart', 3, false, 0, ['stop', 'start']],
  ['try-restart', 0, false, 0, ['stop', 'start']],
  ['try-restart', 3, false, 0, []],
  ['try-restart', 1, false, 0, []],
  ['reload', 0, true, 0, ['reload']],
  ['reload', 3, true, 7, []],
  ['reload', 0, false, 3, []],
  ['force-reload', 0, true, 0, ['reload']],
  ['force-reload', 3, true, 7, []],
  ['force-reload', 0, false, 0, ['stop', 'start']],
  ['force-reload', 3, false, 0, []],
  ...[0, 1, 3, 4].map((status): Row => ['status', status, false, status, []]),
  ['status', 111, false, 4, []],
  ['stat', 0, false, 2, []],
  ['', 0, false, 2, []],
]

for (const shell of shells) {
  test(`actions and exit statuses in ${shell}`, async (context) => {
    for (const [action, state, canReload, exit, done] of rows) {
      await context.test(`${action} at ${state}, reload: ${canReload}`, (part) => {
        const reloadSignal = canReload ? 1 : null
        const { standIn, run } = scene(part, { reloadSignal }, shell)
        standIn.set('status', state)
        const result = run(action)
        assert.equal(result.status, exit, result.stderr)
        assert.deepEqual(standIn.actions(), done)
        // The answer of `status` is the command's own.
        assert.equal(result.stderr !== '', exit !== 0 && action !== 'status')
      })
    }
  })
}

test('no action, and more than one, is wrong usage', (context) => {
  const { run } = scene(context)
  for (const words of [[], ['start', 'now']]) {
    const result = run(...words)
    assert.equal(result.status, 2)
    assert.match(result.stderr, /^Usage: .*force-reload/)
  }
})

test('what fails is a general error, whatever the status of the command', (context) => {
  const { standIn, run } = scene(context, { reloadSignal: 1 })
  standIn.set('start', 139)
  assert.equal(run('start').status, 1)
  standIn.set('status', 0)
  standIn.set('stop', 2)
  standIn.set('reload', 111)
  assert.equal(run('stop').status, 1)
  assert.equal(run('reload').status, 1)
  standIn.actions()
  assert.equal(run('restart').status, 1)
  assert.deepEqual(standIn.actions(), ['stop'], 'what cannot be stopped is not started')
  standIn.set('stop', 3)
  assert.equal(run('stop').status, 0, 'it ended by itself meanwhile')
})

test('eudaemon may be a program and a script', (context) => {
  const folder = temporaryFolder(context)
  const { path } = makeStandIn(folder)
  assert.equal(scene(context, { eudaemon: ['/bin/sh', path] }).run('start').status, 0)
  assert.equal(scene(context, { eudaemon: ['/bin/sh', `${path}2`] }).run('start').status, 5)
})

test('a program that is not installed', (context) => {
  const { standIn, run } = scene(context, { argv: ['/nowhere/web'] })
  standIn.set('status', 0)
  for (const action of ['start', 'restart', 'try-restart', 'force-reload']) {
    assert.equal(run(action).status, 5, action)
  }
  assert.deepEqual(standIn.actions(), [])
  assert.equal(run('stop').status, 0, 'the last one of it can still be stopped')
  const without = scene(context, { eudaemon: ['/nowhere/eudaemon'] })
  for (const action of ['start', 'stop', 'reload']) assert.equal(without.run(action).status, 5)
  assert.equal(without.run('status').status, 4)
})

test('the program is looked for inside of the root directory', (context) => {
  const root = temporaryFolder(context)
  const { run } = scene(context, { root })
  assert.equal(run('start').status, 5)
  assert.equal(scene(context, { root: '/' }).run('start').status, 0)
})

test('every option and word arrives as it is', (context) => {
  const { argv } = fullCommand
  const { standIn, run } = scene(context, { argv, environment: [['A', "'"]], nice: -5 })
  assert.equal(run('start').status, 0)
  const words = standIn.lastWords()
  const end = words.indexOf('--')
  assert.deepEqual(words.slice(end + 1), argv)
  assert.deepEqual(
    words.slice(0, end).filter((word) => !word.startsWith('--pid-file=')),
    [
      'run',
      '--name=web',
      '--chdir=/',
      '--umask=0022',
      '--nice=-5',
      "--env=A='",
      '--stdin=/dev/null',
      '--stdout=/dev/null',
      '--stderr=/dev/null',
      '--ready=exec',
      '--ready-timeout=30s',
      '--stop-signal=TERM',
      '--stop-timeout=10s',
    ],
  )
})

test('any words of a command arrive', (context) => {
  const folder = temporaryFolder(context)
  const standIn = makeStandIn(folder)
  const script = join(folder, 'script')
  const word = fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replaceAll('\0', ''))
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const argv = ['/bin/sleep', ...words]
      const command = bootCommand({ eudaemon: [standIn.path], argv, pidFile: `${folder}/web.pid` })
      writeFileSync(script, printLsbScript(command).text)
      standIn.set('status', 3)
      assert.equal(spawnSync('/bin/sh', [script, 'start']).status, 0)
      const given = standIn.lastWords()
      assert.deepEqual(given.slice(given.indexOf('--') + 1), argv)
    }),
    { numRuns: 25 },
  )
})

test('the header has what insserv(8) and update-rc.d(8) read', () => {
  const { text } = printLsbScript(bootCommand({ description: 'One\n### END INIT INFO\ntwo' }))
  const header = /^#!\/bin\/sh\n### BEGIN INIT INFO\n((?:# .*\n)*)### END INIT INFO\n/.exec(text)
  assert.deepEqual(header?.[1]?.trimEnd().split('\n'), [
    '# Provides:          web',
    '# Required-Start:    $remote_fs $syslog',
    '# Required-Stop:     $remote_fs $syslog',
    '# Default-Start:     2 3 4 5',
    '# Default-Stop:      0 1 6',
    '# Short-Description: One ### END INIT INFO two',
    '# Description:       One ### END INIT INFO two',
  ])
  const network = printLsbScript(bootCommand({ ready: 'tcp=localhost:80' })).text
  assert.match(network, /# Required-Start: {4}\$remote_fs \$syslog \$network\n/)
})

test('notes are in the text too', () => {
  assert.deepEqual(printLsbScript(bootCommand()).notes, [])
  const { text, notes } = printLsbScript(fullCommand)
  assert.equal(notes.length, 1)
  for (const note of notes) assert.ok(commentText(text).includes(note), note)
})

test('a folder under /run is made before the PID file', () => {
  const makes = /mkdir -p "\$\{PIDFILE%\/\*\}"/
  assert.match(printLsbScript(bootCommand({ pidFile: '/run/web/main.pid' })).text, makes)
  assert.doesNotMatch(printLsbScript(bootCommand()).text, makes)
})

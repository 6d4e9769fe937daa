// The functions of the OpenRC script, with a stand-in for our command and for the few functions of
// OpenRC that they call. Under the real OpenRC: test/system/2703-boot-openrc.test.ts.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BootCommand } from '../../../../src/daemonize/boot/boot-command.ts'
import { printOpenrcScript } from '../../../../src/daemonize/boot/openrc-script.ts'
import { bootCommand, commentText, fullCommand } from '../../../support/boot-command.ts'
import { temporaryFolder } from '../../../support/children.ts'
import { makeStandIn, type StandIn } from '../../../support/stand-in.ts'

const openrc = `
ebegin() { echo "$*"; }
einfo() { echo "$*"; }
ewarn() { echo "$*"; }
eerror() { echo "$*" >&2; }
eend() { return "$1"; }
service_started() { [ "$STARTED" = yes ]; }
need() { echo "need $*"; }
use() { echo "use $*"; }
after() { echo "after $*"; }
`

interface Scene {
  readonly standIn: StandIn
  readonly call: (
    name: string,
    isStarted?: boolean,
  ) => { readonly status: number | null; readonly stdout: string }
}

function scene(context: TestContext, changes: Partial<BootCommand> = {}): Scene {
  const folder = temporaryFolder(context)
  const standIn = makeStandIn(folder)
  const script = join(folder, 'script')
  const command = { eudaemon: [standIn.path], pidFile: join(folder, 'web.pid'), ...changes }
  writeFileSync(script, openrc + printOpenrcScript(bootCommand(command)).text)
  return {
    standIn,
    call: (name, isStarted = false) =>
      spawnSync('/bin/sh', ['-c', `. "$1"; ${name}`, 'sh', script], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], STARTED: isStarted ? 'yes' : 'no' },
      }),
  }
}

test('start gives every word, and its own status', (context) => {
  const { standIn, call } = scene(context, { argv: fullCommand.argv, ready: 'stop' })
  assert.equal(call('start').status, 0)
  const words = standIn.lastWords()
  assert.deepEqual(words.slice(words.indexOf('--') + 1), fullCommand.argv)
  assert.ok(words.includes('--ready=stop'))
  standIn.actions()
  assert.equal(call('start').status, 0, 'it runs already')
  assert.deepEqual(standIn.actions(), [])
  standIn.set('status', 3)
  standIn.set('start', 2)
  assert.equal(call('start').status, 2)
})

test('stop of what does not run is a success', (context) => {
  const { standIn, call } = scene(context)
  standIn.set('stop', 3)
  assert.equal(call('stop').status, 0)
  standIn.set('stop', 2)
  assert.equal(call('stop').status, 2)
  assert.ok(standIn.lastWords().includes('--stop-timeout=10s'))
})

test('status has the statuses of OpenRC', (context) => {
  const { standIn, call } = scene(context)
  const rows: readonly (readonly [number, boolean, number, string])[] = [
    [0, true, 0, 'status: started\n'],
    [3, false, 3, 'status: stopped\n'],
    [1, true, 32, ''],
    [1, false, 3, 'status: stopped\n'],
    [4, true, 1, ''],
    [111, false, 1, ''],
  ]
  for (const [code, isStarted, exit, said] of rows) {
    standIn.set('status', code)
    const { status, stdout } = call('status', isStarted)
    assert.deepEqual([status, stdout], [exit, said], `${code}`)
  }
})

test('reload is there only when there is a signal for it', (context) => {
  const { standIn, call } = scene(context, { reloadSignal: 36 })
  assert.equal(call('echo $extra_started_commands; reload').status, 0)
  assert.ok(standIn.lastWords().includes('--reload-signal=RTMIN+2'))
  assert.doesNotMatch(printOpenrcScript(bootCommand()).text, /reload/)
})

test('depend says what it starts after', (context) => {
  const { stdout } = scene(context).call('depend')
  assert.equal(stdout, 'need localmount\nuse net dns logger\nafter bootmisc\n')
})

test('notes are in the text too', () => {
  for (const command of [bootCommand(), fullCommand]) {
    const { text, notes } = printOpenrcScript(command)
    for (const note of notes) assert.ok(commentText(text).includes(note), note)
  }
  assert.equal(printOpenrcScript(fullCommand).notes.length, 2)
})

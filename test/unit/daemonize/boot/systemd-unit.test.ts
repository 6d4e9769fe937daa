// Units: which settings a command becomes, and when the start must go through `eudaemon run`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BootCommand } from '../../../../src/daemonize/boot/boot-command.ts'
import { printSystemdUnit } from '../../../../src/daemonize/boot/systemd-unit.ts'
import { bootCommand, commentText, fullCommand } from '../../../support/boot-command.ts'

/** `Key=value` lines by key, continuation lines joined. */
function settings(command: BootCommand): ReadonlyMap<string, readonly string[]> {
  const lines = printSystemdUnit(command)
    .text.replaceAll(/ \\\n +/g, ' ')
    .split('\n')
  const found = new Map<string, readonly string[]>()
  for (const line of lines) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (key === undefined || value === undefined) continue
    found.set(key, [...(found.get(key) ?? []), value])
  }
  return found
}

function setting(command: BootCommand, key: string): string | undefined {
  const values = settings(command).get(key) ?? []
  assert.ok(values.length <= 1, key)
  return values[0]
}

const types: Readonly<Record<string, string>> = {
  exec: 'exec',
  notify: 'notify',
  forking: 'forking',
  'fd=3': 'forking',
  'stderr-closed': 'forking',
  signal: 'forking',
  stop: 'forking',
  'tcp=localhost:80': 'forking',
  'http=http://localhost/': 'forking',
  'log=listening on .*': 'forking',
  'delay=2s': 'forking',
}

for (const [ready, type] of Object.entries(types)) {
  test(`readiness ${ready} becomes Type=${type}, and is not lost`, () => {
    const command = bootCommand({ ready })
    const isOwn = ['exec', 'notify', 'forking'].includes(ready)
    assert.equal(setting(command, 'Type'), type)
    assert.equal(setting(command, 'PIDFile'), type === 'forking' ? '/run/web.pid' : undefined)
    const start = setting(command, 'ExecStart') ?? ''
    if (isOwn) assert.equal(start, '/bin/sleep 1000')
    else {
      assert.match(start, /^\/bin\/true run --pid-file=\/run\/web\.pid /)
      assert.match(start, / -- \/bin\/sleep 1000$/)
      assert.ok(start.replaceAll('"', '').includes(` --ready=${ready} `), start)
      const [note] = printSystemdUnit(command).notes
      assert.match(
        note ?? '',
        new RegExp(`readiness '${ready.replaceAll('.', '\\.').replace('*', '\\*')}'`),
      )
    }
    assert.equal(setting(command, 'TimeoutStartSec'), isOwn ? '30s' : '50s')
    const online = /^(?:tcp|http)/.test(ready) ? 'network-online.target' : 'network.target'
    assert.equal(setting(command, 'After'), online)
  })
}

test('everything that systemd has a setting for', () => {
  const found = settings(fullCommand)
  const wanted: Readonly<Record<string, readonly string[]>> = {
    Description: ['A web server with 100%% of "it" & more '],
    Type: ['notify'],
    NotifyAccess: ['all'],
    User: ['daemon'],
    Group: ['nogroup'],
    SupplementaryGroups: ['adm 4'],
    RootDirectory: ['/srv/web root'],
    WorkingDirectory: ['/tmp'],
    UMask: ['0027'],
    Nice: ['-5'],
    LimitCORE: ['infinity:infinity'],
    LimitNOFILE: ['1024:infinity'],
    LimitRTTIME: ['100:200'],
    EnvironmentFile: ['/etc/web.env'],
    Environment: ['"GREETING=it\'s \\"100%%\\"\\n$HOME"', 'EMPTY='],
    StandardInput: ['file:/etc/motd'],
    StandardOutput: ['append:/var/log/web 100%%.log'],
    StandardError: ['journal'],
    TimeoutStartSec: ['90500ms'],
    TimeoutStopSec: ['infinity'],
    KillSignal: ['SIGQUIT'],
    ExecReload: ['/bin/kill -s 36 $MAINPID'],
    Restart: ['no'],
    WantedBy: ['multi-user.target'],
  }
  for (const [key, values] of Object.entries(wanted)) assert.deepEqual(found.get(key), values, key)
})

test('core dumps are prevented unless they are wanted, and an own limit goes before both', () => {
  assert.equal(setting(bootCommand(), 'LimitCORE'), '0:0')
  const limits = { core: { soft: 1, hard: 2 } }
  assert.equal(setting(bootCommand({ limits, coreDumps: true }), 'LimitCORE'), '1:2')
})

const beyond: Readonly<Record<string, Partial<BootCommand>>> = {
  'the path of the command': { argv: ['/opt/a"b'] },
  'one of the paths': { stdout: '/var/log/a\nb' },
  'the path of an environment file': { environmentFiles: ['/etc/*.env'] },
  'the name of a variable': { environment: [['a.b', '1']] },
  'the name of a user or group': { user: 'a b' },
}

for (const [what, changes] of Object.entries(beyond)) {
  test(`${what} that systemd does not take goes through eudaemon run`, () => {
    const command = bootCommand({ ready: 'notify', ...changes })
    assert.match(setting(command, 'ExecStart') ?? '', /^\/bin\/true run .* --ready=notify /)
    assert.equal(setting(command, 'Type'), 'forking')
    assert.ok(printSystemdUnit(command).notes.some((note) => note.includes(what)))
  })
}

test('a folder under /run is there before the PID file is made', () => {
  const command = bootCommand({ pidFile: '/run/web/main.pid', ready: 'stop' })
  assert.equal(setting(command, 'ExecStartPre'), '/bin/mkdir -p /run/web')
  assert.equal(setting(bootCommand({ ready: 'stop' }), 'ExecStartPre'), undefined)
})

test('what cannot be written at all is refused', () => {
  const refused = { code: 'ERR_BOOT_TEXT' }
  assert.throws(() => printSystemdUnit(bootCommand({ pidFile: '/run/a\nb' })), refused)
  assert.throws(() => printSystemdUnit(bootCommand({ eudaemon: ["/opt/it's"] })), refused)
  assert.throws(() => printSystemdUnit(bootCommand({ argv: ['/bin/a', '\uffff'] })), refused)
})

test('notes are in the text too, and a plain command has none', () => {
  assert.deepEqual(printSystemdUnit(bootCommand()).notes, [])
  const tcp = { ...fullCommand, ready: 'tcp=a:1' }
  for (const command of [fullCommand, tcp, bootCommand({ keepEnvironment: 'clean' })]) {
    const { text, notes } = printSystemdUnit(command)
    assert.ok(notes.length > 0)
    for (const note of notes) assert.ok(commentText(text).includes(note), note)
  }
})

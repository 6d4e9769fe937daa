// What no boot script can hold, and the small questions that the printers ask of a command.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type BootCommand,
  checkBootCommand,
  oneLine,
  volatileFolder,
} from '../../../../src/daemonize/boot/boot-command.ts'
import { hashComment } from '../../../../src/daemonize/boot/comment.ts'
import { printLaunchdPlist } from '../../../../src/daemonize/boot/launchd-plist.ts'
import { printLsbScript } from '../../../../src/daemonize/boot/lsb-script.ts'
import { printOpenrcScript } from '../../../../src/daemonize/boot/openrc-script.ts'
import { printSystemdUnit } from '../../../../src/daemonize/boot/systemd-unit.ts'
import { bootCommand } from '../../../support/boot-command.ts'

const refused: Readonly<Record<string, Partial<BootCommand>>> = {
  "'[' cannot be the name of a service": { name: '[' },
  "'' cannot be the name of a service": { name: '' },
  "'../web' cannot be the name of a service": { name: '../web' },
  "the command, 'web', is not absolute": { argv: ['web'] },
  "the command, '', is not absolute": { argv: [] },
  "the path of eudaemon, 'eudaemon', is not absolute": { eudaemon: ['eudaemon'] },
  "the PID file, 'web.pid', is not absolute": { pidFile: 'web.pid' },
  "the working directory, '.', is not absolute": { directory: '.' },
  "the root directory, 'jail', is not absolute": { root: 'jail' },
  "an environment file, '.env', is not absolute": { environmentFiles: ['.env'] },
}

for (const [message, changes] of Object.entries(refused)) {
  test(`refused by every printer: ${message}`, () => {
    const command = bootCommand(changes)
    for (const print of [printLsbScript, printSystemdUnit, printOpenrcScript, printLaunchdPlist]) {
      assert.throws(() => print(command), { code: 'ERR_BOOT_TEXT', message })
    }
  })
}

test('usual names pass', () => {
  for (const name of ['web', 'python3.11', 'a_b-c', '9p']) checkBootCommand(bootCommand({ name }))
})

test('a description is one line, and there always is one', () => {
  assert.equal(oneLine(bootCommand({ description: ' a\n\tb\u2028c\x1b ' })), 'a b c')
  assert.equal(oneLine(bootCommand({ description: '\n' })), 'web')
})

test('which folder is gone after a boot', () => {
  const folder = (pidFile: string): string | null => volatileFolder(bootCommand({ pidFile }))
  assert.equal(folder('/run/web/a.pid'), '/run/web')
  assert.equal(folder('/var/run/web/a.pid'), '/var/run/web')
  assert.equal(folder('/run/web.pid'), null)
  assert.equal(folder('/var/lib/web/a.pid'), null)
})

test('comments are wrapped and never lose a word', () => {
  const words = 'lorem ipsum dolor sit amet '.repeat(10).trim()
  const lines = hashComment(words, '# - ')
  assert.ok(lines.length > 1 && lines.every((line) => line.length <= 78))
  assert.equal(lines.map((line) => line.slice(4)).join(' '), words)
  assert.ok(lines[0]?.startsWith('# - ') && lines[1]?.startsWith('#   '))
})

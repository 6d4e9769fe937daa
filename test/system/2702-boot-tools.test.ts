// Boot scripts before the tools that know their formats: shellcheck and two shells, systemd's own
// reader of units, libplist's reader of property lists.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BootCommand, BootText } from '../../src/daemonize/boot/boot-command.ts'
import { printLaunchdPlist } from '../../src/daemonize/boot/launchd-plist.ts'
import { printLsbScript } from '../../src/daemonize/boot/lsb-script.ts'
import { printOpenrcScript } from '../../src/daemonize/boot/openrc-script.ts'
import { printSystemdUnit } from '../../src/daemonize/boot/systemd-unit.ts'
import { bootCommand, fullCommand } from '../support/boot-command.ts'
import { temporaryFolder } from '../support/children.ts'
import { asNobody, isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'

const TIME_OUT_MS = 60_000

/** Words that somebody may type, and that a shell or a unit could take for something else. */
const words: readonly string[] = [
  ...['', ' ', '$HOME', '${HOME}', '$(id)', '`id`', '$', '\\', '\\\\', 'a\\b', "it's", "'", "''"],
  ...['"', '"a"', 'a"b', '\n', 'a\nb', '\t', '\r', 'a\rb', '\x01', '\x7f', '\x85', '\u2028'],
  ...['\u00a0', '\ufeff', '“', '”', '’', '‘', '–', '%', '%%', '%n', '%i%', ';', '\\;', ' ; ', '#'],
  ...[
    '# shellcheck disable=all',
    '&',
    '|',
    '<',
    '>',
    '<&>',
    '-->',
    ']]>',
    '~',
    '*',
    '[a]',
    '!',
    '-',
  ],
  ...['--', '-n', 'A=b', 'if', '{', '}', '(', ')', '()', ':', '@', '+', 'ü', '日本', '😀'],
]

/** XML has no notation for control characters. */
const xmlWords = words.filter((word) => !word.includes('\x01'))

const odd = bootCommand({
  argv: ['/bin/sleep', ...words],
  environment: words.map((word, at) => [`V${at}`, word]),
  directory: "/srv/it's $a `b` %n",
  reloadSignal: 1,
})

const commands: Readonly<Record<string, BootCommand>> = {
  plain: bootCommand(),
  reload: bootCommand({ reloadSignal: 1, eudaemon: ['/bin/true', '/bin/sh'] }),
  full: fullCommand,
  tcp: { ...fullCommand, ready: 'tcp=localhost:80' },
  forking: bootCommand({ ready: 'forking', pidFile: '/run/web/web.pid', keepEnvironment: 'clean' }),
  odd,
  'odd-run': { ...odd, ready: 'log=^ready "(now|%d)" \\$', description: words.join(' ') },
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0
}

function write(context: TestContext, name: string, { text }: BootText): string {
  const folder = temporaryFolder(context)
  chmodSync(folder, 0o755)
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Exit status 0 and not a word. */
function saysNothing(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: TIME_OUT_MS,
  })
  assert.deepEqual([status, stdout, stderr], [0, '', ''], `${program} ${args.join(' ')}`)
}

const scripts = { 'LSB script': printLsbScript, 'OpenRC script': printOpenrcScript }
for (const [what, print] of Object.entries(scripts)) {
  for (const [name, command] of Object.entries(commands)) {
    test(`${what} '${name}' passes shellcheck, dash and bash`, (context) => {
      const path = write(context, 'script', print(command))
      for (const shell of ['dash', 'bash']) saysNothing(shell, ['-n', path])
      if (skipUnless(context, has('shellcheck'), 'shellcheck is not installed')) return
      saysNothing('shellcheck', [path])
    })
  }
}

for (const [name, command] of Object.entries(commands)) {
  test(`systemd has nothing to say about unit '${name}'`, (context) => {
    if (skipUnless(context, has('systemd-analyze'), 'systemd is not installed')) return
    const path = write(context, 'eudaemon-test-web.service', printSystemdUnit(command))
    saysNothing('systemd-analyze', ['verify', path])
  })
}

const manager = '/lib/systemd/systemd'

/** What systemd, in its test mode, says that it has read: lines `Key: value` of one service. */
function dump(context: TestContext, command: BootCommand): string {
  const path = write(context, 'eudaemon-test-web.service', printSystemdUnit(command))
  const folder = join(path, '..')
  const args = ['--test', '--system', '--no-pager', '--unit=eudaemon-test-web.service']
  // As root it would take itself for the manager of a machine, and refuses.
  const [program = '', ...rest] = [...(isRoot ? asNobody : []), manager, ...args]
  const { stdout } = spawnSync(program, rest, {
    encoding: 'utf8',
    timeout: TIME_OUT_MS,
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env['PATH'], SYSTEMD_UNIT_PATH: `${folder}:` },
  })
  const [, own = ''] = stdout.split('-> Unit eudaemon-test-web.service:\n')
  assert.notEqual(own, '', 'systemd did not load the unit')
  return own.split('\n\t-> Unit ', 1)[0] ?? ''
}

/** Words in double quotes with escapes of C, or bare: how systemd prints a command. */
function readPrinted(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\[\s\S])*)"|([^ "]+)/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? '') : unescapeBytes(quoted),
  )
}

const letters: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
}

/** Octal escapes are bytes of UTF-8. */
function unescapeBytes(text: string): string {
  const bytes = [...text.matchAll(/\\([0-7]{3})|\\([\s\S])|([^\\])/gu)].map(
    ([, octal, letter, plain]) =>
      octal === undefined
        ? Buffer.from(letter === undefined ? (plain ?? '') : (letters[letter] ?? letter))
        : Buffer.from([Number.parseInt(octal, 8)]),
  )
  return Buffer.concat(bytes).toString('utf8')
}

for (const [name, command] of Object.entries(commands)) {
  test(`systemd reads unit '${name}' as it was meant`, (context) => {
    if (skipUnless(context, has(manager), 'systemd is not installed')) return
    const text = dump(context, command)
    const [, line = ''] = /-> ExecStart:\n\t*Command Line: ([^\n]*)\n/.exec(text) ?? []
    const argv = readPrinted(line)
    const isDirect = ['exec', 'notify', 'forking'].includes(command.ready)
    const given = isDirect ? argv : argv.slice(argv.indexOf('--') + 1)
    assert.deepEqual(given, command.argv)
    if (!isDirect) {
      assert.ok(argv.includes(`--ready=${command.ready}`))
      for (const [key, value] of command.environment) {
        assert.ok(argv.includes(`--env=${key}=${value}`), key)
      }
      return
    }
    for (const [key, value] of command.environment) {
      assert.ok(text.includes(`\t\tEnvironment: ${key}=${value}\n`), `${key}=${value}`)
    }
    assert.ok(text.includes(`\t\tWorkingDirectory: ${command.directory}\n`))
    assert.ok(text.includes('\t\tIgnoreSIGPIPE: no\n'))
    assert.ok(text.includes('\t\tRestart: no\n'))
    assert.ok(text.includes('\t\tKillMode: mixed\n'))
  })
}

const toJson =
  'import json,plistlib,sys; json.dump(plistlib.load(open(sys.argv[1],"rb")),sys.stdout)'

for (const [name, command] of Object.entries(commands)) {
  test(`libplist and plistlib read property list '${name}' as it was meant`, (context) => {
    const isThere = has('plistutil') && has('python3')
    if (skipUnless(context, isThere, 'libplist-utils or python3 is not installed')) return
    const argv = [command.argv[0] ?? '', ...xmlWords]
    const printed = printLaunchdPlist({ ...command, argv, environment: [] })
    const path = write(context, 'web.plist', printed)
    saysNothing('plistutil', ['-i', path, '-f', 'bin', '-o', `${path}.bin`])
    for (const file of [path, `${path}.bin`]) {
      const { stdout, stderr } = spawnSync('python3', ['-c', toJson, file], { encoding: 'utf8' })
      assert.equal(stderr, '')
      const read: unknown = JSON.parse(stdout)
      assert.ok(typeof read === 'object' && read !== null && 'ProgramArguments' in read)
      assert.deepEqual(read.ProgramArguments, argv)
    }
  })
}

// runs-as: nobody
// From options to a printed file: what is relative, or left to the invocation, is written out.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bootPrinters } from '../../../../src/daemonize/boot/boot-command.ts'
import { printBoot } from '../../../../src/daemonize/boot/print-boot.ts'
import type { RunOptions } from '../../../../src/daemonize/run-options.ts'
import { isRoot } from '../../../support/rights.ts'

/** Options as `--name value` or `--name`, in any order. */
function options(command: readonly string[], ...given: readonly (readonly string[])[]): RunOptions {
  const values = (name: string): readonly string[] =>
    given.filter(([word]) => word === name).map(([, value]) => value ?? '')
  return {
    command,
    directory: '/srv/shop',
    ownEnvironment: { PATH: '/usr/bin:/bin', COLOUR: 'green' },
    value: (name) => values(name).at(-1),
    values,
    has: (name) => values(name).length > 0,
    fileVariables: [],
  }
}

function unit(command: readonly string[], ...given: readonly (readonly string[])[]): string {
  const { stdout } = printBoot('print-unit', options(command, ...given))
  return stdout.replaceAll(/ \\\n +/g, ' ')
}

test('the defaults of eudaemon run', () => {
  const text = unit(['/usr/bin/env', 'x'])
  for (const line of [
    'Description=/usr/bin/env x',
    'Type=exec',
    'ExecStart=/usr/bin/env x',
    'WorkingDirectory=/',
    'UMask=0022',
    'LimitCORE=0:0',
    'StandardOutput=null',
    'TimeoutStartSec=90s',
    'TimeoutStopSec=10s',
    'KillSignal=SIGTERM',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line)
  }
  assert.equal(text.includes('ExecReload'), false, 'a reload signal must be given')
  assert.equal(text.includes('LimitNOFILE'), false, 'the limit of this shell is not for the boot')
})

test('who prints as an ordinary user gets a daemon of that user', () => {
  assert.equal(/^User=/m.test(unit(['/usr/bin/env'])), !isRoot)
  assert.match(unit(['/usr/bin/env'], ['user', 'daemon:adm']), /^User=daemon\nGroup=adm$/m)
})

test('what is relative is meant from here', () => {
  const text = unit(
    ['bin/shop'],
    ['chdir', 'data'],
    ['stdout', 'log'],
    ['environment-file', '.env'],
  )
  for (const line of [
    'ExecStart=/srv/shop/bin/shop',
    'WorkingDirectory=/srv/shop/data',
    'StandardOutput=append:/srv/shop/log',
    'EnvironmentFile=/srv/shop/.env',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line)
  }
  assert.match(unit(['env']), /^ExecStart=(?:\/usr)?\/bin\/env$/m)
})

test('every option that the start has is passed on when the start is ours', () => {
  const given = [
    ...[['ready', 'fd=4'], ['ready-timeout', 'never'], ['keep-on-timeout'], ['syslog'], ['core']],
    ...[
      ['env', 'A=b'],
      ['env', 'COLOUR'],
      ['groups', 'adm,4'],
      ['limit', 'nofile=5:6'],
    ],
    ...[['nice', '-3'], ['clear-env'], ['stop-signal', '3'], ['name', 'shop']],
  ]
  const text = unit(['/bin/shop'], ...given)
  const [, start = ''] = /^ExecStart=(.*)$/m.exec(text) ?? []
  assert.ok(start.startsWith(`${process.execPath} ${process.argv[1]} run `), start)
  for (const option of [
    ...['pid-file=/run/shop.pid', 'name=shop', 'ready=fd=4', 'ready-timeout=infinity', 'core'],
    ...['keep-on-timeout', 'syslog', 'env=A=b', 'env=COLOUR=green', 'groups=adm,4', 'nice=-3'],
    ...['limit=nofile=5:6', 'clear-env', 'stop-signal=QUIT'],
  ]) {
    assert.ok(start.includes(` --${option} `), option)
  }
  assert.ok(start.endsWith(' -- /bin/shop'))
})

test('the notes go to standard error', () => {
  const { stdout, stderr } = printBoot(
    'print-launchd-plist',
    options(['/bin/shop'], ['user', 'shop'], ['ready', 'notify']),
  )
  assert.match(stdout, /^<\?xml/)
  assert.match(stderr, /^eudaemon: --print-launchd-plist: .*readiness\.\n$/)
})

test('what has no meaning at boot is refused, and so is what is badly written', () => {
  const shop = ['/bin/shop']
  const rows: readonly (readonly [code: string, RunOptions])[] = [
    ['ERR_BOOT_TEXT', options(shop, ['keep-fd', '3'])],
    ['ERR_BOOT_TEXT', options(shop, ['ready', 'forking'])],
    ['ERR_BOOT_TEXT', options(['shop'], ['root', '/srv/jail'])],
    ['ERR_BOOT_TEXT', options(['no-such-program-here'])],
    ['ERR_BOOT_TEXT', options(shop, ['root', '/srv/jail'], ['chdir', 'data'])],
    ['ERR_BAD_OPTION', options(shop, ['ready', 'soon'])],
    ['ERR_BAD_OPTION', options(shop, ['umask', '9'])],
    ['ERR_BAD_OPTION', options(shop, ['keep-env'], ['clear-env'])],
  ]
  for (const printer of bootPrinters) {
    for (const [code, given] of rows) assert.throws(() => printBoot(printer, given), { code })
  }
})

test('a long command is cut in the description only', () => {
  const text = unit(['/bin/shop', '😀'.repeat(100)])
  assert.match(text, /^Description=\/bin\/shop (?:😀){49}…$/mu)
  assert.match(text, /^ExecStart=\/bin\/shop .*(?:😀){100}/mu)
})

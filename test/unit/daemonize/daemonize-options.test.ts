// runs-as: nobody
// The options of daemonize(): defaults, what is meant by paths and times, and what is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../../src/base/toolkit-error.ts'
import {
  type DaemonizeOptions,
  planOf,
  scriptName,
  toMilliseconds,
} from '../../../src/daemonize/daemonize-options.ts'

test('the defaults', () => {
  assert.deepEqual(planOf({}), {
    name: scriptName(),
    pidFile: null,
    directory: '/',
    umask: 0o022,
    user: null,
    change: null,
    environment: 'sanitised',
    keptFds: [],
    stdin: '/dev/null',
    stdout: { kind: 'null' },
    stderr: { kind: 'null' },
    readyTimeoutMs: 90_000,
    coreDumps: false,
  })
  assert.equal(scriptName(), 'daemonize-options.test')
})

test('paths are meant from here, streams have three kinds', () => {
  const here = process.cwd()
  const plan = planOf({
    pidFile: 'run/pid',
    workingDirectory: '.',
    stdin: 'in',
    stdout: 'syslog',
    stderr: 'log/err',
  })
  assert.deepEqual([plan.pidFile, plan.directory], [`${here}/run/pid`, here])
  assert.equal(plan.stdin, `${here}/in`)
  assert.deepEqual(plan.stdout, { kind: 'syslog' })
  assert.deepEqual(plan.stderr, { kind: 'file', path: `${here}/log/err` })
  assert.deepEqual(planOf({ stdout: null, stderr: '/dev/null' }).stderr, { kind: 'null' })
})

test('single has a PID file at the usual place, by name', () => {
  const folder = process.getuid?.() === 0 ? '/run' : '/tmp/runtime'
  const before = process.env['XDG_RUNTIME_DIR']
  process.env['XDG_RUNTIME_DIR'] = '/tmp/runtime'
  assert.equal(planOf({ single: true, name: 'web' }).pidFile, `${folder}/web.pid`)
  assert.equal(planOf({ single: true, name: 'web', pidFile: '/x/y' }).pidFile, '/x/y')
  if (before === undefined) delete process.env['XDG_RUNTIME_DIR']
  else process.env['XDG_RUNTIME_DIR'] = before
})

test('times: numbers are milliseconds, texts are as everywhere', () => {
  assert.equal(toMilliseconds('timeout', 250), 250)
  assert.equal(toMilliseconds('timeout', '250ms'), 250)
  assert.equal(toMilliseconds('timeout', '2min'), 120_000)
  assert.equal(toMilliseconds('timeout', 'never'), Number.POSITIVE_INFINITY)
})

test('what cannot be is refused by the name of its option', () => {
  const wrong: readonly (readonly [string, object])[] = [
    ['name', { name: 'a/b' }],
    ['name', { name: '' }],
    ['pidFile', { pidFile: '' }],
    ['pidFile', { pidFile: 'a\0b' }],
    ['workingDirectory', { workingDirectory: '' }],
    ['umask', { umask: 0o1000 }],
    ['umask', { umask: 1.5 }],
    ['keepFds', { keepFds: [2] }],
    ['keepFds', { keepFds: ['3'] }],
    ['stdin', { stdin: '' }],
    ['stdout', { stdout: 3 }],
    ['readyTimeout', { readyTimeout: 0 }],
    ['readyTimeout', { readyTimeout: '' }],
    ['readyTimeout', { readyTimeout: Number.NaN }],
    ['environment', { environment: 'none' }],
  ]
  for (const [option, options] of wrong) {
    assert.throws(
      () => planOf(options as DaemonizeOptions),
      (error) => hasCode(error, 'ERR_BAD_OPTION') && error.message.startsWith(`option '${option}'`),
      JSON.stringify(options),
    )
  }
})

test('what is not there is a failed step', () => {
  const absent = (error: unknown) => hasCode(error, 'ERR_DAEMON_STEP')
  assert.throws(() => planOf({ workingDirectory: '/no/such' }), absent)
  assert.throws(() => planOf({ user: 'no-such-user' }), absent)
  assert.throws(() => planOf({ group: 'no-such-group' }), absent)
})

// Who started us, decided over facts: each system once as it really looks, and once with its
// variables merely inherited.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decideSupervisedBy,
  isSupervised,
  type RelativeFacts,
  type StartFacts,
} from '../../../src/daemonize/supervised-by.ts'

const relative = (pid: number, name: string, argv?: readonly string[]): RelativeFacts => ({
  pid,
  name,
  argv: argv ?? [name],
})

const systemd = relative(1, 'systemd', ['/sbin/init'])
const userManager = relative(800, 'systemd', ['/usr/lib/systemd/systemd', '--user'])
const shell = relative(90, 'sh', ['/bin/sh', '-c', 'node app.js'])
const bash = relative(91, 'bash', ['-bash'])
const runScript = relative(92, 'run', ['/bin/sh', './run'])
const supervisor = relative(70, 'node', [
  ...['/usr/bin/node', '--expose-gc', '/usr/lib/node_modules/eudaemon/bin/eudaemon.js'],
  'supervise',
])
const guardian = relative(60, 'sh', ['eudaemon-guardian', '-c', 'eval "$EUDAEMON_GUARDIAN_SCRIPT"'])
const god = relative(50, 'PM2 v5.4.2: God', ['PM2 v5.4.2: God Daemon (/root/.pm2)'])
const python = relative(40, 'python3', ['/usr/bin/python3', '/usr/bin/supervisord', '-n'])

const tcp = { family: 'ipv4', type: 'stream', isListening: false, hasPeer: true, isNamed: true }
const facts = (own: Partial<StartFacts>): StartFacts => ({
  pid: 4711,
  parent: null,
  grandparent: null,
  hasTerminal: false,
  environment: {},
  stdin: null,
  hasIpc: false,
  ...own,
})
const socket = (own: Partial<NonNullable<StartFacts['stdin']>>) =>
  ({ ...tcp, ...own }) as NonNullable<StartFacts['stdin']>

const eudaemonEnv = { EUDAEMON_INVOCATION_ID: 'f00' }
const named = { SYSTEMD_EXEC_PID: '4711', INVOCATION_ID: 'x' }
const namedShell = { SYSTEMD_EXEC_PID: '90' }

/** What is shown, and what is found. */
const stories: readonly (readonly [string, string, Partial<StartFacts>])[] = [
  ['nobody', 'nothing at all', {}],
  ['terminal', 'a login shell', { parent: bash, hasTerminal: true }],
  ['nobody', 'a job of cron', { parent: relative(33, 'cron') }],

  ['systemd', 'a service', { parent: systemd, environment: named }],
  [
    'systemd',
    'a service with a terminal',
    { parent: systemd, environment: named, hasTerminal: true },
  ],
  ['systemd', 'sh -c in a unit', { parent: shell, grandparent: systemd, environment: namedShell }],
  ['systemd', 'before 248', { parent: systemd, environment: { INVOCATION_ID: 'x' } }],
  ['systemd', 'user manager', { parent: userManager, environment: { NOTIFY_SOCKET: '/n' } }],
  [
    'terminal',
    'a terminal in a systemd user session',
    {
      parent: bash,
      grandparent: relative(900, 'gnome-terminal-'),
      hasTerminal: true,
      environment: { INVOCATION_ID: 'x', SYSTEMD_EXEC_PID: '900', NOTIFY_SOCKET: '/n' },
    },
  ],
  [
    'terminal',
    'a shell that systemd-run --pty has started',
    {
      parent: bash,
      grandparent: userManager,
      hasTerminal: true,
      environment: { SYSTEMD_EXEC_PID: '91', INVOCATION_ID: 'x' },
    },
  ],
  [
    'nobody',
    'an orphan of a session, adopted by its manager',
    { parent: userManager, environment: { INVOCATION_ID: 'x', SYSTEMD_EXEC_PID: '900' } },
  ],
  ['nobody', 'an orphan under systemd', { parent: systemd }],
  [
    'nobody',
    'inherited variables',
    { parent: relative(5, 'make'), environment: { ...namedShell } },
  ],

  ['s6', 'exec in run', { parent: relative(20, 's6-supervise') }],
  ['s6', 'no exec in run', { parent: runScript, grandparent: relative(20, 's6-supervise') }],
  ['runit', 'runsv', { parent: relative(20, 'runsv') }],
  ['daemontools', 'supervise', { parent: relative(20, 'supervise') }],
  ['openrc', 'supervise-daemon', { parent: relative(20, 'supervise-daemo') }],
  ['nobody', 'two shells are not seen through', { parent: shell, grandparent: relative(93, 'sh') }],

  ['supervisord', 'it', { parent: python, environment: { SUPERVISOR_ENABLED: '1' } }],
  ['nobody', 'a hook of it', { parent: shell, environment: { SUPERVISOR_ENABLED: '1' } }],
  ['nobody', 'no variable', { parent: python }],

  ['upstart', 'a job', { parent: relative(1, 'init'), environment: { UPSTART_JOB: 'web' } }],
  ['terminal', 'inherited', { parent: bash, hasTerminal: true, environment: { UPSTART_JOB: 'w' } }],

  ['pm2', 'its daemon', { parent: god, hasIpc: true, environment: { pm_id: '0' } }],
  [
    'pm2',
    'pm2-runtime',
    {
      parent: relative(7, 'node', ['node', '/usr/bin/pm2-runtime', 'app.js']),
      hasIpc: true,
      environment: { pm_id: '0' },
    },
  ],
  ['node', 'a worker of a cluster', { parent: relative(9, 'node'), hasIpc: true }],
  ['node', 'nodemon in a terminal', { parent: bash, hasIpc: true, hasTerminal: true }],
  ['nobody', 'a worker below', { parent: relative(9, 'node'), environment: { pm_id: '0' } }],

  ['eudaemon', 'its supervisor', { parent: supervisor, environment: eudaemonEnv }],
  ['eudaemon', 'sh -c', { parent: shell, grandparent: supervisor, environment: eudaemonEnv }],
  ['eudaemon', 'its guardian', { parent: guardian, environment: eudaemonEnv }],
  ['eudaemon', 'eudaemon run', { parent: bash, environment: { EUDAEMON_READY_PID: '91' } }],
  ['nobody', 'a child of a service', { parent: relative(9, 'node'), environment: eudaemonEnv }],
  [
    'terminal',
    'a shell in a service with a terminal',
    { parent: bash, grandparent: supervisor, hasTerminal: true, environment: eudaemonEnv },
  ],
  ['nobody', 'another waits', { parent: bash, environment: { EUDAEMON_READY_PID: '999' } }],

  ['inetd', 'nowait', { parent: relative(8, 'inetd'), stdin: socket({}) }],
  ['inetd', 'wait', { stdin: socket({ isListening: true, hasPeer: false }) }],
  ['inetd', 'datagrams', { stdin: socket({ type: 'datagram', hasPeer: false }) }],
  ['inetd', 'a named unix socket', { stdin: socket({ family: 'unix' }) }],
  ['nobody', "Node's pipes", { stdin: socket({ family: 'unix', isNamed: false }) }],
  ['s6', 'a socket and s6', { parent: relative(2, 's6-supervise'), stdin: socket({}) }],

  ['container', 'process 1', { pid: 1, hasTerminal: true }],
  ['container', 'tini', { parent: relative(1, 'tini'), hasTerminal: true }],
  ['container', 'dumb-init', { parent: relative(1, 'dumb-init') }],
  ['container', 'docker run --init', { parent: relative(1, 'docker-init') }],
  ['container', 'docker run image sh -c', { parent: relative(1, 'sh') }],
  ['terminal', 'docker run -it image sh', { parent: relative(1, 'sh'), hasTerminal: true }],
  ['nobody', 'tini that is not process 1', { parent: relative(4, 'tini') }],

  ['init', 'inittab', { parent: relative(1, 'init') }],
  ['init', 'an init script', { parent: relative(94, 'sh'), grandparent: relative(1, 'init') }],
  ['terminal', 'an orphan that keeps it', { parent: relative(1, 'init'), hasTerminal: true }],
]

for (const [by, story, own] of stories) {
  test(`${by}: ${story}`, () => {
    const found = decideSupervisedBy(facts(own))
    assert.equal(found.by, by, found.evidence)
    assert.equal(isSupervised(found), by !== 'terminal' && by !== 'nobody')
    assert.notEqual(found.evidence, '')
  })
}

test('the evidence names what was seen', () => {
  const s6 = relative(20, 's6-supervise')
  const found = decideSupervisedBy(facts({ parent: runScript, grandparent: s6 }))
  assert.equal(found.evidence, 'the parent is s6-supervise (20), through the shell 92')
})

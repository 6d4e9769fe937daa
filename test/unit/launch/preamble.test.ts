// Plans with a preamble, carried out by the real tools: what the service finds, and that each step
// that fails is reported by its name. What needs root is skipped without it.

import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  createLaunchPlanner,
  type LaunchPlan,
  readStageReport,
} from '../../../src/runtime/launch-plan.ts'
import { parseEnvFile } from '../../../src/syntax/env-file.ts'
import { exec, isRoot, planOf, refusalOf, requestOf, run, shell } from '../runtime/launch-run.ts'

const plan = createLaunchPlanner({ parseEnvFile })
const needsRoot = isRoot() ? {} : { skip: 'only root may change users' }
const NOBODY = 65_534
let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamble-'))
  chmodSync(folder, 0o755)
})
after(() => rmSync(folder, { recursive: true }))

/** The same plan, carried out by somebody without any rights. */
function asNobody(made: LaunchPlan): LaunchPlan {
  const drop = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--']
  return { ...made, path: '/usr/bin/setpriv', argv: ['setpriv', ...drop, ...made.argv] }
}

describe('what the service finds', () => {
  test('umask, nice and limits, in the process that was spawned', async () => {
    const command = shell(
      'umask; echo $$; ulimit -Sn; ulimit -Hn; ulimit -c; cut -d" " -f19 /proc/$$/stat',
    )
    const made = planOf(
      plan(
        requestOf({
          command,
          umask: 0o027,
          nice: 5,
          limits: { nofile: { soft: 100, hard: 200 }, core: { soft: 0, hard: 0 } },
        }),
      ),
    )
    assert.equal(made.usesStageFd, true)
    const { pid, stdout, stderr, refusal, status } = await run(made)
    assert.equal(refusal, null)
    assert.equal(stderr, '')
    assert.deepEqual(stdout.split('\n'), ['0027', `${pid}`, '100', '200', '0', '5', ''])
    assert.deepEqual(status, { kind: 'exited', code: 0 })
  })

  test('words pass unchanged, and the first of them is the name that was written', async () => {
    const words = ['a b', '', "it's", '$HOME', '*', '-n', '\\n', 'ü\n']
    const command = exec('sh', '-c', 'tr "\\0" "\\1" < /proc/$$/cmdline; exit 7', 'x', ...words)
    const { stdout, status } = await run(planOf(plan(requestOf({ command, umask: 0o22 }))))
    assert.deepEqual(stdout.split('\x01').slice(3), ['x', ...words, ''])
    assert.equal(stdout.split('\x01')[0], 'sh')
    assert.deepEqual(status, { kind: 'exited', code: 7 })
  })

  test('signals are those of a plain spawn, and only three descriptors are open', async () => {
    const script = 'grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; ls -m /proc/self/fd'
    const plain = await run(planOf(plan(requestOf({ command: shell(script) }))))
    const behind = await run(planOf(plan(requestOf({ command: shell(script), nice: 1 }))))
    assert.equal(behind.stdout, plain.stdout)
    assert.match(plain.stdout, /0, 1, 2, 3\n$/, 'the fourth is the listing itself')
  })

  test('the environment is unchanged, names that are none to a shell included', async () => {
    const environment = {
      PLAIN: 'a b\n$x',
      LD_BIND_NOW: '1',
      'with.dot': 'one',
      'BASH_FUNC_x%%': '() {  :\n}',
      "it's": "q'",
      PPID: '1',
      OPTIND: '7',
      IFS: ',',
      PS1: '$ ',
      ENV: '/dev/null',
      out: 'mine',
      PWD: '/somewhere/else',
      PS4: '+ ',
      _: 'under',
      EUDAEMON_CARRIED_0: 'no',
    }
    const command = exec('cat', '/proc/self/environ')
    const plain = await run(planOf(plan(requestOf({ command, environment }))))
    const behind = await run(planOf(plan(requestOf({ command, environment, umask: 0 }))))
    const sorted = (text: string): string[] => text.split('\0').sort()
    assert.deepEqual(sorted(behind.stdout), sorted(plain.stdout))
    assert.equal(plain.stdout.split('\0').includes('with.dot=one'), true)
  })

  test('a loader variable does not act on the tools of the preamble', async () => {
    const environment = { LD_PRELOAD: '/no/such/library.so' }
    const command = exec('printenv', 'LD_PRELOAD')
    const { stdout, stderr, refusal } = await run(
      planOf(plan(requestOf({ command, environment, nice: 3 }))),
    )
    assert.equal(refusal, null)
    assert.equal(stdout, '/no/such/library.so\n')
    // env itself is started before the variable is back: the only complaint is the program's own.
    assert.equal(stderr.split('\n').filter((line) => line.includes('ld.so')).length, 1)
  })
})

describe('as another user', needsRoot, () => {
  test('user, group and groups are those of the definition', async () => {
    const command = shell('id -u; id -ru; id -g; id -G; echo $$; echo "$USER $HOME"; echo no >&2')
    const made = planOf(
      plan(
        requestOf({
          command,
          user: 'nobody',
          group: 'daemon',
          supplementaryGroups: ['adm', '4321'],
        }),
      ),
    )
    const { pid, stdout, stderr, refusal } = await run(made)
    assert.equal(refusal, null)
    assert.equal(stderr, 'no\n')
    const [uid, real, gid, groups, own, who] = stdout.split('\n')
    assert.deepEqual([uid, real, gid, own], ['65534', '65534', '1', String(pid)])
    assert.deepEqual(groups?.split(' ').map(Number), [1, 4, 4321])
    assert.equal(who, 'nobody /nonexistent')
    assert.deepEqual(made.owner, { uid: NOBODY, gid: 1 })
  })

  test('only a group', async () => {
    const made = planOf(plan(requestOf({ command: shell('id -u; id -g'), group: 'daemon' })))
    assert.equal((await run(made)).stdout, '0\n1\n')
  })

  test('no capabilities are left, with all other steps too', async () => {
    const command = shell('grep CapEff /proc/self/status; umask; ulimit -n')
    const made = planOf(
      plan(
        requestOf({
          command,
          user: 'nobody',
          umask: 0o77,
          nice: -5,
          limits: { nofile: { soft: 64, hard: 64 } },
        }),
      ),
    )
    const { stdout, refusal } = await run(made)
    assert.equal(refusal, null)
    assert.equal(stdout, 'CapEff:\t0000000000000000\n0077\n64\n')
  })

  test('the user may not enter the directory: chdir', async () => {
    const directory = join(folder, 'closed')
    mkdirSync(directory, { mode: 0o700 })
    const made = planOf(plan(requestOf({ user: 'nobody', directory })))
    const { refusal, status, stderr } = await run(made)
    assert.equal(refusal?.stage, 'chdir')
    assert.equal(refusal.reason, `'${directory}': permission denied for the user of the service`)
    assert.equal(stderr, '')
    assert.deepEqual(status, { kind: 'exited', code: 111 })
  })

  test('the user may not execute the program: exec', async () => {
    const path = join(folder, 'for-root')
    writeFileSync(path, '#!/bin/sh\n', { mode: 0o700 })
    chownSync(path, 0, 0)
    const { refusal } = await run(planOf(plan(requestOf({ user: 'nobody', command: exec(path) }))))
    assert.equal(refusal?.stage, 'exec')
    assert.equal(refusal.reason, `'${path}': permission denied for the user of the service`)
  })
})

describe('without rights', needsRoot, () => {
  const identity = { uid: 0, gid: 0, groups: [], canSetUser: true, canSetGroups: true }

  test('raising a hard limit: limits', async () => {
    const made = planOf(plan(requestOf({ limits: { nofile: { soft: 100, hard: 1_048_577 } } })))
    const { refusal, stdout, stderr } = await run(asNobody(made))
    assert.equal(refusal?.stage, 'limits')
    assert.match(refusal.reason, /^nofile 100:1048577 is refused; only root may raise/)
    assert.equal(stdout + stderr, '')
  })

  test('a better priority: nice', async () => {
    const { refusal } = await run(asNobody(planOf(plan(requestOf({ nice: -10 })))))
    assert.equal(refusal?.stage, 'nice')
    assert.match(refusal.reason, /^renice: failed to set priority .*Permission denied$/)
  })

  test('another user: credentials, in the words of setpriv', async () => {
    const made = createLaunchPlanner({ parseEnvFile, identity })(requestOf({ user: 'daemon' }))
    const { refusal, stderr } = await run(asNobody(planOf(made)))
    assert.equal(refusal?.stage, 'credentials')
    assert.match(refusal.reason, /^setpriv: .*Operation not permitted$/)
    assert.equal(stderr, '')
  })

  test('what needs no rights works', async () => {
    const command = shell('umask; ulimit -n; cut -d" " -f19 /proc/$$/stat; id -u')
    const made = planOf(
      plan(
        requestOf({
          command,
          umask: 0o77,
          nice: 7,
          limits: { nofile: { soft: 50, hard: 60 } },
        }),
      ),
    )
    assert.equal((await run(asNobody(made))).stdout, '0077\n50\n7\n65534\n')
  })
})

describe('refused before anything is spawned', () => {
  test('a tool is missing', () => {
    const without = createLaunchPlanner({ parseEnvFile, findTool: () => null })
    const nice = refusalOf(without(requestOf({ nice: 1 })))
    assert.equal(nice.stage, 'nice')
    assert.equal(nice.reason, 'the program renice is missing; install the package util-linux')
    const limits = refusalOf(without(requestOf({ limits: { cpu: { soft: 1, hard: 1 } } })))
    assert.match(limits.reason, /^the program prlimit is missing/)
    assert.equal(without(requestOf({ umask: 0o22 })).kind, 'plan', 'umask needs no tool')
  })

  test('a program that exec would refuse where nobody could tell any more', () => {
    const noInterpreter = join(folder, 'no-interpreter')
    writeFileSync(noInterpreter, '#!/no/such/shell -x\n', { mode: 0o755 })
    const first = refusalOf(plan(requestOf({ command: exec(noInterpreter), umask: 0 })))
    assert.match(first.reason, /its interpreter '\/no\/such\/shell' cannot be executed$/)
    const noHead = join(folder, 'no-head')
    writeFileSync(noHead, 'echo hello\n', { mode: 0o755 })
    const second = refusalOf(plan(requestOf({ command: exec(noHead), umask: 0 })))
    assert.match(second.reason, /neither a binary for this machine nor a script with #!; begin/)
  })
})

test('stage reports: nothing is success, the rest has a stage and one line', () => {
  assert.equal(readStageReport(''), null)
  assert.equal(readStageReport('nice: a\n  b\n')?.reason, 'a; b')
  assert.equal(readStageReport('setpriv: setresuid failed')?.stage, 'credentials')
  assert.equal(readStageReport('sh: error while loading shared libraries')?.stage, 'exec')
  assert.equal(readStageReport('strange: word')?.stage, 'exec')
  assert.ok((readStageReport(`exec: ${'x'.repeat(9_999)}`)?.reason.length ?? 0) <= 4_096)
})

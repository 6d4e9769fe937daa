// Plans without a preamble: resolution, refusals and the environment, layer by layer.

import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createLaunchPlanner } from '../../../src/runtime/launch-plan.ts'
import { parseEnvFile } from '../../../src/syntax/env-file.ts'
import { exec, planOf, refusalOf, requestOf, run, shell } from './launch-run.ts'

const plan = createLaunchPlanner({ parseEnvFile })
const nobody = {
  uid: 65_534,
  gid: 65_534,
  groups: [65_534],
  canSetUser: false,
  canSetGroups: false,
}
let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'launch-'))
})
after(() => rmSync(folder, { recursive: true }))

const envOf = (env: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )

describe('what is executed', () => {
  test('a vector keeps its words, its program is found by PATH', async () => {
    const made = planOf(plan(requestOf({ command: exec('echo', 'a b', '$HOME') })))
    assert.equal(made.path, '/usr/bin/echo')
    assert.deepEqual(made.argv, ['echo', 'a b', '$HOME'])
    assert.equal(made.usesStageFd, false)
    assert.equal((await run(made)).stdout, 'a b $HOME\n')
  })

  test('a line is run by /bin/sh -c in the directory', async () => {
    const made = planOf(plan(requestOf({ command: shell('pwd; exit 3'), directory: '/usr' })))
    const { stdout, status } = await run(made)
    assert.equal(stdout, '/usr\n')
    assert.deepEqual(status, { kind: 'exited', code: 3 })
  })

  test('the PATH of the service counts, not ours', () => {
    writeFileSync(join(folder, 'own-tool'), '#!/bin/sh\n', { mode: 0o755 })
    const command = exec('own-tool')
    const found = planOf(plan(requestOf({ command, environment: { PATH: `/nowhere:${folder}` } })))
    assert.equal(found.path, join(folder, 'own-tool'))
    const missing = refusalOf(plan(requestOf({ command, environment: { PATH: '/nowhere' } })))
    assert.equal(missing.stage, 'exec')
    assert.equal(missing.reason, "'own-tool': command not found; PATH is /nowhere")
  })

  test('a relative path is looked for in the directory of the service', () => {
    const request = requestOf({ command: exec('./absent'), directory: folder })
    const { reason } = refusalOf(plan(request))
    assert.equal(
      reason,
      `'./absent': command not found: there is no such file (looked for in '${folder}')`,
    )
    writeFileSync(join(folder, 'absent'), '#!/bin/sh\n', { mode: 0o755 })
    assert.equal(planOf(plan(request)).path, join(folder, 'absent'), 'a refusal is not remembered')
  })

  test('not executable', () => {
    const path = join(folder, 'plain')
    writeFileSync(path, '')
    chmodSync(path, 0o644)
    const { stage, reason } = refusalOf(plan(requestOf({ command: exec(path) })))
    assert.equal(stage, 'exec')
    assert.match(reason, /not executable: it has no execute permission; make it so with chmod \+x$/)
  })

  test('the directory is missing, or is a file', () => {
    const missing = refusalOf(plan(requestOf({ directory: '/no/such/place' })))
    assert.equal(missing.stage, 'chdir')
    assert.equal(missing.reason, "'/no/such/place': there is no such directory")
    const file = refusalOf(plan(requestOf({ directory: '/etc/passwd' })))
    assert.equal(file.reason, "'/etc/passwd': it is not a directory")
  })
})

describe('as whom', () => {
  test('an unknown user or group is refused with a suggestion', () => {
    const user = refusalOf(plan(requestOf({ user: 'nobdy' })))
    assert.equal(user.stage, 'credentials')
    assert.equal(user.reason, "user 'nobdy': there is no such user; did you mean 'nobody'?")
    const group = refusalOf(plan(requestOf({ group: 'rooot' })))
    assert.match(group.reason, /group 'rooot': there is no such group; did you mean 'root'\?/)
    const bare = refusalOf(plan(requestOf({ user: '4000000001' })))
    assert.match(bare.reason, /no user with that number; name a `group` too/)
  })

  test('who may not change the user is told what to do', () => {
    const planAsNobody = createLaunchPlanner({ parseEnvFile, identity: nobody })
    const user = refusalOf(planAsNobody(requestOf({ user: 'root' })))
    assert.equal(user.stage, 'credentials')
    assert.match(user.reason, /^user 'root': eudaemon runs as uid 65534 and may/)
    assert.match(user.reason, /Run it as root, or remove `user`/)
    const group = refusalOf(planAsNobody(requestOf({ supplementaryGroups: ['root'] })))
    assert.match(group.reason, /group 'root': .* may not change groups/)
  })

  test('our own name needs no change of user, but sets HOME and the others', () => {
    const planAsNobody = createLaunchPlanner({ parseEnvFile, identity: nobody })
    const made = planOf(planAsNobody(requestOf({ user: 'nobody' })))
    assert.equal(made.usesStageFd, false)
    assert.equal(made.owner, null)
    const { USER, LOGNAME, HOME, SHELL } = envOf(made.env)
    assert.deepEqual([USER, LOGNAME, HOME], ['nobody', 'nobody', '/nonexistent'])
    assert.match(SHELL ?? '', /^\//)
  })
})

describe('the environment', () => {
  test('later layers win', () => {
    writeFileSync(join(folder, 'one.env'), 'A=file1\nB=file1\nC=file1\nD=file1\nE=file1\nHOME=/f\n')
    writeFileSync(join(folder, 'two.env'), 'C=file2\nD=file2\nE=file2\n')
    const request = requestOf(
      {
        user: 'root',
        environmentFiles: [
          { path: join(folder, 'one.env'), isOptional: false },
          { path: join(folder, 'none.env'), isOptional: true },
          { path: join(folder, 'two.env'), isOptional: false },
        ],
        environment: { D: 'definition', E: 'definition', EUDAEMON_SERVICE: 'forged' },
        instanceEnvironment: [{ name: 'E', base: 5000, step: 10 }],
      },
      {
        name: { project: 'shop', service: 'web', index: 3 },
        baseEnvironment: { PATH: '/bin', A: 'base', Z: 'base', HOME: '/base' },
      },
    )
    const identity = { uid: 0, gid: 0, groups: [0], canSetUser: true, canSetGroups: true }
    const env = envOf(planOf(createLaunchPlanner({ parseEnvFile, identity })(request)).env)
    assert.deepEqual(env, {
      PATH: '/bin',
      PWD: '/',
      Z: 'base',
      A: 'file1',
      B: 'file1',
      C: 'file2',
      D: 'definition',
      E: '5020',
      HOME: '/f',
      USER: 'root',
      LOGNAME: 'root',
      SHELL: env['SHELL'],
      EUDAEMON_PROJECT: 'shop',
      EUDAEMON_SERVICE: 'web',
      EUDAEMON_INSTANCE: 'web@3',
      EUDAEMON_INVOCATION_ID: '0123456789abcdef0123456789abcdef',
    })
  })

  test('what belongs to the supervisor does not reach a service, unless it is set there', () => {
    const baseEnvironment = {
      EUDAEMON_STORE_FDS: '3 4',
      EUDAEMON_GUARDIAN_PID: '1',
      EUDAEMON_LAST_EXIT: '9',
      EUDAEMON_EXIT_CODE: '1',
      EUDAEMON_HOME: '/kept',
      NODE_COMPILE_CACHE: '/cache',
      MAINPID: '5',
      NOTIFY_SOCKET: '/run/n',
      LISTEN_FDS: '2',
      LISTEN_PID: '7',
      LISTEN_FDNAMES: 'a',
      _: '/x',
      OLDPWD: '/old',
      PWD: '/elsewhere',
      NODE_ENV: 'test',
    }
    const environment = { NOTIFY_SOCKET: '/wanted' }
    const env = envOf(planOf(plan(requestOf({ environment }, { baseEnvironment }))).env)
    assert.deepEqual(Object.keys(env).sort(), [
      'EUDAEMON_HOME',
      'EUDAEMON_INSTANCE',
      'EUDAEMON_INVOCATION_ID',
      'EUDAEMON_PROJECT',
      'EUDAEMON_SERVICE',
      'NODE_ENV',
      'NOTIFY_SOCKET',
      'PATH',
      'PWD',
    ])
    assert.equal(env['NOTIFY_SOCKET'], '/wanted')
    assert.equal(env['PWD'], '/')
    assert.equal(env['PATH'], '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
  })

  test('hooks learn the main process, the finish hook how it ended', () => {
    const stop = envOf(planOf(plan(requestOf({}, { role: 'stop', mainPid: 77 }))).env)
    assert.equal(stop['MAINPID'], '77')
    const main = envOf(planOf(plan(requestOf({}, { role: 'main', mainPid: 77 }))).env)
    assert.equal(main['MAINPID'], undefined)
    const ended = (exit: Parameters<typeof requestOf>[1]): Record<string, string> => {
      const env = envOf(planOf(plan(requestOf({}, { role: 'finish', ...exit }))).env)
      return Object.fromEntries(Object.entries(env).filter(([name]) => name.includes('_EXIT_')))
    }
    assert.deepEqual(ended({ exit: { kind: 'exited', code: 3 } }), {
      EUDAEMON_EXIT_CODE: '3',
      EUDAEMON_EXIT_STATUS: 'exit 3',
    })
    assert.deepEqual(ended({ exit: { kind: 'signaled', signal: 9, core: false } }), {
      EUDAEMON_EXIT_SIGNAL: 'SIGKILL',
      EUDAEMON_EXIT_STATUS: 'SIGKILL',
    })
    assert.deepEqual(ended({ exit: { kind: 'unknown' } }), {
      EUDAEMON_EXIT_STATUS: 'unknown exit status',
    })
  })

  test('env files: missing, not understood, a directory, changed between two starts', () => {
    const path = join(folder, 'app.env')
    const request = requestOf({ environmentFiles: [{ path, isOptional: false }] })
    const missing = refusalOf(plan(request))
    assert.equal(missing.stage, 'env-file')
    assert.match(missing.reason, /^'.*app\.env': there is no such file; create it/)
    writeFileSync(path, 'A=1\nnonsense\n')
    assert.match(
      refusalOf(plan(request)).reason,
      /app\.env:2:1: error: 'nonsense' is not KEY=VALUE/,
    )
    writeFileSync(path, 'A=2\n')
    assert.equal(envOf(planOf(plan(request)).env)['A'], '2')
    writeFileSync(path, 'A=33\n')
    assert.equal(envOf(planOf(plan(request)).env)['A'], '33')
    const isFolder = requestOf({ environmentFiles: [{ path: folder, isOptional: true }] })
    assert.match(refusalOf(plan(isFolder)).reason, /it is not a regular file/)
  })
})

// The mistakes a newcomer makes: each gets a message that says what, where and what to do, and the
// exit status of the contract (5: invalid definition, 1: asked but failed, 111: not reachable).

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { type Home, openHome } from '../support/home.ts'
import { freePort } from '../support/ports.ts'
import { command } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'

interface Mistake {
  readonly name: string
  readonly file: string | ((home: Home) => string | Promise<string>)
  readonly status: number
  /** All of them must be in what is printed. */
  readonly says: readonly RegExp[]
  readonly args?: readonly string[]
}

const forever = command('forever.sh')

const mistakes: readonly Mistake[] = [
  {
    name: 'TOML syntax error',
    file: '[services.web]\ncommand = "node server.js\n',
    status: 5,
    says: [/eudaemon\.toml:2:/, /string|quote|newline/i],
  },
  {
    name: 'unknown key, with a suggestion',
    file: `[services.web]\ncommand = ${forever}\ninstanses = 2\n`,
    status: 5,
    says: [/eudaemon\.toml:3:1/, /instanses/, /instances/],
  },
  {
    name: 'dependency cycle',
    file:
      `[services.a]\ncommand = ${forever}\nrequires = ["b"]\n` +
      `[services.b]\ncommand = ${forever}\nrequires = ["c"]\n` +
      `[services.c]\ncommand = ${forever}\nrequires = ["a"]\n`,
    status: 5,
    says: [/eudaemon\.toml:\d+/, /circle/, /a.*b.*c/],
  },
  {
    name: 'unknown dependency',
    file: `[services.web]\ncommand = ${forever}\nrequires = ["dbb"]\n[services.db]\ncommand="x"\n`,
    status: 5,
    says: [/eudaemon\.toml:3/, /'dbb'/, /'?db'?\?/],
  },
  {
    name: 'command not found',
    file: '[services.web]\ncommand = ["no-such-program", "-x"]\nrestart = "never"\n',
    status: 1,
    says: [/web/, /no-such-program/, /not found|no such|ENOENT/i],
  },
  {
    name: 'not executable',
    file: (home) => {
      const path = home.write('tool', '#!/bin/sh\n')
      chmodSync(path, 0o644)
      return '[services.web]\ncommand = ["./tool"]\nrestart = "never"\n'
    },
    status: 1,
    says: [/web/, /tool/, /executable|permission|EACCES/i],
  },
  {
    name: 'missing working directory',
    file: `[services.web]\ncommand = ${forever}\ndirectory = "no/such"\nrestart = "never"\n`,
    status: 1,
    says: [/web/, /no\/such/, /directory/, /no such|does not exist|missing|ENOENT/i],
  },
  {
    name: 'env file missing',
    file: `[services.web]\ncommand = ${forever}\nenv-file = "secrets.env"\nrestart = "never"\n`,
    status: 1,
    says: [/web/, /secrets\.env/, /no such|does not exist|missing|not found|ENOENT/i, /\?/],
  },
  {
    name: 'port in use, seen by a probe',
    file: async (home) => {
      const port = await freePort()
      return (
        `[services.old]\ncommand = ${command('http-server.js', port)}\n` +
        `ready = { tcp = ${port} }\n` +
        `[services.new]\ncommand = ${command('http-server.js', port)}\nrequires = ["old"]\n` +
        `ready = { tcp = ${port}, timeout = "3s" }\nrestart = "never"\n` +
        `# ${home.project}\n`
      )
    },
    status: 1,
    says: [/new/, /port|EADDRINUSE|in use/i],
  },
]

for (const [index, { name, file, status, says, args = ['up', '-d'] }] of mistakes.entries()) {
  test(`15${String(index + 1).padStart(2, '0')} ${name}`, async (context) => {
    const home = openHome(context)
    const text = typeof file === 'string' ? file : await file(home)
    home.write('eudaemon.toml', text)
    const up = await home.run(args)
    const said = up.stdout + up.stderr
    assert.equal(up.status, status, said)
    for (const pattern of says) assert.match(said, pattern)
    assert.doesNotMatch(said, /^ {4}at /m, 'a stack trace is no message')
  })
}

test('1520 no file at all', async (context) => {
  const home = openHome(context)
  const up = await home.run(['up', '-d'])
  assert.equal(up.status, 5)
  assert.match(up.stderr, /eudaemon\.toml/)
  assert.match(up.stderr, new RegExp(home.project))
  const named = await home.run(['up', '-d', '-f', 'nowhere.toml'])
  assert.equal(named.status, 5)
  assert.match(named.stderr, /nowhere\.toml/)
})

test('1521 check finds every mistake at once, and starts nothing', async (context) => {
  const home = openHome(context)
  home.write(
    'eudaemon.toml',
    `[services.web]\ncommand = ["no-such-program"]\ndirectory = "no/such"\nnise = 3\n` +
      `[services.db]\nrequires = ["wep"]\n`,
  )
  const check = await home.run(['check'])
  const said = check.stdout + check.stderr
  assert.equal(check.status, 5)
  for (const pattern of [/nise/, /command/, /wep/]) assert.match(said, pattern)
  assert.deepEqual(home.processes(), [])
})

test('1522 unknown user; user without root', async (context) => {
  const home = openHome(context)
  const user = isRoot ? 'nosuchuser' : 'root'
  home.write('eudaemon.toml', `[services.web]\ncommand = ${forever}\nuser = "${user}"\n`)
  const up = await home.run(['up', '-d'])
  const said = up.stdout + up.stderr
  assert.ok(up.status === 1 || up.status === 5, said)
  assert.match(said, isRoot ? /nosuchuser/ : /root/)
  assert.match(said, /user/)
  assert.match(said, /web/)
})

test('1523 the state directory cannot be made', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.web.command = ${forever}`)
  // Below a file nobody can make a folder, not even root.
  const file = home.write('plain-file', '')
  const up = await home.run(['up', '-d'], { env: { EUDAEMON_HOME: `${file}/home` } })
  assert.equal(up.status, 111, up.stdout + up.stderr)
  assert.match(up.stderr, /plain-file/)
  assert.match(up.stderr, /EUDAEMON_HOME/)
})

test('1524 a home whose path is too long for a socket', async (context) => {
  const home = openHome(context)
  home.write('eudaemon.toml', `services.web.command = ${forever}`)
  const long = `${home.project}/${'long/'.repeat(30)}`
  mkdirSync(long, { recursive: true })
  const up = await home.run(['up', '-d'], { env: { EUDAEMON_HOME: long } })
  assert.equal(up.status, 111, up.stdout + up.stderr)
  assert.match(up.stderr, /107|too long/)
  assert.match(up.stderr, /EUDAEMON_HOME/)
})

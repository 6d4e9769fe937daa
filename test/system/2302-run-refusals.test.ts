// runs-as: nobody
// What cannot be started is refused with the reason and an exit status that says whose fault it is:
// 127 not found, 126 not executable, 100 wrongly asked, 111 the system. Nothing is started, nothing
// is left, and no PID file is touched.

import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { freePort } from '../support/ports.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'

interface Refusal {
  readonly words: readonly string[]
  readonly status: number
  readonly said: RegExp
}

async function expectRefusals(
  place: Daemons,
  cases: Readonly<Record<string, Refusal>>,
): Promise<void> {
  const pidFile = place.path('d.pid')
  for (const [name, { words, status, said }] of Object.entries(cases)) {
    const all = words.includes('-p') ? words : ['-p', pidFile, ...words]
    const result = await place.run(all, { cwd: place.folder })
    assert.equal(result.status, status, `${name}: ${result.stdout}${result.stderr}`)
    assert.equal(result.stdout, '', name)
    assert.match(result.stderr, said, name)
    assert.match(result.stderr, /^eudaemon(?: run)?: /, `${name}: says who speaks`)
    assert.deepEqual(place.left(), [], name)
    assert.equal(existsSync(pidFile), false, name)
    assert.equal(existsSync(place.path('ran')), false, `${name}: it ran`)
  }
}

test('a program that is not there or cannot be executed', async (context) => {
  const place = openDaemons(context)
  place.write('plain', '#!/bin/sh\ntouch ran\n', 0o644)
  place.write('no-such-interpreter', '#!/no/such/shell\n', 0o755)
  place.write('text', 'touch ran\n', 0o755)
  place.write('broken', '\x7fELF and nothing else', 0o755)
  mkdirSync(place.path('folder'))
  await expectRefusals(place, {
    'not in PATH': { words: ['--', 'no-such-program'], status: 127, said: /not found; PATH is/ },
    'no such file': { words: ['--', './gone'], status: 127, said: /there is no such file/ },
    'behind a file': { words: ['--', './plain/gone'], status: 127, said: /no such file/ },
    'an empty word': { words: ['--', ''], status: 100, said: /cannot be a name/ },
    'an empty name': { words: ['--name', 'x', '--', ''], status: 126, said: /command is empty/ },
    'no permission': { words: ['--', './plain'], status: 126, said: /chmod \+x/ },
    'a folder': { words: ['--', './folder'], status: 126, said: /not executable/ },
    'no interpreter': { words: ['--', './no-such-interpreter'], status: 126, said: /no\/such/ },
    'plain text': { words: ['--', './text'], status: 126, said: /nor a script with #!/ },
    'a broken binary': { words: ['--', './broken'], status: 126, said: /broken/ },
    'PATH from --env': {
      words: ['--env', 'PATH=/nowhere', '--', 'sleep', '1'],
      status: 127,
      said: /PATH is \/nowhere/,
    },
  })
})

test('a place, a user or a file that cannot be used', async (context) => {
  const place = openDaemons(context)
  place.write('file', '')
  const touch = ['--', 'touch', place.path('ran')]
  const cases: Readonly<Record<string, Refusal>> = {
    'no folder': { words: ['--chdir', '/no/such', ...touch], status: 111, said: /no such dir/ },
    'no directory': { words: ['--chdir', 'file', ...touch], status: 111, said: /not a directory/ },
    'no root': { words: ['--root', '/no/such', ...touch], status: 111, said: /'\/no\/such\/?'/ },
    'no user': { words: ['--user', 'nobdy', ...touch], status: 111, said: /mean 'nobody'/ },
    'no group': { words: ['--group', 'no-grp', ...touch], status: 111, said: /no such group/ },
    'no log folder': {
      words: ['--stdout', 'gone/log', ...touch],
      status: 111,
      said: /cannot open '.*gone\/log' as standard output: .*ENOENT/,
    },
    'a folder as log': { words: ['--stderr', '/', ...touch], status: 111, said: /EISDIR/ },
    'no input': { words: ['--stdin', 'gone', ...touch], status: 111, said: /standard input/ },
    'no PID folder': { words: ['-p', 'gone/x.pid', ...touch], status: 111, said: /gone/ },
    'no descriptor': { words: ['--keep-fd', '99', ...touch], status: 100, said: /99 is not open/ },
    'a descriptor of Node': {
      words: ['--keep-fd', '3', ...touch],
      status: 100,
      said: /passed to us/,
    },
    'the last of them': { words: ['--keep-fd', '9', ...touch], status: 100, said: /passed to us/ },
    'no env file': {
      words: ['--environment-file', 'gone', ...touch],
      status: 100,
      said: /environment-file/,
    },
  }
  await expectRefusals(place, cases)
})

test('a PID file that is not one is not touched', async (context) => {
  const place = openDaemons(context)
  const words = (name: string) => ['-p', place.path(name), '--', 'touch', place.path('ran')]
  place.write('diary', 'Dear diary,\n')
  place.write('anybody', '1\n', 0o666)
  place.write('target', '')
  symlinkSync(place.path('target'), place.path('link'))
  mkdirSync(place.path('folder'))
  mkdirSync(place.path('public'))
  chmodSync(place.path('public'), 0o777)
  await expectRefusals(place, {
    'a text': { words: words('diary'), status: 1, said: /is no PID file/ },
    'everybody may write it': { words: words('anybody'), status: 111, said: /everybody may/ },
    'a link': { words: words('link'), status: 111, said: /symbolic link/ },
    'a folder': { words: words('folder'), status: 111, said: /no regular file/ },
    'a device': { words: words('../../dev/null'), status: 111, said: /no regular file/ },
    'a public folder': { words: words('public/d.pid'), status: 111, said: /everybody may/ },
  })
  assert.equal(place.read('diary'), 'Dear diary,\n')
  assert.equal(place.read('target'), '')
})

test('a PID file of a living stranger', async (context) => {
  const place = openDaemons(context)
  place.write('bare', `${process.pid}\n`)
  const words = ['-p', place.path('bare'), '--', 'touch', place.path('ran')]
  await expectRefusals(place, {
    'only a number': { words, status: 1, said: /nothing proves/ },
  })
  assert.equal(place.read('bare'), `${process.pid}\n`)
  for (const action of ['--stop', '--reload']) {
    const result = await place.run(['-p', place.path('bare'), action])
    assert.equal(result.status, 111, result.stderr)
    assert.match(result.stderr, /nothing proves/)
  }
})

test('values that are none', async (context) => {
  const place = openDaemons(context)
  const touch = ['--', 'touch', place.path('ran')]
  const bad: readonly (readonly string[])[] = [
    ...['', 'notfy', 'tcp', 'tcp=0', 'tcp=65536', 'tcp=x', 'fd=2', 'fd=', 'exec=1', 'log='].map(
      (value) => ['--ready', value],
    ),
    ...['http=x', 'http=https://x/', 'log=(', 'delay=soon', 'delay=-1s'].map((value) => [
      '--ready',
      value,
    ]),
    ...['8', '0888', '-1', '', '77777'].map((value) => ['--umask', value]),
    ...['20', '-21', 'x', ''].map((value) => ['--nice', value]),
    ...['nofile', 'nofile=', 'nofile=x', 'files=3', 'nofile=9:3'].map((value) => [
      '--limit',
      value,
    ]),
    ...['2', '-1', 'x', ''].map((value) => ['--keep-fd', value]),
    ...['soon', '-1s', ''].map((value) => ['--ready-timeout', value]),
    ...['=x', 'a b', 'GONE_NOT_SET', ''].map((value) => ['--env', value]),
    ['--stop-signal', 'HUPP'],
    ['--stdout', ''],
    ['--keep-env', '--clear-env'],
    ['--stop', '--status'],
    ['--name', 'a/b'],
    ['--name', ''],
    ['--no-such-option'],
  ]
  for (const words of bad) {
    const result = await place.run([...words, ...touch])
    const label = words.join(' ')
    assert.equal(result.status, 100, `${label}: ${result.stderr}`)
    const [option = ''] = words
    assert.ok(result.stderr.includes(option.replace(/^--/, '')), `${label}: ${result.stderr}`)
    assert.equal(existsSync(place.path('ran')), false, label)
  }
  const none = await place.run([])
  assert.equal(none.status, 100)
  assert.match(none.stderr, /no command given/)
  assert.equal((await place.run(['--stop'])).status, 100)
})

test('the port is in use: the answer of somebody else does not count', async (context) => {
  const place = openDaemons(context)
  const port = await freePort()
  const stranger = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end('HTTP/1.0 200 OK\r\n\r\nhello')
  })
  await new Promise<void>((done) => stranger.listen(port, '127.0.0.1', done))
  context.after(() => stranger.close())
  const serve = ['python3', '-m', 'http.server', `${port}`, '--bind', '127.0.0.1']
  for (const ready of [`tcp=${port}`, `http=http://127.0.0.1:${port}/`]) {
    const dead = await place.run(['--ready', ready, '-p', place.path('d.pid'), '--', ...serve])
    assert.equal(dead.status, 1, dead.stderr)
    assert.match(dead.stderr, /Address already in use/)
    const words = ['--ready', ready, '--ready-timeout', '300ms', '-p', place.path('d.pid')]
    const late = await place.run([...words, '--', 'sleep', '1000'])
    assert.equal(late.status, 2, late.stderr)
    assert.match(late.stderr, new RegExp(`port ${port} is in use by '.*' \\(pid ${process.pid}\\)`))
    assert.deepEqual(place.left(), [])
    assert.equal(existsSync(place.path('d.pid')), false)
  }
})

test('a module is missing: what Node says, and its exit status', async (context) => {
  const place = openDaemons(context)
  const program = place.write('server.mjs', "import 'no-such-package'\n")
  const words = ['--ready', 'notify', '-p', place.path('d.pid'), '--', process.execPath, program]
  const { status, stderr } = await place.run(words)
  assert.equal(status, 1)
  assert.match(stderr, /ERR_MODULE_NOT_FOUND[\s\S]*\neudaemon: node: it ended before/)
  const relative = await place.run(['--ready', 'notify', '--', process.execPath, 'server.mjs'], {
    cwd: place.folder,
  })
  assert.equal(relative.status, 1)
  assert.match(relative.stderr, /'server.mjs' is there in this folder, but the daemon's/)
  assert.deepEqual(place.left(), [])
})

test('another user may not execute it, enter it or be it', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  const place = openDaemons(context)
  place.write('private', `#!/bin/sh\ntouch ${place.path('ran')}\n`, 0o700)
  mkdirSync(place.path('closed'), { mode: 0o700 })
  const touch = ['--', 'touch', place.path('ran')]
  const nobody = ['--user', 'nobody:nogroup']
  await expectRefusals(place, {
    program: { words: [...nobody, '--', './private'], status: 126, said: /permission denied/ },
    folder: { words: [...nobody, '--chdir', 'closed', ...touch], status: 111, said: /denied/ },
  })
})

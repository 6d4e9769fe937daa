// runs-as: nobody
// Real daemons under `eudaemon run`: at the moment at which the command has ended, the very first
// connection is answered, every time, and afterwards the daemon can be stopped with nothing left.
// DAEMON_STARTS=100 for more starts of each than the suite has time for.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { test } from 'node:test'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { freePort } from '../support/ports.ts'
import { compile, findInstalled, program } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'

const STARTS = Number(process.env['DAEMON_STARTS'] ?? 20)

interface Talk {
  readonly send: string
  readonly expect: string
}

const http: Talk = { send: 'GET / HTTP/1.0\r\n\r\n', expect: '200 OK' }
const redis: Talk = { send: 'PING\r\n', expect: '+PONG' }
const ssh: Talk = { send: '', expect: 'SSH-2.0-' }

interface Story {
  readonly program: string
  readonly talk: Talk
  /** The words after `run`. */
  readonly words: (place: Daemons, port: number, path: string) => readonly string[]
}

const stories: Readonly<Record<string, Story>> = {
  'nginx, tcp': {
    program: 'nginx',
    talk: http,
    words: (place, port, path) => {
      const file = nginxFile(place, port, 'nginx-own.pid')
      return ['--ready', `tcp=${port}`, '--', path, '-c', file, '-g', 'daemon off;']
    },
  },
  'nginx, http': {
    program: 'nginx',
    talk: http,
    words: (place, port, path) => {
      const file = nginxFile(place, port, 'nginx-own.pid')
      const url = `http://127.0.0.1:${port}/`
      return ['--ready', `http=${url}`, '--', path, '-c', file, '-g', 'daemon off;']
    },
  },
  'nginx, forking': {
    program: 'nginx',
    talk: http,
    words: (place, port, path) => {
      const file = nginxFile(place, port, 'daemon.pid')
      return ['--ready', 'forking', '--', path, '-c', file]
    },
  },
  'redis, notify': {
    program: 'redis-server',
    talk: redis,
    words: (place, port, path) => {
      const own = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', place.folder]
      return ['--ready', 'notify', '--', path, ...own, '--supervised', 'systemd']
    },
  },
  'sshd, tcp': {
    program: 'sshd',
    talk: ssh,
    words: (place, port, path) => {
      const file = sshdFile(place, port)
      return ['--ready', `tcp=${port}`, '--', path, '-D', '-e', '-f', file]
    },
  },
  'python http.server, tcp': {
    program: 'python3',
    talk: http,
    words: (place, port, path) => {
      const own = ['-m', 'http.server', `${port}`, '--bind', '127.0.0.1', '-d', place.folder]
      return ['--ready', `tcp=${port}`, '--', path, ...own]
    },
  },
  'node, tcp': {
    program: process.execPath,
    talk: http,
    words: (_place, port, path) => [
      ...['--ready', `tcp=${port}`, '--', path, program('http-server.js'), `${port}`, '20'],
    ],
  },
  'node, log': {
    program: process.execPath,
    talk: http,
    words: (_place, port, path) => [
      ...['--ready', 'log=^listening$', '--', path, program('http-server.js'), `${port}`, '20'],
    ],
  },
}

for (const [name, story] of Object.entries(stories)) {
  test(`${name}: the first of the connections is answered, ${STARTS} times`, async (context) => {
    const path = findInstalled(story.program)
    if (skipUnless(context, path !== null, `${story.program} is not installed`)) return
    if (skipUnless(context, findInstalled('cc') !== null, 'there is no C compiler')) return
    const place = openDaemons(context)
    const client = compile('first-connection.c', place.folder)
    const port = await freePort()
    if (story.program === 'sshd') prepareSshd(place)
    const words = story.words(place, port, path ?? '')
    const pidFile = place.path('daemon.pid')
    const prefix = [client, `${port}`, story.talk.send, story.talk.expect]
    for (let round = 1; round <= STARTS; round += 1) {
      const started = await place.run(['--pid-file', pidFile, ...words], { prefix })
      assert.equal(started.status, 0, `round ${round}: ${started.stdout}${started.stderr}`)
      const stopped = await place.run(['--pid-file', pidFile, '--stop'])
      assert.deepEqual([stopped.status, stopped.stderr], [0, ''], `round ${round}`)
      await place.over()
      assert.equal(existsSync(pidFile), false)
    }
  })
}

function nginxFile(place: Daemons, port: number, pidFile: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const folders = kinds.map((kind) => `${kind}_temp_path ${place.path(`nginx-${kind}`)};`)
  return place.write(
    'nginx.conf',
    `${isRoot ? 'user root;' : ''} worker_processes 2; pid ${place.path(pidFile)};
     error_log ${place.path('nginx.log')};
     events { worker_connections 64; }
     http {
       access_log off; ${folders.join(' ')}
       server { listen 127.0.0.1:${port}; location / { return 200 "hello\\n"; } }
     }`,
  )
}

function sshdFile(place: Daemons, port: number): string {
  return place.write(
    'sshd_config',
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${place.path('host_key')}\nUsePAM no
     PidFile ${place.path('sshd-own.pid')}\nStrictModes no\n`,
  )
}

/** Its host key, and the empty folder that it wants as root. */
function prepareSshd(place: Daemons): void {
  const words = ['-q', '-t', 'ed25519', '-N', '', '-f', place.path('host_key')]
  const { status, stderr } = spawnSync('ssh-keygen', words, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  if (isRoot && !existsSync('/run/sshd')) {
    mkdirSync('/run/sshd', { mode: 0o755 })
    place.atEnd(() => rmdirSync('/run/sshd'))
  }
}

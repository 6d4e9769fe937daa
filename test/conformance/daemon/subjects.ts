// Who is measured: each subject is how its users start a daemon with it, with every option that its
// manual offers for a step of the lists (PID file, user, readiness) and no others. A new subject is
// one more row here.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** What is asked of a start; a subject that has no option for it answers null. */
export interface StartRequest {
  /** The probe with its arguments; absolute. */
  readonly probe: readonly string[]
  readonly pidFile: string
  /** Null: as the one who starts it. */
  readonly user: string | null
  /** True: the probe says by sd_notify when it is ready; the prompt is to wait for that. */
  readonly waits: boolean
}

export interface Subject {
  /** The head of its column. */
  readonly name: string
  /** True for what this project makes: every row must be right. */
  readonly isOurs: boolean
  /** `package version` of Debian without the revision; null when it is not there. */
  readonly version: () => string | null
  /** For the page; PROBE and the like stand for what differs. */
  readonly shown: string
  readonly command: (request: StartRequest) => readonly string[] | null
}

const bin = join(import.meta.dirname, '../../../bin/eudaemon.js')

const nodeProbe = join(import.meta.dirname, 'probe-node-program.ts')
const selfDaemon = join(import.meta.dirname, 'probe-self-daemon.ts')

const PYTHON = '/usr/bin/python3'

/** The words of DaemonContext, then the probe by exec: what it hands on is what it has set up. */
const pythonProgram = `
import os, pwd, signal, sys, daemon, daemon.pidfile
probe, pid_file, user = sys.argv[3:], sys.argv[1], sys.argv[2]
context = daemon.DaemonContext(pidfile=daemon.pidfile.TimeoutPIDLockFile(pid_file))
if user:
    entry = pwd.getpwnam(user)
    context.uid, context.gid, context.initgroups = entry.pw_uid, entry.pw_gid, True
with context:
    # What is Python's own, not DaemonContext's, is undone: it would not be seen in a Python daemon.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    for fd in (0, 1, 2):
        os.set_inheritable(fd, True)
    os.execv(probe[0], probe)
`

/** The version of an installed Debian package, without epoch and revision. */
function packageVersion(name: string, neededFile?: string): string | null {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name], {
    encoding: 'utf8',
  })
  const [status, version = ''] = (query.stdout ?? '').split(' ')
  if (status !== 'installed') return null
  if (neededFile !== undefined && spawnSync('test', ['-x', neededFile]).status !== 0) return null
  return `${name} ${version.replace(/^\d+:/, '').replace(/-[^-]*$/, '')}`
}

const peers: readonly Subject[] = [
  {
    name: 'python-daemon',
    isOurs: false,
    version: () => packageVersion('python3-daemon', PYTHON),
    shown: 'with DaemonContext(pidfile=…, uid=…, gid=…, initgroups=True): os.execv(PROBE)',
    command: ({ probe, pidFile, user, waits }) =>
      waits ? null : [PYTHON, '-c', pythonProgram, pidFile, user ?? '', ...probe],
  },
  {
    name: 'daemonize',
    isOurs: false,
    version: () => packageVersion('daemonize'),
    shown: 'daemonize -p FILE -l FILE.lock -u USER PROBE',
    command: ({ probe, pidFile, user, waits }) => {
      const options = user === null ? [] : ['-u', user]
      const files = ['-p', pidFile, '-l', `${pidFile}.lock`]
      return waits ? null : ['daemonize', ...files, ...options, ...probe]
    },
  },
  {
    name: 'daemon',
    isOurs: false,
    version: () => packageVersion('daemon'),
    shown: 'daemon --unsafe --name=probe --pidfile=FILE --user=USER -- PROBE',
    command: ({ probe, pidFile, user, waits }) => {
      const options = user === null ? [] : [`--user=${user}`]
      // Unsafe only in that the probe is below a folder that everybody may write to.
      const named = ['--unsafe', '--name=probe', `--pidfile=${pidFile}`]
      return waits ? null : ['daemon', ...named, ...options, '--', ...probe]
    },
  },
  {
    name: 'start-stop-daemon',
    isOurs: false,
    version: () => packageVersion('dpkg', '/sbin/start-stop-daemon'),
    shown:
      'start-stop-daemon --start --background --make-pidfile --pidfile FILE --chuid USER ' +
      '--notify-await --startas PROBE',
    command: ({ probe, pidFile, user, waits }) => {
      const [program = '', ...words] = probe
      const how = ['--start', '--background', '--make-pidfile', '--pidfile', pidFile]
      const options = [
        ...(user === null ? [] : ['--chuid', user]),
        ...(waits ? ['--notify-await'] : []),
      ]
      return ['/sbin/start-stop-daemon', ...how, ...options, '--startas', program, '--', ...words]
    },
  },
  {
    name: 'setsid -f',
    isOurs: false,
    version: () => packageVersion('util-linux'),
    shown: 'setsid -f PROBE',
    command: ({ probe, user, waits }) =>
      waits || user !== null ? null : ['setsid', '-f', ...probe],
  },
  {
    name: 'nohup &',
    isOurs: false,
    version: () => packageVersion('coreutils'),
    shown: "sh -c 'nohup PROBE > /dev/null 2>&1 &'",
    command: ({ probe, user, waits }) =>
      waits || user !== null
        ? null
        : ['/bin/sh', '-c', 'nohup "$@" > /dev/null 2>&1 &', 'sh', ...probe],
  },
]

const ours: readonly Subject[] = [
  {
    name: 'eudaemon run',
    isOurs: true,
    version: () => 'this one',
    shown: 'eudaemon run --ready notify --pid-file FILE --user USER -- PROBE',
    command: ({ probe, pidFile, user, waits }) => {
      const options = [
        ...['--ready', waits ? 'notify' : 'exec', '--pid-file', pidFile],
        ...(user === null ? [] : ['--user', user]),
      ]
      return [process.execPath, bin, 'run', ...options, '--', ...probe]
    },
  },
  {
    name: 'daemonize()',
    isOurs: true,
    version: () => 'this one',
    shown: 'await daemonize({ pidFile: FILE, user: USER }), and the probe as a Node program',
    command: ({ probe, pidFile, user }) => [
      ...[process.execPath, selfDaemon, pidFile, user ?? ''],
      ...probe.slice(1),
    ],
  },
]

/** A Node program instead of the probe: it must find what the probe finds. Not on the page. */
export const nodeUnderRun: Subject = {
  name: 'eudaemon run, a Node program',
  isOurs: true,
  version: () => 'this one',
  shown: 'eudaemon run -- node PROBE',
  command: ({ probe, pidFile, user, waits }) => {
    // Another user might not be allowed to read this checkout.
    if (waits || user !== null) return null
    const program = [process.execPath, nodeProbe, ...probe.slice(1)]
    return [process.execPath, bin, 'run', '--pid-file', pidFile, '--', ...program]
  },
}

/** In the order of the columns. */
export const subjects: readonly Subject[] = [...ours, ...peers]

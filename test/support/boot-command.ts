// A command for the printers of boot scripts, with the defaults of `eudaemon run`.

import type { BootCommand } from '../../src/daemonize/boot/boot-command.ts'

export function bootCommand(changes: Partial<BootCommand> = {}): BootCommand {
  return {
    name: 'web',
    description: 'A web server',
    argv: ['/bin/sleep', '1000'],
    eudaemon: ['/bin/true'],
    pidFile: '/run/web.pid',
    directory: '/',
    umask: 0o022,
    root: null,
    user: null,
    group: null,
    supplementaryGroups: [],
    nice: null,
    limits: {},
    environment: [],
    environmentFiles: [],
    stdin: '/dev/null',
    stdout: '/dev/null',
    stderr: '/dev/null',
    ready: 'exec',
    readyTimeoutMs: 30_000,
    keepOnTimeout: false,
    stopSignal: 15,
    stopTimeoutMs: 10_000,
    reloadSignal: null,
    coreDumps: false,
    reportsToSyslog: false,
    keepEnvironment: 'sanitised',
    ...changes,
  }
}

/** Everything is set to something else than the default. */
export const fullCommand: BootCommand = bootCommand({
  description: 'A web server with 100% of "it" & more \\',
  argv: ['/bin/sleep', '1000', "it's", '$HOME `id` %n', '', 'a\nb', ';', '\\', '<&>', '-- #'],
  eudaemon: ['/bin/true', '/etc/passwd'],
  pidFile: '/run/web/main.pid',
  directory: '/tmp',
  umask: 0o027,
  root: '/srv/web root',
  user: 'daemon',
  group: 'nogroup',
  supplementaryGroups: ['adm', '4'],
  nice: -5,
  limits: {
    nofile: { soft: 1024, hard: Number.POSITIVE_INFINITY },
    rttime: { soft: 100, hard: 200 },
  },
  environment: [
    ['GREETING', 'it\'s "100%"\n$HOME'],
    ['EMPTY', ''],
  ],
  environmentFiles: ['/etc/web.env'],
  stdin: '/etc/motd',
  stdout: '/var/log/web 100%.log',
  stderr: 'syslog',
  ready: 'notify',
  readyTimeoutMs: 90_500,
  stopSignal: 3,
  stopTimeoutMs: Number.POSITIVE_INFINITY,
  reloadSignal: 36,
  coreDumps: true,
  keepEnvironment: 'all',
})

/** The comments of a printed file as one line of text. */
export function commentText(text: string): string {
  const lines = text.split('\n').filter((line) => line.startsWith('#'))
  return lines.map((line) => line.replace(/^#[ -]*/, '')).join(' ')
}

// The row of `eudaemon run` in the table of commands: it has more options than all others together.

import type { CommandSpec, OptionSpec } from './commands.ts'

const option = (
  name: string,
  value: string,
  doc: string,
  kind: NonNullable<OptionSpec['kind']> = 'text',
): OptionSpec => ({ name, value, kind, doc })

const actions: readonly OptionSpec[] = [
  { name: 'stop', doc: 'Stop the daemon of --pid-file, and prove that it has ended.' },
  { name: 'restart', doc: 'Stop it, then start COMMAND.' },
  { name: 'reload', doc: 'Send it the reload signal.' },
  { name: 'status', doc: 'Say whether it runs; exit status 0, 1, 3 or 4 as in LSB.' },
  option('signal', 'SIGNAL', 'Send it this signal.', 'signal'),
  { name: 'print-lsb-script', doc: 'Print a System V init script for COMMAND.' },
  { name: 'print-unit', doc: 'Print a systemd unit for COMMAND.' },
  { name: 'print-openrc-script', doc: 'Print an OpenRC script for COMMAND.' },
  { name: 'print-launchd-plist', doc: 'Print a launchd property list for COMMAND.' },
]

const readiness: readonly OptionSpec[] = [
  {
    name: 'ready',
    short: 'r',
    value: 'HOW',
    kind: 'text',
    doc:
      'How the command says that it serves: exec (it was executed, the default), notify, fd=N, ' +
      'stderr-closed, signal, stop, forking, tcp=[HOST:]PORT, http=URL, log=PATTERN, delay=TIME.',
  },
  option(
    'ready-timeout',
    'TIME',
    'Give up after this time; 90s, `never` for no limit.',
    'duration',
  ),
  { name: 'keep-on-timeout', doc: 'Leave a daemon running that was not ready in time.' },
]

const process: readonly OptionSpec[] = [
  option('name', 'NAME', 'For messages and syslog; otherwise the name of the program.'),
  option('chdir', 'DIR', 'Its working directory; / otherwise.', 'file'),
  option('root', 'DIR', 'Its root directory (chroot); --chdir is a directory inside.', 'file'),
  option('umask', 'MASK', 'Its file mode creation mask, octal; 022 otherwise.'),
  {
    name: 'user',
    short: 'u',
    value: 'USER[:GROUP]',
    kind: 'text',
    doc: 'As whom it runs, with that user’s groups.',
  },
  option('group', 'GROUP', 'Its primary group.'),
  option('groups', 'GROUP[,GROUP]', 'Supplementary groups besides those of the user.'),
  option('nice', 'N', 'Its niceness, -20 to 19.', 'number'),
  option('limit', 'NAME=SOFT[:HARD]', 'A resource limit by its name in prlimit; repeatable.'),
  { name: 'core', doc: 'Allow core dumps, which are prevented otherwise.' },
  option('env', 'NAME=VALUE', 'Set a variable; NAME alone passes ours on; repeatable.'),
  // Not --env-file: Node looks for that behind the script too, and obeys a NODE_OPTIONS in it.
  option('environment-file', 'FILE', 'Set the variables of a file; repeatable.', 'file'),
  { name: 'keep-env', doc: 'Pass on the whole environment, terminal and session included.' },
  { name: 'clear-env', doc: 'Pass on PATH only.' },
  option('keep-fd', 'N', 'Pass this descriptor on, from 3; all others are closed; repeatable.'),
  option('stdin', 'FILE', 'Its standard input; /dev/null otherwise.', 'file'),
  option('stdout', 'WHERE', 'A file to append to, `syslog`, or `null`, the default.', 'file'),
  option('stderr', 'WHERE', 'The same for standard error.', 'file'),
]

const control: readonly OptionSpec[] = [
  {
    name: 'pid-file',
    short: 'p',
    value: 'FILE',
    kind: 'file',
    doc: 'Write its process number there, locked while it lives; with forking it writes it itself.',
  },
  { name: 'single', doc: 'Refuse a second copy; without --pid-file the usual place holds one.' },
  option('stop-signal', 'SIGNAL', 'What asks it to end; TERM otherwise.', 'signal'),
  option('stop-timeout', 'TIME', 'From there to SIGKILL; 10s otherwise.', 'duration'),
  option('reload-signal', 'SIGNAL', 'What asks it to reload; HUP otherwise.', 'signal'),
  { name: 'syslog', doc: 'Report a failed start to syslog too.' },
  { name: 'supervised', doc: 'Hand the command to the supervisor instead.' },
]

export const runCommandSpec: CommandSpec = {
  name: 'run',
  summary: 'Run a command as a well-behaved daemon; return when it is ready.',
  about: [
    'The command gets a session without a terminal, no descriptor but its own three, default ' +
      'signals, a clean environment and no core dumps, and is an orphan: no supervisor watches ' +
      'it. The prompt comes back when it is ready to serve, or with its messages and its exit ' +
      'status (128 and the signal’s number when it was killed; 127 not found, 126 not ' +
      'executable; ' +
      '2 not ready in time).',
    'What it writes to standard error while it starts is shown. With --pid-file the daemon can ' +
      'be stopped, reloaded and asked for later: its process is known by more than its number.',
  ],
  arguments: [{ name: 'COMMAND', kind: 'text', min: 0, max: 10_000 }],
  endsOptions: true,
  options: [...readiness, ...control, ...process, ...actions],
  exitCodes: [1, 2, 3, 4],
  examples: [
    ['eudaemon run -- /usr/bin/redis-server --port 6400', 'returns when it was executed'],
    [
      'eudaemon run --ready tcp=8080 -p /run/web.pid -- node /srv/web/server.js',
      'returns when the port answers',
    ],
    ['eudaemon run -p /run/web.pid --stop', 'TERM, then KILL after 10 seconds'],
  ],
}

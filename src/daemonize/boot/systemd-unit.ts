// A systemd service unit. What systemd can do itself is said in its own settings; when something is
// beyond them (a way to be ready, an odd path), the unit starts the daemon by `eudaemon run`, so
// that nothing is lost.

import { quote } from '../../base/quote.ts'
import {
  type BootCommand,
  type BootText,
  checkBootCommand,
  hasOwnPidFile,
  needsNetwork,
  oneLine,
  readyKind,
  refuseBoot,
  volatileFolder,
} from './boot-command.ts'
import { hashComment, noteComment } from './comment.ts'
import { milliseconds, octal, shortSignal, startOptions } from './start-options.ts'
import {
  commandLine,
  isUnitPath,
  isUnitPattern,
  isUnitProgram,
  isUnitUser,
  isUnitVariable,
  unitText,
  unitWord,
} from './systemd-words.ts'

/** What the manager of systemd needs for itself, on top of the time that we take. */
const MARGIN_MS = 10_000

/** The ways to be ready that systemd knows, as values of Type=. */
const types: Readonly<Record<string, string>> = {
  exec: 'exec',
  notify: 'notify',
  forking: 'forking',
}

/** The unit for /etc/systemd/system/NAME.service. Throws ERR_BOOT_TEXT. */
export function printSystemdUnit(command: BootCommand): BootText {
  checkBootCommand(command)
  if (!isUnitPath(command.pidFile)) {
    refuseBoot('a unit file cannot name this PID file; give a plain path with --pid-file')
  }
  if (!isUnitProgram(command.eudaemon[0] ?? '')) {
    refuseBoot('a unit file cannot name eudaemon where it is installed; give it a plain path')
  }
  const beyond = beyondSystemd(command)
  const notes = beyond.length > 0 ? runNotes(command, beyond) : directNotes(command)
  const service = beyond.length > 0 ? runSection(command) : directSection(command)
  const lines = [
    ...hashComment('Made by `eudaemon run --print-unit`; install it as'),
    ...hashComment(`/etc/systemd/system/${command.name}.service.`),
    ...noteComment('systemd', notes),
    '',
    '[Unit]',
    `Description=${unitText(oneLine(command)).replace(/\\+$/, '')}`,
    ...network(command),
    '',
    '[Service]',
    ...service,
    '# As with `eudaemon run`: when it ends, it has ended. With on-failure it starts again.',
    'Restart=no',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ]
  return { text: lines.join('\n'), notes }
}

/** Why the unit must go through `eudaemon run`: what systemd has no setting for. */
function beyondSystemd(command: BootCommand): readonly string[] {
  const { user, group, root, directory, stdin, stdout, stderr } = command
  const files = [stdin, stdout, stderr].filter((target) => target !== 'syslog')
  const people = [user, group, ...command.supplementaryGroups]
  const found: readonly (readonly [isBeyond: boolean, what: string])[] = [
    [types[readyKind(command)] === undefined, `the readiness ${quote(command.ready)}`],
    [command.keepOnTimeout && readyKind(command) !== 'exec', 'a daemon that is late and stays'],
    [!isUnitProgram(command.argv[0] ?? ''), 'the path of the command'],
    [![directory, root ?? '/', ...files].every(isUnitPath), 'one of the paths'],
    [!command.environmentFiles.every(isUnitPattern), 'the path of an environment file'],
    [!command.environment.every(([name]) => isUnitVariable(name)), 'the name of a variable'],
    [!people.every((name) => name === null || isUnitUser(name)), 'the name of a user or group'],
  ]
  return found.flatMap(([isBeyond, what]) => (isBeyond ? [what] : []))
}

function network(command: BootCommand): readonly string[] {
  if (!needsNetwork(command)) return ['After=network.target']
  return ['Wants=network-online.target', 'After=network-online.target']
}

function runSection(command: BootCommand): readonly string[] {
  const { readyTimeoutMs, stopTimeoutMs } = command
  const folder = volatileFolder(command)
  const words = [`--pid-file=${command.pidFile}`, ...startOptions(command), '--', ...command.argv]
  return [
    'Type=forking',
    `PIDFile=${unitText(command.pidFile)}`,
    ...(folder === null ? [] : [`ExecStartPre=/bin/mkdir -p ${unitWord(folder)}`]),
    `ExecStart=${commandLine([...command.eudaemon, 'run', ...words])}`,
    '# `eudaemon run` keeps the time, and has something left to stop what is not ready in time.',
    `TimeoutStartSec=${milliseconds(readyTimeoutMs + stopTimeoutMs + MARGIN_MS)}`,
    ...ending(command),
  ]
}

function runNotes(command: BootCommand, beyond: readonly string[]): readonly string[] {
  const notes = [
    `systemd has no setting for ${beyond.join(', ')}: this unit starts the daemon by ` +
      '`eudaemon run`, which must stay installed.',
  ]
  if (command.keepEnvironment === 'all') {
    notes.push('The environment that is kept is the one of systemd, which is nearly empty.')
  }
  return notes
}

function directSection(command: BootCommand): readonly string[] {
  const { supplementaryGroups } = command
  const type = types[readyKind(command)] ?? 'exec'
  return [
    `Type=${type}`,
    ...(type === 'notify' ? ['# Children of the daemon may speak too.', 'NotifyAccess=all'] : []),
    ...(type === 'forking' ? [`PIDFile=${unitText(command.pidFile)}`] : []),
    `ExecStart=${commandLine(command.argv)}`,
    ...given('User', command.user),
    ...given('Group', command.group),
    ...given(
      'SupplementaryGroups',
      supplementaryGroups.length === 0 ? null : supplementaryGroups.join(' '),
    ),
    ...given('RootDirectory', command.root),
    `WorkingDirectory=${unitText(command.directory)}`,
    `UMask=${octal(command.umask)}`,
    ...given('Nice', command.nice === null ? null : String(command.nice)),
    ...limits(command),
    ...command.environmentFiles.map((path) => `EnvironmentFile=${unitText(path)}`),
    ...command.environment.map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}`),
    `StandardInput=${command.stdin === '/dev/null' ? 'null' : `file:${unitText(command.stdin)}`}`,
    `StandardOutput=${output(command.stdout)}`,
    `StandardError=${output(command.stderr)}`,
    '# A daemon gets the signal in its default state, not ignored.',
    'IgnoreSIGPIPE=no',
    `TimeoutStartSec=${milliseconds(command.readyTimeoutMs)}`,
    ...ending(command),
  ]
}

/** How it is told to reload and to stop. */
function ending({ reloadSignal, stopSignal, stopTimeoutMs }: BootCommand): readonly string[] {
  return [
    ...(reloadSignal === null ? [] : [`ExecReload=${killCommand(reloadSignal)}`]),
    '# Only the daemon gets the signal, as with --stop; what it leaves behind is killed.',
    'KillMode=mixed',
    `KillSignal=SIG${shortSignal(stopSignal)}`,
    `TimeoutStopSec=${milliseconds(stopTimeoutMs)}`,
  ]
}

/** kill(1) of util-linux and that of procps agree on numbers, but not on names of real-time. */
function killCommand(signal: number): string {
  const name = shortSignal(signal)
  return `/bin/kill -s ${/^[A-Z]+\d?$/.test(name) ? name : signal} $MAINPID`
}

function limits({ limits: wanted, coreDumps }: BootCommand): readonly string[] {
  const core = coreDumps ? Number.POSITIVE_INFINITY : 0
  const all = { core: { soft: core, hard: core }, ...wanted }
  return Object.entries(all).map(([name, { soft, hard }]) => {
    const both = [soft, hard].map((value) => (Number.isFinite(value) ? value : 'infinity'))
    return `Limit${name.toUpperCase()}=${both.join(':')}`
  })
}

function output(target: string): string {
  if (target === '/dev/null') return 'null'
  return target === 'syslog' ? 'journal' : `append:${unitText(target)}`
}

function given(setting: string, value: string | null): readonly string[] {
  return value === null ? [] : [`${setting}=${unitText(value)}`]
}

function directNotes(command: BootCommand): readonly string[] {
  const { stdout, stderr, environment, environmentFiles } = command
  const isLogging = stdout === 'syslog' || stderr === 'syslog'
  const hasFiles = environmentFiles.length > 0
  const notes: readonly (readonly [boolean, string])[] = [
    [isLogging, 'Output goes to the journal, which hands it to syslog when there is one.'],
    [hasFiles, 'systemd reads environment files by its own rules (EnvironmentFile=).'],
    [
      hasFiles && environment.length > 0,
      'A variable that is given both in a file and by itself has the value of the file.',
    ],
    [
      hasOwnPidFile(command) && readyKind(command) !== 'forking',
      'systemd needs no PID file and writes none.',
    ],
    [
      command.keepEnvironment === 'clean',
      'The environment is not empty: systemd sets PATH, LANG, INVOCATION_ID and some more.',
    ],
    [
      command.keepEnvironment === 'all',
      'There is no environment to keep at boot: only what systemd sets, and what is set here.',
    ],
  ]
  return notes.flatMap(([applies, note]) => (applies ? [note] : []))
}

// A property list for launchd (launchd.plist(5)), for the same command on another system: there is
// no `eudaemon run` there, so what launchd has no key for is only said.

import { quote } from '../../base/quote.ts'
import {
  type BootCommand,
  type BootText,
  checkBootCommand,
  hasOwnPidFile,
  readyKind,
  refuseBoot,
} from './boot-command.ts'
import { wrap } from './comment.ts'
import { shortSignal } from './start-options.ts'

type Value = string | number | boolean | readonly string[] | Entries
interface Entries {
  readonly [key: string]: Value
}

/** The keys of SoftResourceLimits by the names of prlimit(1); launchd has no others. */
const limitKeys: Readonly<Record<string, string>> = {
  core: 'Core',
  cpu: 'CPU',
  data: 'Data',
  fsize: 'FileSize',
  memlock: 'MemoryLock',
  nofile: 'NumberOfFiles',
  nproc: 'NumberOfProcesses',
  rss: 'ResidentSetSize',
  stack: 'Stack',
}

/** RLIM_INFINITY of that system; no number of JavaScript. */
const UNLIMITED = '9223372036854775807'

const SIGTERM = 15

/** The list for /Library/LaunchDaemons/NAME.plist. Throws ERR_BOOT_TEXT. */
export function printLaunchdPlist(command: BootCommand): BootText {
  checkBootCommand(command)
  const notes = launchdNotes(command)
  const comment = [
    'Made by eudaemon run with the option print-launchd-plist; install it as',
    `/Library/LaunchDaemons/${command.name}.plist.`,
    ...(notes.length === 0 ? [] : ['', 'What launchd cannot do, or does differently:']),
    ...notes.flatMap((note) =>
      wrap(note, 72).map((line, at) => (at === 0 ? `* ${line}` : `  ${line}`)),
    ),
  ]
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"',
    '  "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<!--',
    ...comment.map((line) => inComment(line === '' ? '' : `  ${line}`)),
    '-->',
    '<plist version="1.0">',
    ...printValue(entries(command), ''),
    '</plist>',
    '',
  ]
  return { text: lines.join('\n'), notes }
}

function entries(command: BootCommand): Entries {
  const { user, group, root, nice, environment, stopTimeoutMs } = command
  const isEndless = stopTimeoutMs === Number.POSITIVE_INFINITY
  return {
    Label: command.name,
    ProgramArguments: command.argv,
    ...(user === null ? {} : { UserName: user }),
    ...(group === null ? {} : { GroupName: group }),
    ...(root === null ? {} : { RootDirectory: root }),
    WorkingDirectory: command.directory,
    Umask: command.umask,
    ...(nice === null ? {} : { Nice: nice }),
    ...limits(command),
    ...(environment.length === 0 ? {} : { EnvironmentVariables: Object.fromEntries(environment) }),
    StandardInPath: command.stdin,
    ...(command.stdout === 'syslog' ? {} : { StandardOutPath: command.stdout }),
    ...(command.stderr === 'syslog' ? {} : { StandardErrorPath: command.stderr }),
    // Zero is "for ever".
    ExitTimeOut: isEndless ? 0 : Math.max(1, Math.ceil(stopTimeoutMs / 1_000)),
    RunAtLoad: true,
    KeepAlive: false,
  }
}

function limits({ limits: wanted, coreDumps }: BootCommand): Entries {
  const core = coreDumps ? Number.POSITIVE_INFINITY : 0
  const all = { core: { soft: core, hard: core }, ...wanted }
  const soft: Record<string, number> = {}
  const hard: Record<string, number> = {}
  for (const [name, limit] of Object.entries(all)) {
    const key = limitKeys[name]
    if (key === undefined) continue
    soft[key] = limit.soft
    hard[key] = limit.hard
  }
  return { SoftResourceLimits: soft, HardResourceLimits: hard }
}

function printValue(value: Value, indent: string): readonly string[] {
  if (typeof value === 'string') return [`${indent}<string>${escapeText(value)}</string>`]
  if (typeof value === 'boolean') return [`${indent}<${value}/>`]
  if (typeof value === 'number') {
    return [`${indent}<integer>${Number.isFinite(value) ? value : UNLIMITED}</integer>`]
  }
  const inner = `${indent}  `
  if (isList(value)) {
    return [
      `${indent}<array>`,
      ...value.flatMap((item) => printValue(item, inner)),
      `${indent}</array>`,
    ]
  }
  const lines = Object.entries(value).flatMap(([key, item]) => [
    `${inner}<key>${escapeText(key)}</key>`,
    ...printValue(item, inner),
  ])
  return [`${indent}<dict>`, ...lines, `${indent}</dict>`]
}

function isList(value: readonly string[] | Entries): value is readonly string[] {
  return Array.isArray(value)
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\r': '&#13;',
}

/** XML 1.0 has no notation for most control characters (2.2, "Characters"). */
const notInXml = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu

function escapeText(text: string): string {
  if (text.search(notInXml) !== -1) {
    refuseBoot(`a property list cannot hold ${quote(text)}: XML has no such characters`)
  }
  return text.replace(/[&<>\r]/g, (character) => escapes[character] ?? character)
}

/** Two dashes would end the comment; it may hold no other characters than texts may. */
function inComment(line: string): string {
  return line.replace(notInXml, '\u{fffd}').replace(/-(?=-|$)/g, '- ')
}

function launchdNotes(command: BootCommand): readonly string[] {
  const { name, ready, user, group, stdout, stderr, reloadSignal, stopSignal } = command
  const lost = Object.keys(command.limits).filter((limit) => limitKeys[limit] === undefined)
  const isNumber = [user, group].some((word) => word !== null && /^\d+$/.test(word))
  const reload = shortSignal(reloadSignal ?? SIGTERM)
  const notes: readonly (readonly [applies: boolean, note: string])[] = [
    [
      readyKind(command) !== 'exec',
      `Nobody waits until the daemon is ready (${quote(ready)}): launchd has no readiness.`,
    ],
    [
      readyKind(command) === 'forking',
      'launchd takes a command that goes into the background for dead: give it the option to stay.',
    ],
    [
      reloadSignal !== null,
      `It has no reload: run \`launchctl kill SIG${reload} system/${name}\`.`,
    ],
    [stopSignal !== SIGTERM, `It stops with SIGTERM, never with SIG${shortSignal(stopSignal)}.`],
    [
      stdout === 'syslog' || stderr === 'syslog',
      'It sends no output to syslog: that output goes to /dev/null; name files instead.',
    ],
    [
      command.environmentFiles.length > 0,
      `It reads no environment files: ${command.environmentFiles.map(quote).join(', ')}.`,
    ],
    [
      command.supplementaryGroups.length > 0,
      'It sets no supplementary groups but those that the user is a member of.',
    ],
    [isNumber, 'Users and groups must be names; it does not take numbers.'],
    [lost.length > 0, `It has no limits named ${lost.join(', ')}.`],
    [hasOwnPidFile(command), 'It writes no PID file.'],
    [command.keepEnvironment === 'clean', 'The environment is not empty: launchd sets PATH.'],
    [command.keepEnvironment === 'all', 'There is no environment to keep at boot.'],
  ]
  return notes.flatMap(([applies, note]) => (applies ? [note] : []))
}

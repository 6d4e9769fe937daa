// What the printers for init systems are given, and what they give back. Users and groups are words
// as the operator wrote them; nothing here looks at the machine that prints.

import { MAX_NAME_LENGTH } from '../../base/limits.ts'
import { quote } from '../../base/quote.ts'
import { ToolkitError } from '../../base/toolkit-error.ts'
import type { ProcessSettings } from '../../launch/preamble.ts'
import type { EnvironmentMode } from '../daemon-environment.ts'

/** A command and how `eudaemon run` is to start it, with every default filled in. */
export interface BootCommand {
  /** The service's name: letters, digits, `.`, `_` and `-`. */
  readonly name: string
  /** One line for people. */
  readonly description: string
  /** The first word is an absolute path, inside of `root` when there is one. */
  readonly argv: readonly string[]
  /** What runs our own command: `['/usr/bin/eudaemon']`, or node and a script. */
  readonly eudaemon: readonly string[]
  readonly pidFile: string
  readonly directory: string
  readonly umask: number
  readonly root: string | null
  /** Names or numbers. */
  readonly user: string | null
  readonly group: string | null
  /** Besides those that the user is a member of. */
  readonly supplementaryGroups: readonly string[]
  /** -20 to 19. */
  readonly nice: number | null
  /** By their names as options of prlimit(1), in its units; unlimited is Infinity. */
  readonly limits: ProcessSettings['limits']
  readonly environment: readonly (readonly [name: string, value: string])[]
  readonly environmentFiles: readonly string[]
  /** `/dev/null` or a file. */
  readonly stdin: string
  /** `/dev/null`, a file that is appended to, or `syslog`. */
  readonly stdout: string
  readonly stderr: string
  /** As given to `--ready`: `exec`, `notify`, `fd=3`, `tcp=localhost:80`… */
  readonly ready: string
  /** Infinity: no limit. */
  readonly readyTimeoutMs: number
  /** A daemon that is not ready in time is left running. */
  readonly keepOnTimeout: boolean
  readonly stopSignal: number
  /** Infinity: never killed. */
  readonly stopTimeoutMs: number
  /** Null: the daemon cannot reload. */
  readonly reloadSignal: number | null
  /** False: they are prevented. */
  readonly coreDumps: boolean
  /** A failed start is reported to syslog too. */
  readonly reportsToSyslog: boolean
  readonly keepEnvironment: EnvironmentMode
}

/** The options of `eudaemon run` that print one. */
export const bootPrinters = [
  'print-lsb-script',
  'print-unit',
  'print-openrc-script',
  'print-launchd-plist',
] as const
export type BootPrinter = (typeof bootPrinters)[number]

/** A printed file. */
export interface BootText {
  readonly text: string
  /** What this init system cannot do or does differently, a sentence each; also in the text. */
  readonly notes: readonly string[]
}

/** The word in front of `=`: `tcp` for `tcp=localhost:80`. */
export function readyKind(command: BootCommand): string {
  return command.ready.split('=', 1)[0] ?? ''
}

/** True when it is ready once somebody answers over a network. */
export function needsNetwork(command: BootCommand): boolean {
  return ['tcp', 'http'].includes(readyKind(command))
}

/** True when the PID file is not where everybody looks first. */
export function hasOwnPidFile(command: BootCommand): boolean {
  return command.pidFile !== `/run/${command.name}.pid`
}

/**
 * The PID file's folder when a boot empties the place where it is (tmpfs), so that it must be made
 * at every start; null when it is there anyway.
 */
export function volatileFolder({ pidFile }: BootCommand): string | null {
  const folder = pidFile.slice(0, pidFile.lastIndexOf('/'))
  return /^(?:\/var)?\/run\/./.test(folder) ? folder : null
}

/** The description in one line without control characters; the name when there is none. */
export function oneLine(command: BootCommand): string {
  const line = command.description.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return line === '' ? command.name : line
}

/**
 * Refuses what no boot script can name: a relative path (an init system starts everything in `/`),
 * or a name that would not do as a file name in all of them.
 */
export function checkBootCommand(command: BootCommand): void {
  const { name, directory, root, pidFile } = command
  const isName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && name.length <= MAX_NAME_LENGTH
  if (!isName) {
    throw new ToolkitError('ERR_BOOT_TEXT', `${quote(name)} cannot be the name of a service`, {
      hint: `Give one with --name: letters, digits, '.', '_', '-', at most ${MAX_NAME_LENGTH}.`,
    })
  }
  const paths: readonly (readonly [what: string, path: string | undefined])[] = [
    ['the command', command.argv[0]],
    ['the path of eudaemon', command.eudaemon[0]],
    ['the PID file', pidFile],
    ['the working directory', directory],
    ['the root directory', root ?? '/'],
    ...command.environmentFiles.map((path) => ['an environment file', path] as const),
  ]
  for (const [what, path] of paths) {
    if (path?.startsWith('/') !== true) refuseBoot(`${what}, ${quote(path ?? '')}, is not absolute`)
  }
}

/** Throws ERR_BOOT_TEXT. */
export function refuseBoot(message: string): never {
  throw new ToolkitError('ERR_BOOT_TEXT', message)
}

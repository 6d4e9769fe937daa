// The options of daemonize(): what they mean, checked and completed. Both processes do this, in the
// same directory, and come to the same answer.

import { basename, resolve } from 'node:path'
import type { Milliseconds } from '../base/brands.ts'
import { parseDuration } from '../base/duration.ts'
import { READY_TIMEOUT_MS } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { User } from '../kernel/credentials.ts'
import { ownIdentity } from '../kernel/identity.ts'
import { type CredentialChange, resolveCredentials } from '../launch/credentials.ts'
import { whyNoDirectory } from '../launch/program.ts'
import { type LaunchRefusal, printRefusal } from '../launch/refusal.ts'
import type { EnvironmentMode } from './daemon-environment.ts'
import type { StreamTarget } from './daemon-request.ts'
import { usualPidFile } from './usual-pid-file.ts'

/** A number of milliseconds, or a text such as `'10s'`, `'500ms'`, `'2min'`, `'never'`. */
export type Time = number | string

/** Everything has a default; relative paths are meant from where the program was started. */
export interface DaemonizeOptions {
  /** In messages, in syslog and of the PID file of `single`. Default: the name of the script. */
  readonly name?: string
  /** Made, locked for the life of the daemon, and proved by more than a number. Default: none. */
  readonly pidFile?: string
  /** A second copy is refused. Without `pidFile` there is one in /run or XDG_RUNTIME_DIR. */
  readonly single?: boolean
  /** Default: `/`. */
  readonly workingDirectory?: string
  /** Default: `0o022`. */
  readonly umask?: number
  /** Name or number. Needs root. HOME, USER, LOGNAME and SHELL follow. Default: as we are. */
  readonly user?: string | number
  /** Name or number. Default: the group of `user`. */
  readonly group?: string | number
  /** Supplementary groups, besides those that `user` is a member of. */
  readonly groups?: readonly (string | number)[]
  /** `'sanitised'` (the default): without what belongs to terminal, login, shell and loader;
   *  `'clean'`: nothing but PATH; `'all'`. */
  readonly environment?: EnvironmentMode
  /** Descriptors from 3 on that the program was started with, and that the daemon keeps. */
  readonly keepFds?: readonly number[]
  /** A file. Default, and null: /dev/null. */
  readonly stdin?: string | null
  /** A file that is appended to, or `'syslog'`. Default, and null: /dev/null. */
  readonly stdout?: string | null
  /** The same. Until ready() it is also shown by the first process. */
  readonly stderr?: string | null
  /** From the start until ready(); the daemon is stopped when it is over. Default: 90 s. */
  readonly readyTimeout?: Time
  /** Core dumps are allowed. Default: they are prevented. */
  readonly core?: boolean
  /** `'auto'` (the default): unless somebody supervises the program already. */
  readonly detach?: 'auto' | boolean
}

/** The options with every default, and what they name looked up. */
export interface DaemonPlan {
  readonly name: string
  readonly pidFile: string | null
  readonly directory: string
  readonly umask: number
  readonly user: User | null
  /** Null: it runs as we do. */
  readonly change: CredentialChange | null
  readonly environment: EnvironmentMode
  readonly keptFds: readonly number[]
  readonly stdin: string
  readonly stdout: StreamTarget
  readonly stderr: StreamTarget
  readonly readyTimeoutMs: Milliseconds
  readonly coreDumps: boolean
}

/** Throws ERR_BAD_OPTION for what is badly written, ERR_DAEMON_STEP for what is not there. */
export function planOf(options: DaemonizeOptions): DaemonPlan {
  const self = ownIdentity()
  const found = resolveCredentials(wantedCredentials(options), self)
  if (found.kind === 'refused') throw refused(found)
  const directory = resolve(text('workingDirectory', options.workingDirectory ?? '/'))
  const refusal = whyNoDirectory(directory)
  if (refusal !== null) throw refused(refusal)
  const name = nameOf(options)
  return {
    name,
    pidFile: pidFileOf(options, name, self.uid),
    directory,
    umask: numberIn('umask', options.umask ?? 0o022, 0, 0o777),
    user: found.user,
    change: found.change,
    environment: modeOf(options.environment ?? 'sanitised'),
    keptFds: (options.keepFds ?? []).map((fd) => numberIn('keepFds', fd, 3, MAX_FD)),
    stdin: resolve(text('stdin', options.stdin ?? '/dev/null')),
    stdout: streamOf('stdout', options.stdout ?? null),
    stderr: streamOf('stderr', options.stderr ?? null),
    readyTimeoutMs: toMilliseconds('readyTimeout', options.readyTimeout ?? READY_TIMEOUT_MS),
    coreDumps: options.core ?? false,
  }
}

const MAX_FD = 999_999

/** Infinity for `'never'`. Throws ERR_BAD_OPTION. */
export function toMilliseconds(option: string, time: Time): Milliseconds {
  const ms = typeof time === 'string' ? parseDuration(time) : time
  if (ms === undefined || !(ms > 0)) throw bad(option, `${shown(time)} is no time; write '10s'`)
  return ms
}

/** The script without its ending; `node` for a program that has none. */
export function scriptName(): string {
  const name = basename(process.argv[1] ?? '').replace(/\.[cm]?[jt]sx?$/, '')
  const safe = name.replace(/[^A-Za-z0-9_.@+-]/g, '_').replace(/^[^A-Za-z0-9_]+/, '')
  return safe === '' ? 'node' : safe
}

function nameOf({ name = scriptName() }: DaemonizeOptions): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/.test(name)) return name
  throw bad('name', `${shown(name)} cannot be a name; letters, digits and _ . @ + - can`)
}

function pidFileOf({ pidFile, single }: DaemonizeOptions, name: string, uid: number) {
  if (pidFile !== undefined) return resolve(text('pidFile', pidFile))
  if (single !== true) return null
  const usual = usualPidFile(name, uid, process.env)
  if (usual !== null) return usual
  throw bad('single', 'there is no XDG_RUNTIME_DIR for the PID file; name one with pidFile')
}

function wantedCredentials({ user, group, groups = [] }: DaemonizeOptions) {
  return {
    user: user === undefined ? null : String(user),
    group: group === undefined ? null : String(group),
    supplementaryGroups: groups.map(String),
  }
}

function modeOf(mode: string): EnvironmentMode {
  if (mode === 'sanitised' || mode === 'clean' || mode === 'all') return mode
  throw bad('environment', `${shown(mode)} is none of 'sanitised', 'clean' and 'all'`)
}

function streamOf(option: string, target: string | null): StreamTarget {
  if (target === null || target === '/dev/null') return { kind: 'null' }
  if (target === 'syslog') return { kind: 'syslog' }
  return { kind: 'file', path: resolve(text(option, target)) }
}

function text(option: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
  throw bad(option, `${shown(value)} is no path`)
}

function numberIn(option: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw bad(option, `${shown(value)} is no number from ${least} to ${most}`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? quote(value) : String(value)
}

/** An error of the program that wrote the option. */
export function bad(option: string, problem: string): ToolkitError {
  return new ToolkitError('ERR_BAD_OPTION', `option '${option}': ${problem}`)
}

function refused(refusal: LaunchRefusal): ToolkitError {
  return new ToolkitError('ERR_DAEMON_STEP', printRefusal(refusal))
}

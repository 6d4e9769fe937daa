// From the words of a command line to a request: what `eudaemon run` is told, checked and
// completed. Every problem names its option. Nothing is started here.

import { join, resolve } from 'node:path'
import { parseDuration } from '../base/duration.ts'
import { quote } from '../base/quote.ts'
import { parseSignal } from '../base/signal.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { descriptorLimit } from '../kernel/fd.ts'
import { type Identity, ownIdentity } from '../kernel/identity.ts'
import { callerDescriptorLimit } from '../launch/caller-limit.ts'
import { resolveCredentials, type WantedCredentials } from '../launch/credentials.ts'
import { findProgram, whyNoDirectory, whyNotLoadable } from '../launch/program.ts'
import { type LaunchRefusal, printRefusal } from '../launch/refusal.ts'
import { daemonEnvironment, type EnvironmentMode, variablesOfUser } from './daemon-environment.ts'
import type { DaemonRequest, StreamTarget } from './daemon-request.ts'
import { whyNotInherited } from './kept-descriptors.ts'
import { parseReadyDialect } from './ready-dialect.ts'
import { usualPidFile } from './usual-pid-file.ts'

/** As they were written; relative paths are meant from `directory`. */
export interface RunOptions {
  readonly command: readonly string[]
  /** Where we are. */
  readonly directory: string
  readonly ownEnvironment: Readonly<Record<string, string | undefined>>
  readonly value: (name: string) => string | undefined
  readonly values: (name: string) => readonly string[]
  readonly has: (name: string) => boolean
  /** Of all env files, in order. */
  readonly fileVariables: readonly (readonly [string, string])[]
}

const DEFAULT_READY_TIMEOUT = '90s'
const DEFAULT_STOP_TIMEOUT = '10s'
const DEFAULT_UMASK = 0o022

/** A request, or the step that would fail. Throws ERR_BAD_OPTION for what is badly written. */
export function toDaemonRequest(options: RunOptions): DaemonRequest | LaunchRefusal {
  const { command, value, has } = options
  const self = ownIdentity()
  const root = value('root') === undefined ? null : resolve(options.directory, value('root') ?? '')
  const directory =
    root === null ? resolve(options.directory, value('chdir') ?? '/') : (value('chdir') ?? '/')
  const credentials = resolveCredentials(wantedCredentials(options), self)
  if (credentials.kind === 'refused') return credentials
  const environment = daemonEnvironment(options.ownEnvironment, environmentModeOf(options))
  const { user } = credentials
  if (user !== null) {
    for (const [name, text] of variablesOfUser(user)) environment.set(name, text)
  }
  environment.set('PWD', directory)
  for (const [name, text] of [...options.fileVariables, ...givenVariables(options)]) {
    environment.set(name, text)
  }
  const refusal = whyNoDirectory(root === null ? directory : join(root, directory))
  if (refusal !== null) return refusal
  const program = locate(options, environment.get('PATH') ?? '', root)
  if (program.kind === 'refused') return program
  const [first = '', ...rest] = command
  return {
    kind: 'request',
    name: nameOf(options),
    path: program.path,
    // The shell looks for a bare name again, from the directory of the daemon.
    argv: [first.includes('/') ? program.path : first, ...rest],
    environment,
    settings: {
      directory,
      root,
      umask: parseUmask(value('umask')),
      nice: parseNice(value('nice')),
      limits: limitsOf(options),
    },
    credentials: credentials.change,
    stdin: resolve(options.directory, value('stdin') ?? '/dev/null'),
    stdout: streamOf(options, 'stdout'),
    stderr: streamOf(options, 'stderr'),
    keptFds: options.values('keep-fd').map(parseDescriptor),
    pidFile: pidFileOf(options, self),
    ready: parseReadyDialect(value('ready') ?? 'exec'),
    readyTimeoutMs: durationOf(options, 'ready-timeout', DEFAULT_READY_TIMEOUT),
    onTimeout: has('keep-on-timeout') ? 'leave' : 'stop',
    stopSignal: signalOf(options, 'stop-signal', 'TERM'),
    stopTimeoutMs: durationOf(options, 'stop-timeout', DEFAULT_STOP_TIMEOUT),
  }
}

/** The name in messages, in syslog and of the PID file. */
export function nameOf({ value, command }: Pick<RunOptions, 'value' | 'command'>): string {
  const name = value('name') ?? command[0]?.split('/').at(-1) ?? ''
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/.test(name)) {
    throw bad('name', `${quote(name)} cannot be a name; letters, digits and _ . @ + - can`)
  }
  return name
}

/** Null when there is none. `--single` without `--pid-file` has one at the usual place. */
export function pidFileOf(
  { value, has, directory, ownEnvironment, command }: RunOptions,
  self: Pick<Identity, 'uid'>,
): string | null {
  const given = value('pid-file')
  if (given !== undefined) return resolve(directory, given)
  if (!has('single')) return null
  const usual = usualPidFile(nameOf({ value, command }), self.uid, ownEnvironment)
  if (usual !== null) return usual
  throw bad('single', 'there is no XDG_RUNTIME_DIR for the PID file; name one with --pid-file')
}

/** Infinity for `never` and `infinity`. */
export function durationOf(
  { value }: Pick<RunOptions, 'value'>,
  name: string,
  fallback: string,
): number {
  const text = value(name) ?? fallback
  if (text === 'never' || text === 'infinity') return Number.POSITIVE_INFINITY
  const ms = parseDuration(text)
  if (ms === undefined) throw bad(name, `${quote(text)} is no time; write 10s, 500ms or 2min`)
  return ms
}

/** The number of a signal. */
export function signalOf(
  { value }: Pick<RunOptions, 'value'>,
  name: string,
  fallback: string,
): number {
  const text = value(name) ?? fallback
  const number = parseSignal(text)
  if (number === undefined) throw bad(name, `${quote(text)} is no signal; write TERM or 15`)
  return number
}

/** As whom it is to run, in the operator's words. */
export function wantedCredentials({ value, values }: RunOptions): WantedCredentials {
  const [user, group] = (value('user') ?? '').split(':')
  const lists = values('groups').flatMap((list) => list.split(','))
  return {
    user: user === undefined || user === '' ? null : user,
    group: value('group') ?? (group === undefined || group === '' ? null : group),
    supplementaryGroups: lists.filter((name) => name !== ''),
  }
}

/** What is passed on of our own environment. */
export function environmentModeOf({ has }: Pick<RunOptions, 'has'>): EnvironmentMode {
  if (has('keep-env') && has('clear-env')) throw bad('clear-env', 'contradicts --keep-env')
  return has('keep-env') ? 'all' : has('clear-env') ? 'clean' : 'sanitised'
}

/** The variables of `--env`. */
export function givenVariables(options: RunOptions): readonly (readonly [string, string])[] {
  return options.values('env').map((text): readonly [string, string] => {
    const at = text.indexOf('=')
    const name = at === -1 ? text : text.slice(0, at)
    if (!/^[^\s=\0]+$/.test(name)) throw bad('env', `${quote(text)} is not NAME=VALUE`)
    if (at !== -1) return [name, text.slice(at + 1)]
    const own = options.ownEnvironment[name]
    if (own === undefined) throw bad('env', `${quote(name)} is not set here, and has no value`)
    return [name, own]
  })
}

/** Behind a root directory nobody but the daemon's user can look: an absolute path is believed. */
function locate(
  { command, directory }: RunOptions,
  searchPath: string,
  root: string | null,
): { readonly kind: 'found'; readonly path: string } | LaunchRefusal {
  const [first = ''] = command
  if (root === null) {
    const found = findProgram(first, searchPath, directory)
    if (found.kind === 'refused') return found
    return whyNotLoadable(found.path) ?? found
  }
  const inside = first.includes('/') ? '' : searchPath.replace(/(^|:)\//g, `$1${root}/`)
  const found = findProgram(first.includes('/') ? `${root}/${first}` : first, inside, root)
  return found.kind === 'refused' ? found : { ...found, path: found.path.slice(root.length) }
}

/** The mask of `--umask`, or the default. */
export function parseUmask(text: string | undefined): number {
  if (text === undefined) return DEFAULT_UMASK
  if (!/^[0-7]{1,4}$/.test(text)) throw bad('umask', `${quote(text)} is no octal mask such as 027`)
  return Number.parseInt(text, 8) & 0o777
}

/** Null when it is not given. */
export function parseNice(text: string | undefined): number | null {
  if (text === undefined) return null
  const number = Number(text)
  if (!/^[+-]?\d+$/.test(text) || number < -20 || number > 19) {
    throw bad('nice', `${quote(text)} is not from -20 to 19`)
  }
  return number
}

type Limits = DaemonRequest['settings']['limits']

/** Node has raised our own limit on descriptors; the daemon gets back what was there before. */
function limitsOf(options: RunOptions): Limits {
  const limits: Record<string, { soft: number; hard: number }> = {}
  const own = descriptorLimit()
  const soft = callerDescriptorLimit(options.ownEnvironment)
  if (soft < own.soft) limits['nofile'] = { soft, hard: own.hard }
  if (!options.has('core')) limits['core'] = { soft: 0, hard: 0 }
  return { ...limits, ...givenLimits(options) }
}

/** The limits of `--limit`. */
export function givenLimits(options: RunOptions): Limits {
  const limits: Record<string, { soft: number; hard: number }> = {}
  for (const text of options.values('limit')) {
    const match = /^([a-z]+)=([^:]+)(?::(.+))?$/.exec(text)
    const soft = parseLimit(match?.[2])
    const hard = parseLimit(match?.[3] ?? match?.[2])
    const name = match?.[1]
    if (name === undefined || !limitNames.has(name) || Number.isNaN(soft) || Number.isNaN(hard)) {
      const known = [...limitNames].join(', ')
      throw bad('limit', `${quote(text)} is not NAME=SOFT[:HARD]; names are ${known}`)
    }
    if (soft > hard) throw bad('limit', `${quote(text)}: the soft limit is above the hard limit`)
    limits[name] = { soft, hard }
  }
  return limits
}

/** prlimit(1). */
const limitNames: ReadonlySet<string> = new Set(
  (
    'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime ' +
    'sigpending stack'
  ).split(' '),
)

function parseLimit(text: string | undefined): number {
  if (text === 'unlimited' || text === 'infinity') return Number.POSITIVE_INFINITY
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN
}

/** Where an output goes. */
export function streamOf(
  { value, directory }: RunOptions,
  name: 'stdout' | 'stderr',
): StreamTarget {
  const text = value(name) ?? 'null'
  if (text === '') throw bad(name, 'is empty; give a file, null or syslog')
  if (text === 'null' || text === '/dev/null') return { kind: 'null' }
  if (text === 'syslog') return { kind: 'syslog' }
  return { kind: 'file', path: resolve(directory, text) }
}

function parseDescriptor(text: string): number {
  const fd = Number(text)
  if (!/^\d{1,6}$/.test(text) || fd < 3) {
    throw bad('keep-fd', `${quote(text)} is no descriptor from 3 on; 0 to 2 have their own options`)
  }
  const problem = whyNotInherited(fd)
  if (problem !== null) throw bad('keep-fd', problem)
  return fd
}

/** What stands between the wish and a start, for people. */
export function explainRefusal(refusal: LaunchRefusal): string {
  return refusal.stage === 'exec' ? refusal.reason : printRefusal(refusal)
}

function bad(option: string, problem: string): ToolkitError {
  return new ToolkitError('ERR_BAD_OPTION', `option '--${option}': ${problem}`)
}

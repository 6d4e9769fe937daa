// `eudaemon run --print-…`: from the options of a start to the file that does the same at boot.
// What the options leave to the invocation (who we are, where we are) is written out, because at
// boot it would be somebody and somewhere else. The command need not exist on this machine.

import { resolve } from 'node:path'
import { findUser } from '../../kernel/credentials.ts'
import { ownIdentity } from '../../kernel/identity.ts'
import { findProgram } from '../../launch/program.ts'
import { parseReadyDialect } from '../ready-dialect.ts'
import {
  durationOf,
  environmentModeOf,
  givenLimits,
  givenVariables,
  nameOf,
  parseNice,
  parseUmask,
  pidFileOf,
  type RunOptions,
  signalOf,
  streamOf,
  wantedCredentials,
} from '../run-options.ts'
import {
  type BootCommand,
  type BootPrinter,
  type BootText,
  checkBootCommand,
  refuseBoot,
} from './boot-command.ts'
import { printLaunchdPlist } from './launchd-plist.ts'
import { printLsbScript } from './lsb-script.ts'
import { printOpenrcScript } from './openrc-script.ts'
import { printSystemdUnit } from './systemd-unit.ts'

const MAX_DESCRIPTION = 60

const printers: Readonly<Record<BootPrinter, (command: BootCommand) => BootText>> = {
  'print-lsb-script': printLsbScript,
  'print-unit': printSystemdUnit,
  'print-openrc-script': printOpenrcScript,
  'print-launchd-plist': printLaunchdPlist,
}

interface Printed {
  readonly kind: 'done'
  readonly exitCode: 0
  readonly stdout: string
  readonly stderr: string
}

/** The file on stdout, the notes on stderr. Throws ERR_BAD_OPTION and ERR_BOOT_TEXT. */
export function printBoot(printer: BootPrinter, options: RunOptions): Printed {
  const { text, notes } = printers[printer](toBootCommand(options))
  const stderr = notes.map((note) => `eudaemon: --${printer}: ${note}\n`).join('')
  return { kind: 'done', exitCode: 0, stdout: text, stderr }
}

function toBootCommand(options: RunOptions): BootCommand {
  const { command, value, values, has, directory } = options
  const name = nameOf(options)
  const from = (path: string): string => resolve(directory, path)
  const root = value('root') === undefined ? null : from(value('root') ?? '')
  const ready = value('ready') ?? 'exec'
  parseReadyDialect(ready)
  const pidFile = pidFileOf(options, ownIdentity())
  if (ready === 'forking' && pidFile === null) {
    refuseBoot('with --ready forking, --pid-file must name the file that the command writes')
  }
  if (has('keep-fd')) refuseBoot('descriptors of this shell (--keep-fd) are not there at boot')
  const reload = value('reload-signal')
  const result: BootCommand = {
    name,
    description: describe(command),
    argv: [programPath(options, root), ...command.slice(1)],
    eudaemon: [process.execPath, process.argv[1] ?? ''],
    pidFile: pidFile ?? `/run/${name}.pid`,
    directory: root === null ? from(value('chdir') ?? '/') : (value('chdir') ?? '/'),
    umask: parseUmask(value('umask')),
    root,
    ...whoOf(options),
    nice: parseNice(value('nice')),
    limits: givenLimits(options),
    environment: givenVariables(options),
    environmentFiles: values('environment-file').map(from),
    stdin: from(value('stdin') ?? '/dev/null'),
    stdout: outputOf(options, 'stdout'),
    stderr: outputOf(options, 'stderr'),
    ready,
    readyTimeoutMs: durationOf(options, 'ready-timeout', '90s'),
    keepOnTimeout: has('keep-on-timeout'),
    stopSignal: signalOf(options, 'stop-signal', 'TERM'),
    stopTimeoutMs: durationOf(options, 'stop-timeout', '10s'),
    reloadSignal: reload === undefined ? null : signalOf(options, 'reload-signal', reload),
    coreDumps: has('core'),
    reportsToSyslog: has('syslog'),
    keepEnvironment: environmentModeOf(options),
  }
  checkBootCommand(result)
  return result
}

/** A bare name is looked for here, because at boot the search path is another. */
function programPath(
  { command, directory, ownEnvironment }: RunOptions,
  root: string | null,
): string {
  const [first = ''] = command
  if (first.includes('/')) return root === null ? resolve(directory, first) : first
  if (root !== null) {
    refuseBoot(`with --root, the command must be an absolute path inside of '${root}'`)
  }
  const found = findProgram(first, ownEnvironment['PATH'] ?? '', directory)
  if (found.kind === 'refused') refuseBoot(`${found.reason}; give its absolute path`)
  return found.path
}

/** An ordinary user's daemon is that user's at boot too, not root's. */
function whoOf(options: RunOptions): Pick<BootCommand, 'user' | 'group' | 'supplementaryGroups'> {
  const wanted = wantedCredentials(options)
  const { uid } = ownIdentity()
  if (wanted.user !== null || uid === 0) return wanted
  return { ...wanted, user: findUser(String(uid))?.name ?? String(uid) }
}

function outputOf(options: RunOptions, name: 'stdout' | 'stderr'): string {
  const target = streamOf(options, name)
  if (target.kind === 'file') return target.path
  return target.kind === 'syslog' ? 'syslog' : '/dev/null'
}

function describe(command: readonly string[]): string {
  const line = [...command.join(' ')]
  if (line.length <= MAX_DESCRIPTION) return line.join('')
  return `${line.slice(0, MAX_DESCRIPTION - 1).join('')}…`
}

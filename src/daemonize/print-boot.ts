// `eudaemon run --print-…`: the options of a command line as a script or unit of an init system.
// Nothing is looked up that another machine may have in another place, but the program itself.

import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { ownIdentity } from '../kernel/identity.ts'
import { findProgram } from '../launch/program.ts'
import type { BootCommand, BootText } from './boot/boot-command.ts'
import { parseReadyDialect } from './ready-dialect.ts'
import {
  durationOf,
  environmentModeOf,
  givenLimits,
  givenWords,
  nameOf,
  parseNice,
  parseUmask,
  pidFileOf,
  type RunOptions,
  signalOf,
  wantedCredentials,
} from './run-options.ts'

export const printers = {
  'print-lsb-script': async () => (await import('./boot/lsb-script.ts')).printLsbScript,
  'print-unit': async () => (await import('./boot/systemd-unit.ts')).printSystemdUnit,
  'print-openrc-script': async () => (await import('./boot/openrc-script.ts')).printOpenrcScript,
  'print-launchd-plist': async () => (await import('./boot/launchd-plist.ts')).printLaunchdPlist,
} as const satisfies Record<string, () => Promise<(command: BootCommand) => BootText>>

export type PrinterName = keyof typeof printers

/** The text and what the init system cannot do. Throws ToolkitError for what cannot be printed. */
export async function printBoot(name: PrinterName, options: RunOptions): Promise<BootText> {
  const print = await printers[name]()
  return print(toBootCommand(options))
}

function toBootCommand(options: RunOptions): BootCommand {
  const { value, values, has, directory } = options
  const name = nameOf(options)
  const { user, group, supplementaryGroups } = wantedCredentials(options)
  const ready = value('ready') ?? 'exec'
  parseReadyDialect(ready)
  const stream = (option: string): string => {
    const text = value(option) ?? 'null'
    if (text === 'syslog') return text
    return text === 'null' ? '/dev/null' : resolve(directory, text)
  }
  const root = value('root')
  return {
    name,
    description: `${name}, run as a daemon`,
    argv: absoluteCommand(options),
    eudaemon: ownCommand(),
    pidFile: pidFileOf(options, ownIdentity()) ?? `/run/${name}.pid`,
    directory: resolve(root === undefined ? directory : '/', value('chdir') ?? '/'),
    umask: parseUmask(value('umask')),
    root: root === undefined ? null : resolve(directory, root),
    user,
    group,
    supplementaryGroups: supplementaryGroups.length === 0 ? null : supplementaryGroups,
    nice: parseNice(value('nice')),
    limits: givenLimits(options),
    environment: givenWords(options),
    environmentFiles: values('env-file').map((path) => resolve(directory, path)),
    stdin: resolve(directory, value('stdin') ?? '/dev/null'),
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    ready,
    readyTimeoutMs: durationOf(options, 'ready-timeout', '90s'),
    stopSignal: signalOf(options, 'stop-signal', 'TERM'),
    stopTimeoutMs: durationOf(options, 'stop-timeout', '10s'),
    reloadSignal: signalOf(options, 'reload-signal', 'HUP'),
    coreDumps: has('core'),
    keepEnvironment: environmentModeOf(options),
  }
}

/** A program that is not here may be there when the script runs: its word is kept if absolute. */
function absoluteCommand({ command, directory, ownEnvironment }: RunOptions): readonly string[] {
  const [first = '', ...rest] = command
  if (first.startsWith('/')) return command
  const found = findProgram(first, ownEnvironment['PATH'] ?? '', directory)
  return [found.kind === 'found' ? found.path : first, ...rest]
}

/** An init has no PATH to find Node with. */
function ownCommand(): readonly string[] {
  const script = process.argv[1]
  return script === undefined ? [process.execPath] : [process.execPath, realpathSync(script)]
}

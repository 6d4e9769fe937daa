// What the scripts for shells have in common: how they call `eudaemon run`. Every word of the
// command is quoted; only the two variables for the administrator are split into words.

import { quoteShellWord } from '../../base/shell-word.ts'
import { type BootCommand, volatileFolder } from './boot-command.ts'
import { startOptions, stopOptions } from './start-options.ts'

/** The names of the script's variables that hold these two, and how it indents. */
export interface ShellNames {
  readonly daemon: string
  readonly pidFile: string
  readonly indent: string
  /** The file in which the administrator sets RUN_OPTIONS and DAEMON_ARGS. */
  readonly settings: string
  /** Lines in front of the start. */
  readonly before?: string
}

/**
 * What shellcheck says about words that are meant to hold `$`, backslashes, quotes or odd spaces:
 * in a quoted word of a command they are what somebody typed.
 */
export const quotedWordsDirective =
  '# shellcheck disable=SC1003,SC1017,SC1018,SC1110,SC1111,SC1112,SC2016,SC2026 # Quoted as typed.'

/**
 * The functions `launch` (starts it with all its settings, returns when it is ready) and `act` (an
 * action on the daemon that holds the PID file).
 */
export function runFunctions(command: BootCommand, names: ShellNames): readonly string[] {
  const { indent, daemon, pidFile } = names
  const options = startOptions(command).map((option) => `${indent}${indent}${quote(option)} \\`)
  const [, ...words] = command.argv
  return [
    '# Returns when the daemon is ready, or with what it said and a failing status.',
    'launch() (',
    ...(volatileFolder(command) === null ? [] : [`${indent}mkdir -p "\${${pidFile}%/*}" || exit`]),
    `${indent}set -f`,
    ...(names.before === undefined ? [] : [names.before]),
    `${indent}# shellcheck disable=SC2086 # Words that ${names.settings} adds.`,
    `${indent}exec ${own(command)} run \\`,
    `${indent}${indent}--pid-file="$${pidFile}" \\`,
    ...options,
    `${indent}${indent}\${RUN_OPTIONS:-} \\`,
    `${indent}${indent}-- ${[`"$${daemon}"`, ...words.map(quote), '${DAEMON_ARGS:-}'].join(' ')}`,
    ')',
    '',
    '# An action on the daemon that holds the PID file, known by its lock, not by its number.',
    'act() {',
    `${indent}${own(command)} run ${quote(`--name=${command.name}`)} --pid-file="$${pidFile}" \\`,
    `${indent}${indent}"$@" -- "$${daemon}"`,
    '}',
  ]
}

/** The words of `act` that stop it. */
export function stopWords(command: BootCommand): string {
  return [...stopOptions(command), '--stop'].map(quote).join(' ')
}

/** Our own command, as words of a shell. */
export function own(command: BootCommand): string {
  return command.eudaemon.map(quote).join(' ')
}

const quote = quoteShellWord

// Help, from the table of commands.

import {
  type ArgumentSpec,
  type CommandSpec,
  commands,
  helpOption,
  type OptionSpec,
} from './commands.ts'
import { type ExitCode, exitCodeMeanings } from './exit-codes.ts'
import { printTable } from './print/table.ts'

const LINE = 78

/** `eudaemon help`. */
export function printOverview(): string {
  const list = commands.map(({ name, summary }) => [`  ${name}`, summary])
  return `eudaemon runs services, watches them, and survives its own death.

Usage: eudaemon COMMAND [OPTIONS] [ARGUMENTS]

${printTable(list)}
A SERVICE is web, web@2 (one instance) or shop/web (of another project).
\`eudaemon help COMMAND\` tells more; --version prints the version.
`
}

/** `eudaemon help up`. */
export function printHelp(command: CommandSpec): string {
  const options = [...command.options, helpOption].map((option) => [
    `  ${printOption(option)}`,
    option.doc,
  ])
  const parts = [
    `Usage: ${printSynopsis(command)}\n`,
    `${[command.summary, ...command.about].map(wrap).join('\n\n')}\n`,
    `Options:\n${printTable(options)}`,
    `Exit status:\n${printTable(exitRows(command))}`,
  ]
  if (command.examples.length > 0) {
    const examples = command.examples.map(([line, meaning]) => [`  ${line}`, meaning])
    parts.push(`Examples:\n${printTable(examples)}`)
  }
  return parts.join('\n')
}

/** `eudaemon logs [OPTIONS] [SERVICE…]` */
export function printSynopsis(command: CommandSpec): string {
  const options = command.options.length > 0 ? ['[OPTIONS]'] : []
  return ['eudaemon', command.name, ...options, ...command.arguments.map(printArgument)].join(' ')
}

/** `-f, --file FILE` */
export function printOption({ name, short, value }: OptionSpec): string {
  const letter = short === undefined ? '    ' : `-${short}, `
  return `${letter}--${name}${value === undefined ? '' : ` ${value}`}`
}

/** Every status that the command can end with, and its meaning. */
export function exitRows(command: CommandSpec): readonly (readonly string[])[] {
  const codes: readonly ExitCode[] = [0, ...command.exitCodes, 100, 111]
  return codes.map((code) => [`  ${code}`, exitCodeMeanings[code]])
}

function printArgument({ name, min, max }: ArgumentSpec): string {
  const many = max > 1 ? `${name}…` : name
  return min === 0 ? `[${many}]` : many
}

function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > LINE) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}

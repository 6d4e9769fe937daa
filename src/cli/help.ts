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
/** Of a table of two columns. */
const WIDE_LINE = 100

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
  const options = [...command.options, helpOption].map((option): readonly [string, string] => [
    `  ${printOption(option)}`,
    option.doc,
  ])
  const parts = [
    `Usage: ${printSynopsis(command)}\n`,
    `${[command.summary, ...command.about].map((text) => wrap(text)).join('\n\n')}\n`,
    `Options:\n${printWrapped(options)}`,
    `Exit status:\n${printTable(exitRows(command))}`,
  ]
  if (command.examples.length > 0) {
    const examples = command.examples.map(([line, meaning]) => [`  ${line}`, meaning] as const)
    const isWide = printTable(examples)
      .split('\n')
      .some((line) => line.length > WIDE_LINE)
    const stacked = examples.map(([line, meaning]) => `${line}\n      ${meaning}\n`).join('')
    parts.push(`Examples:\n${isWide ? stacked : printTable(examples)}`)
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

/** Two columns, the second one wrapped. */
function printWrapped(rows: readonly (readonly [string, string])[]): string {
  const first = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows
    .map(([left, right]) => {
      const [head = '', ...rest] = wrap(right, WIDE_LINE - first).split('\n')
      const more = rest.map((line) => `${' '.repeat(first)}${line}\n`)
      return `${left.padEnd(first)}${head}\n${more.join('')}`
    })
    .join('')
}

function wrap(text: string, limit = LINE): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > limit) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}

// Arguments to options, by the table in commands.ts. The rules are those of getopt_long(3): options
// may stand anywhere, `--` ends them, `-n5`, `-n 5`, `--lines=5` and `--lines 5` are the same.

import { quote } from '../base/quote.ts'
import { suggest } from '../base/suggest.ts'
import {
  type ArgumentSpec,
  type CommandSpec,
  commands,
  findCommand,
  helpOption,
  type OptionSpec,
} from './commands.ts'

export interface Options {
  has(name: string): boolean
  /** The last one wins. */
  value(name: string): string | undefined
  /** All of them, in order. */
  values(name: string): readonly string[]
  readonly operands: readonly string[]
}

export type ParsedArguments =
  | { readonly kind: 'command'; readonly command: CommandSpec; readonly options: Options }
  | { readonly kind: 'help'; readonly command: CommandSpec | null }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string; readonly command: CommandSpec | null }

/** The values of each option, none for a switch. */
type Given = Map<string, readonly string[]>

type Wrong = Extract<ParsedArguments, { kind: 'wrong' }>

export function parseArguments(argv: readonly string[]): ParsedArguments {
  const [first, ...rest] = argv
  if (first === undefined) return { kind: 'help', command: null }
  if (first === '--version' || first === '-V') return { kind: 'version' }
  if (first === '--help' || first === '-h') return { kind: 'help', command: null }
  const command = findCommand(first)
  if (command === undefined) return unknownCommand(first)
  if (command.name === 'help') return parseHelp(rest)
  return parseCommand(command, rest)
}

function unknownCommand(word: string): Wrong {
  const isOption = word.startsWith('-')
  const close = suggest(
    word,
    commands.map(({ name }) => name),
  )
  const hint = close === undefined ? 'see `eudaemon help`' : `did you mean '${close}'?`
  const what = isOption ? 'unknown option' : 'unknown command'
  return { kind: 'wrong', command: null, message: `${what} ${quote(word)}; ${hint}` }
}

function parseHelp(words: readonly string[]): ParsedArguments {
  const topic = words.find((word) => !word.startsWith('-'))
  if (topic === undefined) return { kind: 'help', command: null }
  const command = findCommand(topic)
  if (command === undefined) return unknownCommand(topic)
  return { kind: 'help', command }
}

function parseCommand(command: CommandSpec, words: readonly string[]): ParsedArguments {
  const specs = [...command.options, helpOption]
  const given: Given = new Map()
  const operands: string[] = []
  const queue = [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      operands.push(...queue)
      break
    }
    if (word.startsWith('--')) {
      const message = takeLong(specs, word, queue, given)
      if (message !== null) return { kind: 'wrong', command, message }
    } else if (word.startsWith('-') && word !== '-') {
      const message = takeShort(specs, word, queue, given)
      if (message !== null) return { kind: 'wrong', command, message }
    } else {
      operands.push(word)
      // What follows a command is the command's own.
      if (command.endsOptions === true) operands.push(...queue.splice(0))
    }
  }
  if (given.has('help')) return { kind: 'help', command }
  const message = checkOperands(command, operands)
  if (message !== null) return { kind: 'wrong', command, message }
  const options: Options = {
    has: (name) => given.has(name),
    value: (name) => given.get(name)?.at(-1),
    values: (name) => given.get(name) ?? [],
    operands,
  }
  return { kind: 'command', command, options }
}

/** Each of these gives what is wrong, or null. */
function takeLong(
  specs: readonly OptionSpec[],
  word: string,
  queue: string[],
  given: Given,
): string | null {
  const equals = word.indexOf('=')
  const name = word.slice(2, equals === -1 ? undefined : equals)
  const spec = specs.find((option) => option.name === name)
  if (spec === undefined) {
    const close = suggest(
      name,
      specs.map((option) => option.name),
    )
    const hint = close === undefined ? '' : `; did you mean '--${close}'?`
    return `unknown option ${quote(`--${name}`)}${hint}`
  }
  const attached = equals === -1 ? undefined : word.slice(equals + 1)
  if (spec.value === undefined) {
    if (attached !== undefined) return `option '--${name}' takes no value`
    given.set(name, [])
    return null
  }
  return takeValue(spec, `--${name}`, attached ?? queue.shift(), given)
}

function takeShort(
  specs: readonly OptionSpec[],
  word: string,
  queue: string[],
  given: Given,
): string | null {
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] ?? ''
    const spec = specs.find((option) => option.short === letter)
    if (spec === undefined) return `unknown option ${quote(`-${letter}`)}`
    if (spec.value !== undefined) {
      const attached = word.slice(at + 1)
      return takeValue(spec, `-${letter}`, attached === '' ? queue.shift() : attached, given)
    }
    given.set(spec.name, [])
  }
  return null
}

function takeValue(
  spec: OptionSpec,
  shown: string,
  value: string | undefined,
  given: Given,
): string | null {
  if (value === undefined) return `option '${shown}' needs a value: ${spec.value}`
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    return `option '${shown}' must be one of ${spec.choices.join(', ')}, not ${quote(value)}`
  }
  given.set(spec.name, [...(given.get(spec.name) ?? []), value])
  return null
}

function checkOperands(command: CommandSpec, operands: readonly string[]): string | null {
  let left = operands.length
  for (const spec of command.arguments) {
    if (left < spec.min) return `'${command.name}' needs ${describe(spec)}`
    left -= Math.min(left, spec.max)
  }
  const [first] = command.arguments
  if (left > 0) return `'${command.name}' does not take ${quote(operands.at(-left) ?? '')}`
  const word = operands[0]
  if (first?.choices !== undefined && word !== undefined && !first.choices.includes(word)) {
    return `${first.name} must be one of ${first.choices.join(', ')}, not ${quote(word)}`
  }
  return null
}

function describe(spec: ArgumentSpec): string {
  return spec.max > 1 ? `at least one ${spec.name}` : `a ${spec.name}`
}

// Completion scripts for bash, zsh and fish, made from the table of commands. Names of services
// come from `eudaemon status --json` at the moment of completion.

import { signalNumbers } from '../base/signal.ts'
import {
  type ArgumentSpec,
  type CommandSpec,
  commands,
  helpOption,
  type OptionSpec,
  type ValueKind,
} from './commands.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export function printCompletion(shell: Shell): string {
  if (shell === 'bash') return printBash()
  return shell === 'zsh' ? printZsh() : printFish()
}

/** Prints the services and instances that run; needs nothing but sed. */
const listServices =
  'eudaemon status --json 2>/dev/null | ' +
  `sed -n 's/^ *"\\(service\\|instance\\)": "\\(.*\\)",$/\\2/p' | sort -u`

const signals = Object.keys(signalNumbers).join(' ')
const names = commands.map(({ name }) => name).join(' ')

function optionsOf(command: CommandSpec): readonly OptionSpec[] {
  return [...command.options, helpOption]
}

function flagsOf({ name, short }: OptionSpec): readonly string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`]
}

// bash

function printBash(): string {
  const cases = commands.map((command) => {
    const values = optionsOf(command).flatMap((option) => {
      if (option.value === undefined) return []
      return [`      ${flagsOf(option).join('|')}) ${bashValues(option)}; return ;;`]
    })
    const flags = optionsOf(command).flatMap(flagsOf).join(' ')
    return [
      `    ${command.name})`,
      ...(values.length > 0 ? ['      case $previous in', ...values, '      esac'] : []),
      `      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '${flags}' -- "$word"))`,
      `      else ${bashArguments(command.arguments)}; fi ;;`,
    ].join('\n')
  })
  return `# Completion of eudaemon for bash: eval "$(eudaemon completion bash)"
_eudaemon_services() {
  ${listServices}
}
_eudaemon() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${names} --version --help' -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
}
complete -o filenames -F _eudaemon eudaemon
`
}

function bashArguments(specs: readonly ArgumentSpec[]): string {
  const [first, second] = specs
  if (first === undefined) return ':'
  if (second === undefined) return bashValues(first)
  return `if ((COMP_CWORD == 2)); then ${bashValues(first)}; else ${bashValues(second)}; fi`
}

function bashValues(spec: Values): string {
  const words = wordsOf(spec)
  if (words !== null) return `COMPREPLY=($(compgen -W '${words}' -- "$word"))`
  if (spec.kind === 'file') return 'COMPREPLY=($(compgen -f -- "$word"))'
  if (spec.kind === 'service') {
    return 'COMPREPLY=($(compgen -W "$(_eudaemon_services)" -- "$word"))'
  }
  return ':'
}

interface Values {
  readonly name: string
  readonly kind?: ValueKind
  readonly choices?: readonly string[]
}

/** Null when they are not known in advance. */
function wordsOf({ name, kind, choices }: Values): string | null {
  if (choices !== undefined) return choices.join(' ')
  if (kind === 'signal') return signals
  return name === 'COMMAND' ? names : null
}

// zsh

function printZsh(): string {
  const described = commands.map(({ name, summary }) => `    ${zshQuote(`${name}:${summary}`)}`)
  const cases = commands.map((command) => {
    const lines = [
      ...optionsOf(command).map(zshOption),
      ...command.arguments.map((spec, index) => zshArgument(spec, index)),
    ]
    return `    ${command.name})\n      _arguments -s \\\n        ${lines.join(' \\\n        ')} ;;`
  })
  return `#compdef eudaemon
# Completion of eudaemon for zsh: eval "$(eudaemon completion zsh)"
_eudaemon_services() {
  local -a services
  services=(\${(f)"$(${listServices})"})
  compadd -a services
}
_eudaemon() {
  local -a all
  all=(
${described.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command all
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT -= 1))
  case $command in
${cases.join('\n')}
  esac
}
if ! whence compdef >/dev/null; then
  autoload -Uz compinit && compinit
fi
compdef _eudaemon eudaemon
`
}

function zshOption(option: OptionSpec): string {
  const flags = flagsOf(option)
  const excluded = flags.length > 1 ? `(${flags.join(' ')})` : ''
  const doc = `[${zshEscape(option.doc)}]`
  const value = option.value === undefined ? '' : `:${option.value}:${zshAction(option)}`
  return flags.map((flag) => zshQuote(`${excluded}${flag}${doc}${value}`)).join(' ')
}

function zshArgument(spec: ArgumentSpec, index: number): string {
  const place = spec.max > 1 ? '*' : String(index + 1)
  return zshQuote(`${place}:${spec.name}:${zshAction(spec)}`)
}

function zshAction(spec: Values): string {
  const words = wordsOf(spec)
  if (words !== null) return `(${words})`
  if (spec.kind === 'file') return '_files'
  return spec.kind === 'service' ? '_eudaemon_services' : ' '
}

function zshEscape(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}

function zshQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

// fish

function printFish(): string {
  const complete = 'complete -c eudaemon'
  const lines = commands.flatMap((command) => {
    const condition = `-n '__fish_seen_subcommand_from ${command.name}'`
    const [only] = command.arguments
    const [, second] = command.arguments
    const values = second ?? only
    return [
      `${complete} -n __fish_use_subcommand -f -a ${command.name} -d ${fishQuote(command.summary)}`,
      ...optionsOf(command).map((option) => {
        const short = option.short === undefined ? '' : ` -s ${option.short}`
        const value = option.value === undefined ? '' : ` -x${fishValues(option)}`
        const doc = fishQuote(option.doc)
        return `${complete} ${condition}${short} -l ${option.name}${value} -d ${doc}`
      }),
      ...(values === undefined ? [] : [`${complete} ${condition} -f${fishValues(values)}`]),
    ]
  })
  return `# Completion of eudaemon for fish: eudaemon completion fish | source
function __eudaemon_services
  ${listServices}
end
${lines.join('\n')}
`
}

function fishValues(spec: Values): string {
  const words = wordsOf(spec)
  if (words !== null) return ` -a ${fishQuote(words)}`
  if (spec.kind === 'file') return " -a '(__fish_complete_path)'"
  return spec.kind === 'service' ? " -a '(__eudaemon_services)'" : ''
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}

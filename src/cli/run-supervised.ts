// `eudaemon run --supervised`: the same words become a definition in a file of the state directory,
// and the supervisor starts it. The file makes it a project like any other: it can be looked at,
// edited, applied again and taken down. What only a daemon of its own can have is refused by name.

import { quote } from '../base/quote.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { fs, path } from './builtin.ts'
import type { CommandResult, Deps } from './deps.ts'
import type { Options } from './parse-arguments.ts'

/** Options that have no meaning for a service, and what to use instead. */
const withoutMeaning: Readonly<Record<string, string>> = {
  'pid-file': 'the supervisor knows its processes; see `eudaemon status`',
  single: 'a service is never started twice',
  root: 'the supervisor does not change the root directory',
  'keep-fd': 'a service inherits nothing from a terminal',
  'keep-on-timeout': 'a service that is not ready in time is stopped and restarted',
  stdin: 'standard input of a service is /dev/null',
  stdout: 'the supervisor keeps what it writes; see `eudaemon logs`',
  stderr: 'the supervisor keeps what it writes; see `eudaemon logs`',
  syslog: 'the supervisor reports; see `eudaemon why`',
  core: 'set the limit with --limit core=unlimited',
  'keep-env': 'name variables with --env NAME',
  'clear-env': 'name variables with --env NAME',
}

/** Writes the definition and does what `up -d` does with it. */
export async function runSupervised(options: Options, deps: Deps): Promise<CommandResult> {
  for (const [name, instead] of Object.entries(withoutMeaning)) {
    if (options.has(name)) throw bad(name, `has no meaning with --supervised: ${instead}`)
  }
  const name = nameOf(options)
  const folder = path.join(deps.directories.state, 'commands', name)
  const file = path.join(folder, 'eudaemon.toml')
  const text = writeDefinition(name, options, deps)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  fs.writeFileSync(`${file}.new`, text, { mode: 0o600 })
  fs.renameSync(`${file}.new`, file)
  const { run } = await import('./commands/up.ts')
  const given: Options = {
    has: (option) => option === 'detach',
    value: (option) => (option === 'file' ? file : undefined),
    values: () => [],
    operands: [],
  }
  const result = await run(given, deps)
  const hint = `${name} is defined in ${file}\n`
  return { ...result, output: { ...result.output, stdout: `${result.output.stdout ?? ''}${hint}` } }
}

function nameOf({ value, operands }: Options): string {
  const name = value('name') ?? path.basename(operands[0] ?? '')
  if (/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) return name
  throw bad('name', `${quote(name)} cannot be the name of a service; letters, digits, - and _ can`)
}

function writeDefinition(name: string, options: Options, deps: Deps): string {
  const { value, values, operands } = options
  const directory = path.resolve(deps.directory, value('chdir') ?? '/')
  const [first = '', ...rest] = operands
  const program = first.includes('/') ? path.resolve(deps.directory, first) : first
  const [user, userGroup] = (value('user') ?? '').split(':')
  const group = value('group') ?? userGroup
  const groups = values('groups').flatMap((list) => list.split(','))
  const envFiles = values('environment-file').map((one) => path.resolve(deps.directory, one))
  const lines: (string | null)[] = [
    '# Made by `eudaemon run --supervised`.',
    `name = ${text(name)}`,
    `[services.${name}]`,
    `command = ${list([program, ...rest])}`,
    `directory = ${text(directory)}`,
    user === undefined || user === '' ? null : `user = ${text(user)}`,
    group === undefined ? null : `group = ${text(group)}`,
    groups.length === 0 ? null : `groups = ${list(groups)}`,
    `umask = ${text(value('umask') ?? '022')}`,
    value('nice') === undefined ? null : `nice = ${Number(value('nice'))}`,
    readiness(value('ready') ?? 'exec', value('ready-timeout') ?? '90s'),
    stopping(value('stop-signal') ?? 'TERM', value('stop-timeout') ?? '10s'),
    value('reload-signal') === undefined
      ? null
      : `reload = { signal = ${text(value('reload-signal') ?? '')} }`,
    envFiles.length === 0 ? null : `env-file = ${list(envFiles)}`,
    ...limits(values('limit')),
    ...environment(values('env'), name, deps),
  ]
  return `${lines.filter((line) => line !== null).join('\n')}\n`
}

function stopping(signal: string, timeout: string): string {
  return `stop = { signal = ${text(signal)}, timeout = ${text(timeout)} }`
}

/** What a supervisor can see; the other dialects speak to a waiting parent. */
function readiness(ready: string, timeout: string): string | null {
  const at = ready.indexOf('=')
  const word = at === -1 ? ready : ready.slice(0, at)
  const value = ready.slice(at + 1)
  const limit = timeout === 'never' ? '' : `, timeout = ${text(timeout)}`
  switch (word) {
    case 'exec':
      return null
    case 'fd':
      return `ready = { notify-fd = ${Number(value)}${limit} }`
    case 'tcp':
      return `ready = { tcp = ${/^\d+$/.test(value) ? value : text(value)}${limit} }`
    case 'http':
    case 'log':
      return `ready = { ${word} = ${text(value)}${limit} }`
    case 'delay':
      return `ready = { delay = ${text(value)} }`
    default:
      throw bad('ready', `${quote(word)} speaks to a waiting parent, which the supervisor is not`)
  }
}

function limits(words: readonly string[]): readonly string[] {
  if (words.length === 0) return []
  const entries = words.map((word) => {
    const [name = '', soft = '', hard] = word.split(/[=:]/)
    const amount = (given: string): string => (/^\d+$/.test(given) ? given : text(given))
    const pair = `{ soft = ${amount(soft)}, hard = ${amount(hard ?? soft)} }`
    return `${text(name)} = ${hard === undefined ? amount(soft) : pair}`
  })
  return [`limits = { ${entries.join(', ')} }`]
}

/** Last, because it is a table of its own. */
function environment(words: readonly string[], name: string, { env }: Deps): readonly string[] {
  if (words.length === 0) return []
  const entries = words.map((word) => {
    const at = word.indexOf('=')
    const variable = at === -1 ? word : word.slice(0, at)
    return `${text(variable)} = ${text(at === -1 ? (env[word] ?? '') : word.slice(at + 1))}`
  })
  return ['', `[services.${name}.env]`, ...entries]
}

/** A basic string of TOML has the escapes of JSON, and one character more that needs one. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll('\x7f', '\\u007f')
}

function list(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`
}

function bad(option: string, problem: string): ToolkitError {
  return new ToolkitError('ERR_BAD_OPTION', `option '--${option}' ${problem}`)
}

// `env`, `env-file` and paths: what a service finds around it when it starts.

import { MAX_ENVIRONMENT_LENGTH, MAX_ENVIRONMENT_VARIABLES } from '../../base/limits.ts'
import { resolvePath } from '../../base/path.ts'
import { quote } from '../../base/quote.ts'
import type { EnvironmentFile } from '../../model/service-definition.ts'
import {
  accept,
  describeValue,
  type Failure,
  gatherFailures,
  isTable,
  listOf,
  type Parsed,
  parseText,
  refuse,
  refuseType,
  type ValueParser,
} from './value.ts'

/** Names that survive a shell: others are dropped by dash in silence. */
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Values become text: `8080` is `"8080"`. */
export const parseEnvironment: ValueParser<Readonly<Record<string, string>>> = (value) => {
  if (Array.isArray(value)) {
    return refuseType('a table', value, 'Write env = { NAME = "value" } instead of a list.')
  }
  if (!isTable(value)) return refuseType('a table', value, 'Write env = { NAME = "value" }.')
  const entries: [string, string][] = []
  const failures: [string, Failure][] = []
  let length = 0
  for (const [name, item] of Object.entries(value)) {
    const parsed = parseVariable(name, item)
    if (!parsed.isOk) {
      failures.push([name, parsed])
      continue
    }
    entries.push([name, parsed.value])
    length += name.length + parsed.value.length + 2
  }
  const failure = gatherFailures(failures)
  if (failure !== undefined) return failure
  if (length > MAX_ENVIRONMENT_LENGTH || entries.length > MAX_ENVIRONMENT_VARIABLES) {
    return refuse(
      'too-many',
      `the environment has ${entries.length} variables, ${length} characters`,
      `At most ${MAX_ENVIRONMENT_VARIABLES} and ${MAX_ENVIRONMENT_LENGTH}.`,
    )
  }
  return accept(Object.fromEntries(entries))
}

function parseVariable(name: string, value: unknown): Parsed<string> {
  if (!variableName.test(name)) {
    return refuse(
      'bad-environment',
      `${quote(name)} is not a name of an environment variable`,
      'Names have letters, digits and "_", and do not begin with a digit.',
    )
  }
  if (name.startsWith('EUDAEMON_')) {
    return refuse('bad-environment', `${name} is set by the supervisor itself`, 'Use another name.')
  }
  if (typeof value === 'number' || typeof value === 'boolean') return accept(String(value))
  if (value === '') return accept('')
  if (typeof value !== 'string') {
    return refuse(
      'wrong-type',
      `a variable must be text, a number, true or false, not ${describeValue(value)}`,
      'Write it as one text in quotes.',
    )
  }
  return value.trim() === '' ? accept(value) : parseText(value)
}

/** An absolute path, as seen from the folder of the file. */
export function pathFrom(directory: string): ValueParser<string> {
  return (value) => {
    const text = parseText(value)
    if (!text.isOk) return text
    if (/^~/.test(text.value) || /^\$|\$\{/.test(text.value)) {
      return refuse(
        'bad-path',
        `${quote(text.value)}: "~" and variables are not expanded here`,
        'Write the whole path, or one as seen from the folder of this file.',
      )
    }
    return accept(resolvePath(directory, text.value))
  }
}

/** One path or a list; `?` in front of a path makes it optional. */
export function environmentFilesFrom(directory: string): ValueParser<readonly EnvironmentFile[]> {
  const parsePath = pathFrom(directory)
  const parseOne: ValueParser<EnvironmentFile> = (value) => {
    const isOptional = typeof value === 'string' && value.startsWith('?')
    const path = parsePath(isOptional ? value.slice(1) : value)
    return path.isOk ? accept({ path: path.value, isOptional }) : path
  }
  const parseMany = listOf(parseOne, 'paths')
  return (value) => {
    if (Array.isArray(value)) return parseMany(value)
    if (typeof value !== 'string') {
      return refuseType('a path or a list of paths', value, 'Write env-file = ".env".')
    }
    const one = parseOne(value)
    return one.isOk ? accept([one.value]) : one
  }
}

// What a definition needs of this machine and does not find: programs, directories, users, files.
// Warnings only: another machine, or this one in a minute, may have them.

import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Diagnostic } from '../base/diagnostic.ts'
import { quote } from '../base/quote.ts'
import { suggest } from '../base/suggest.ts'
import type { Command, ProjectDefinition, ServiceDefinition } from '../model/service-definition.ts'

type Environment = Readonly<Record<string, string | undefined>>

interface Finding {
  readonly setting: string
  readonly message: string
  readonly hint?: string
}

/** In the order of the services. */
export function preflight(
  project: ProjectDefinition,
  env: Environment,
  uid: number,
): readonly Diagnostic[] {
  const users = readNames('/etc/passwd')
  const groups = readNames('/etc/group')
  return Object.values(project.services).flatMap((service) => {
    const findings = [
      ...checkDirectory(service),
      ...commandsOf(service).flatMap(([setting, command]) =>
        checkCommand(setting, command, service, env),
      ),
      ...checkFiles(service),
      ...checkNames(service, users, groups, uid),
    ]
    return findings.map((finding) => toDiagnostic(service.name, finding))
  })
}

function toDiagnostic(service: string, { setting, message, hint }: Finding): Diagnostic {
  return {
    severity: 'warning',
    code: 'not-on-this-machine',
    message: `${service}: ${message}`,
    setting: `services.${service}.${setting}`,
    ...(hint === undefined ? {} : { hint }),
  }
}

function checkDirectory({ directory }: ServiceDefinition): readonly Finding[] {
  const state = stateOf(directory)
  if (state === 'directory') return []
  const what = state === 'missing' ? 'does not exist' : 'is no directory'
  return [{ setting: 'directory', message: `the working directory ${quote(directory)} ${what}` }]
}

function commandsOf(service: ServiceDefinition): readonly (readonly [string, Command])[] {
  const { command, stop, reload, setup, finish } = service
  const all: (readonly [string, Command | null | undefined])[] = [
    ['command', command],
    ['stop.command', stop.command],
    ['reload.command', reload?.kind === 'command' ? reload.command : null],
    ['setup', setup?.command],
    ['finish', finish?.command],
  ]
  return all.flatMap(([setting, found]) => (found ? [[setting, found] as const] : []))
}

/** Shell lines are not taken apart: only the shell knows what they mean. */
function checkCommand(
  setting: string,
  command: Command,
  { directory, environment }: ServiceDefinition,
  env: Environment,
): readonly Finding[] {
  const program = command.kind === 'argv' ? command.argv[0] : undefined
  if (program === undefined) return []
  if (program.includes('/')) {
    const path = resolve(directory, program)
    if (stateOf(path) === 'missing') {
      return [{ setting, message: `the command ${quote(program)} does not exist` }]
    }
    if (isExecutable(path)) return []
    const hint = `Run chmod +x ${path}, or name its interpreter first.`
    return [{ setting, message: `the command ${quote(program)} is not executable`, hint }]
  }
  const path = environment['PATH'] ?? env['PATH'] ?? ''
  const isFound = path
    .split(':')
    .some((folder) => isExecutable(resolve(directory, folder, program)))
  if (isFound) return []
  const hint = 'Install it, or write its whole path.'
  return [{ setting, message: `the command ${quote(program)} is not in PATH`, hint }]
}

function checkFiles({ environmentFiles }: ServiceDefinition): readonly Finding[] {
  return environmentFiles
    .filter(({ path, isOptional }) => !isOptional && stateOf(path) !== 'file')
    .map(({ path }) => ({
      setting: 'env-file',
      message: `the environment file ${quote(path)} does not exist`,
      hint: 'Write ? before the path when it may be missing.',
    }))
}

function checkNames(
  service: ServiceDefinition,
  users: ReadonlySet<string> | null,
  groups: ReadonlySet<string> | null,
  uid: number,
): readonly Finding[] {
  const findings: Finding[] = []
  const check = (setting: string, name: string | null, known: ReadonlySet<string> | null): void => {
    if (name === null || known === null || /^\d+$/.test(name) || known.has(name)) return
    const close = suggest(name, known)
    const hint = close === undefined ? {} : { hint: `Did you mean '${close}'?` }
    const kind = setting === 'user' ? 'user' : 'group'
    findings.push({ setting, message: `there is no ${kind} ${quote(name)}`, ...hint })
  }
  check('user', service.user, users)
  check('group', service.group, groups)
  for (const group of service.supplementaryGroups) check('groups', group, groups)
  if (service.user !== null && uid !== 0) {
    const hint = 'Run the supervisor as root, or remove the setting.'
    findings.push({ setting: 'user', message: 'only root can start it as another user', hint })
  }
  return findings
}

/** The first fields; null when there is no such file. Users of a directory server are not there. */
function readNames(path: string): ReadonlySet<string> | null {
  try {
    const lines = readFileSync(path, 'utf8').split('\n')
    return new Set(lines.map((line) => line.slice(0, line.indexOf(':'))))
  } catch {
    return null
  }
}

function stateOf(path: string): 'missing' | 'file' | 'directory' {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return 'missing'
  return stats.isDirectory() ? 'directory' : 'file'
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return stateOf(path) === 'file'
  } catch {
    return false
  }
}

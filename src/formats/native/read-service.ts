// One `[services.NAME]` table to a complete definition. What is wrong is reported and replaced by
// its default, so that the other checks can go on.

import { MAX_INSTANCES_PER_SERVICE } from '../../base/limits.ts'
import { quote } from '../../base/quote.ts'
import { withDefaults } from '../../model/defaults.ts'
import type { SettingPath } from '../../model/problem.ts'
import type {
  Command,
  EnvironmentFile,
  LogPlan,
  ServiceDefinition,
  ServiceKind,
} from '../../model/service-definition.ts'
import { serviceKinds } from '../../model/words.ts'
import { environmentFilesFrom, parseEnvironment, pathFrom } from './read-environment.ts'
import { readLimits } from './read-limits.ts'
import { readHook, readLog, readReload, readRestart, readStop } from './read-plans.ts'
import { readLiveness, readReadiness, refuseProbesOfOneshot } from './read-probes.ts'
import {
  hasKey,
  openSection,
  type ReadContext,
  readField,
  report,
  type Section,
} from './section.ts'
import {
  accept,
  integerFrom,
  listOf,
  oneOf,
  parseText,
  refuse,
  refuseType,
  type ValueParser,
} from './value.ts'
import { parseCommand, parseName, parseUmask } from './values.ts'

/** What the file says for all services. */
export interface Inherited {
  readonly environment: Readonly<Record<string, string>>
  readonly environmentFiles: readonly EnvironmentFile[]
  readonly log: LogPlan
}

/** Stands in for a command that could not be read; such a project is never used. */
export const noCommand: Command = { kind: 'argv', argv: ['false'] }

const dependencyKeys = ['requires', 'wants', 'after', 'before'] as const

/** Undefined only when `value` is no table. */
export function readService(
  context: ReadContext,
  name: string,
  value: unknown,
  inherited: Inherited,
): ServiceDefinition | undefined {
  const path: SettingPath = ['services', name]
  const section = openSection(context, path, 'service', value)
  if (section === undefined) return undefined
  if (!hasKey(section, 'command') && !section.meant.has('command')) {
    report(
      section,
      null,
      'missing-setting',
      `service ${quote(name)} has no command`,
      'Add command = ["PROGRAM", "ARGUMENT"] or command = "a line for sh -c".',
    )
  }
  const kind = readField(section, 'kind', parseKind) ?? 'longrun'
  const environment = readField(section, 'env', parseEnvironment) ?? {}
  const files = readField(section, 'env-file', environmentFilesFrom(context.directory)) ?? []
  return withDefaults({
    name,
    kind,
    command: readField(section, 'command', parseCommand) ?? noCommand,
    description: readField(section, 'description', parseText) ?? null,
    directory: readField(section, 'directory', pathFrom(context.directory)) ?? context.directory,
    environment: { ...inherited.environment, ...environment },
    environmentFiles: [...inherited.environmentFiles, ...files],
    user: readField(section, 'user', parseAccount) ?? null,
    group: readField(section, 'group', parseAccount) ?? null,
    supplementaryGroups: readField(section, 'groups', listOf(parseAccount, 'group names')) ?? [],
    umask: readField(section, 'umask', parseUmask) ?? null,
    nice: readField(section, 'nice', integerFrom(-20, 19)) ?? null,
    limits: readLimits(section),
    instances: readField(section, 'instances', integerFrom(1, MAX_INSTANCES_PER_SERVICE)) ?? 1,
    isStartedAtBoot: (readField(section, 'start', oneOf(['auto', 'manual'])) ?? 'auto') === 'auto',
    ...readDependencies(section),
    ...readLife(section, kind),
    log: readLog(section, inherited.log),
  })
}

type Dependencies = Pick<ServiceDefinition, (typeof dependencyKeys)[number]>

function readDependencies(section: Section): Dependencies {
  const lists = dependencyKeys.map(
    (key) => [key, readField(section, key, listOf(parseName, 'service names')) ?? []] as const,
  )
  return Object.fromEntries(lists) as unknown as Dependencies
}

function readLife(section: Section, kind: ServiceKind) {
  const readiness = readReadiness(section)
  const liveness = readLiveness(section)
  const isOneshot = kind === 'oneshot'
  if (isOneshot) refuseProbesOfOneshot(section)
  return {
    readiness: (isOneshot ? undefined : readiness) ?? { kind: 'immediate' as const },
    liveness: isOneshot ? null : liveness,
    restart: readRestart(section, kind),
    stop: readStop(section),
    reload: readReload(section),
    setup: readHook(section, 'setup'),
    finish: readHook(section, 'finish'),
  }
}

const parseKind: ValueParser<ServiceKind> = (value) => {
  if (value === 'target') {
    return refuse(
      'not-yet',
      "kind 'target' belongs to a later version of eudaemon",
      'Use a oneshot with command = ["true"] that requires the members for now.',
    )
  }
  return oneOf(serviceKinds)(value)
}

/** A user or group: a name as useradd(8) takes it, or a number. */
const parseAccount: ValueParser<string> = (value) => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32 - 1) {
    return accept(String(value))
  }
  if (typeof value !== 'string')
    return refuseType('a name or number', value, 'Give a name in quotes, or a number.')
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/.test(value) && value.length <= 32) return accept(value)
  return refuse(
    'bad-name',
    `${quote(value)} cannot be the name of a user or group`,
    'Names have no blanks; its number works as well.',
  )
}

// The shape of a definition in JSON, as the control API receives it from whoever can open its
// socket. Each rule is the one that the native reader has; what is refused there is refused here.

import { parseHttpUrl } from '../base/http-url.ts'
import {
  MAX_ARGUMENTS,
  MAX_DURATION_MS,
  MAX_ENVIRONMENT_LENGTH,
  MAX_ENVIRONMENT_VARIABLES,
  MAX_INSTANCES_PER_SERVICE,
  MAX_NAME_LENGTH,
  MAX_PATTERN_LENGTH,
  MAX_RESTART_HISTORY,
  MAX_SERVICES_PER_PROJECT,
} from '../base/limits.ts'
import { LAST_SIGNAL } from '../base/signal.ts'
import type {
  BurstLimit,
  Command,
  EnvironmentFile,
  Hook,
  InstanceVariable,
  LimitName,
  Liveness,
  LogPlan,
  Probe,
  ProbeAction,
  ProjectDefinition,
  Readiness,
  ReloadPlan,
  ResourceLimit,
  RestartPolicy,
  ServiceDefinition,
  StopPlan,
} from './service-definition.ts'
import { isValidName } from './service-name.ts'
import {
  flag,
  integer,
  integerOrInfinity,
  list,
  nullable,
  object,
  pair,
  record,
  type Shape,
  text,
  variants,
  word,
} from './shape.ts'
import {
  compressions,
  killModes,
  limitNames,
  restartPolicies,
  serviceKinds,
  timestampKinds,
} from './words.ts'

const name = text({ max: MAX_NAME_LENGTH, rule: ['a valid name', isValidName] })
const path = text({ rule: ['an absolute path', (value) => value.startsWith('/')] })
const names = list(name)
const milliseconds = integer(1, MAX_DURATION_MS)
const millisecondsOrInfinity = integerOrInfinity(1, MAX_DURATION_MS)
const signal = integer(1, LAST_SIGNAL)
const account = text({
  max: 32,
  rule: ['a user or group', (value) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/.test(value)],
})
const variableName = text({
  rule: [
    'a variable name',
    (value) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(value) && !value.startsWith('EUDAEMON_'),
  ],
})

const words = list(text({ mayBeEmpty: true }), 1, MAX_ARGUMENTS)
const argv: Shape<readonly string[]> = (value, at, problems) => {
  const found = words(value, at, problems)
  if (found === undefined || found[0] !== '') return found
  return text()('', [...at, 0], problems) === undefined ? undefined : found
}
const command = variants<Command>({
  argv: object<Extract<Command, { kind: 'argv' }>>({ kind: word(['argv']), argv }),
  shell: object<Extract<Command, { kind: 'shell' }>>({
    kind: word(['shell']),
    line: text({ rule: ['a command', (value) => value.trim() !== ''] }),
  }),
})

const variables = record(variableName, text({ mayBeEmpty: true }), MAX_ENVIRONMENT_VARIABLES)
const environment: Shape<Readonly<Record<string, string>>> = (value, at, problems) => {
  const found = variables(value, at, problems)
  if (found === undefined) return undefined
  const length = Object.entries(found).reduce(
    (sum, [key, item]) => sum + key.length + item.length + 2,
    0,
  )
  const isGood = integer(0, MAX_ENVIRONMENT_LENGTH)(length, [...at, 'length'], problems)
  return isGood === undefined ? undefined : found
}

type Action<K extends ProbeAction['kind']> = Extract<ProbeAction, { kind: K }>
const status = integer(100, 599)
const action = variants<ProbeAction>({
  http: object<Action<'http'>>({
    kind: word(['http']),
    url: text({ max: 4_096, rule: ['an http URL', isHttpUrl] }),
    status: pair(status),
  }),
  tcp: object<Action<'tcp'>>({
    kind: word(['tcp']),
    port: integer(1, 65_535),
    host: text({ max: 255, rule: ['a host', (value) => /^[A-Za-z0-9._:-]+$/.test(value)] }),
  }),
  exec: object<Action<'exec'>>({ kind: word(['exec']), command }),
})
const probe = object<Probe>({ action, intervalMs: milliseconds, attemptTimeoutMs: milliseconds })

type Ready<K extends Readiness['kind']> = Extract<Readiness, { kind: K }>
const readiness = variants<Readiness>({
  immediate: object<Ready<'immediate'>>({ kind: word(['immediate']) }),
  delay: object<Ready<'delay'>>({ kind: word(['delay']), delayMs: milliseconds }),
  probe: object<Ready<'probe'>>({
    kind: word(['probe']),
    probe,
    timeoutMs: millisecondsOrInfinity,
  }),
  log: object<Ready<'log'>>({
    kind: word(['log']),
    stream: word(['stdout', 'stderr', 'any']),
    pattern: text({ max: MAX_PATTERN_LENGTH, rule: ['a regular expression', isPattern] }),
    timeoutMs: millisecondsOrInfinity,
  }),
  'notify-fd': object<Ready<'notify-fd'>>({
    kind: word(['notify-fd']),
    fd: integer(3, 255),
    timeoutMs: millisecondsOrInfinity,
  }),
})

function isHttpUrl(value: string): boolean {
  const port = parseHttpUrl(value)?.port ?? 0
  return port >= 1 && port <= 65_535
}

function isPattern(value: string): boolean {
  try {
    new RegExp(value)
    return true
  } catch {
    return false
  }
}

const restart = object<RestartPolicy>({
  policy: word(restartPolicies),
  backoffMinMs: milliseconds,
  backoffMaxMs: milliseconds,
  stableMs: milliseconds,
  burst: nullable(
    object<BurstLimit>({
      count: integer(1, MAX_RESTART_HISTORY),
      intervalMs: milliseconds,
    }),
  ),
  successCodes: list(integer(0, 255), 0, 256),
})

const amount = integerOrInfinity(0, Number.MAX_SAFE_INTEGER)
const limit = object<ResourceLimit>({ soft: amount, hard: amount })
const limitName = text({
  rule: ['a resource limit', (value) => limitNames.includes(value as LimitName)],
})
const hook = object<Hook>({ command, timeoutMs: millisecondsOrInfinity })

type Reload<K extends ReloadPlan['kind']> = Extract<ReloadPlan, { kind: K }>
const reload = variants<ReloadPlan>({
  signal: object<Reload<'signal'>>({ kind: word(['signal']), signal }),
  command: object<Reload<'command'>>({ kind: word(['command']), command }),
})

const serviceShape: Shape<ServiceDefinition> = object<ServiceDefinition>({
  name,
  description: nullable(text()),
  kind: word(serviceKinds),
  command,
  directory: path,
  environment,
  environmentFiles: list(object<EnvironmentFile>({ path, isOptional: flag })),
  instanceEnvironment: list(
    object<InstanceVariable>({
      name: variableName,
      base: integer(0, 1e9),
      step: integer(0, 1e6),
    }),
    0,
    64,
  ),
  user: nullable(account),
  group: nullable(account),
  supplementaryGroups: list(account),
  umask: nullable(integer(0, 0o777)),
  nice: nullable(integer(-20, 19)),
  limits: record(limitName, limit, limitNames.length),
  instances: integer(1, MAX_INSTANCES_PER_SERVICE),
  isStartedAtBoot: flag,
  requires: names,
  wants: names,
  after: names,
  before: names,
  readiness,
  liveness: nullable(object<Liveness>({ probe, failures: integer(1, 1_000) })),
  restart,
  stop: object<StopPlan>({
    signal,
    timeoutMs: millisecondsOrInfinity,
    kill: word(killModes),
    command: nullable(command),
    commandGraceMs: integerOrInfinity(0, MAX_DURATION_MS),
  }),
  reload: nullable(reload),
  setup: nullable(hook),
  finish: nullable(hook),
  log: object<LogPlan>({
    maxSizeBytes: integer(4_096, Number.MAX_SAFE_INTEGER),
    maxAgeMs: millisecondsOrInfinity,
    keep: integer(0, 10_000),
    compress: word(compressions),
    timestamps: word(timestampKinds),
  }),
})

export const projectShape: Shape<ProjectDefinition> = object<ProjectDefinition>({
  name,
  file: path,
  directory: path,
  services: record(name, serviceShape, MAX_SERVICES_PER_PROJECT),
})

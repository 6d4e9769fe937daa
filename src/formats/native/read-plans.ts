// `restart`, `stop`, `reload`, `setup`, `finish` and `log`: the plans for the life of a service.

import {
  DEFAULT_HOOK_TIMEOUT_MS,
  defaultLog,
  defaultRestart,
  defaultStop,
} from '../../model/defaults.ts'
import type {
  Hook,
  LogPlan,
  ReloadPlan,
  RestartPolicy,
  ServiceKind,
  StopPlan,
} from '../../model/service-definition.ts'
import { compressions, killModes, restartPolicies, timestampKinds } from '../../model/words.ts'
import {
  hasKey,
  openSection,
  readChoiceKey,
  readField,
  readSection,
  report,
  type Section,
} from './section.ts'
import { integerFrom, isTable, listOf, oneOf } from './value.ts'
import {
  parseBackoff,
  parseBurst,
  parseCommand,
  parseGrace,
  parseLogSize,
  parseReloadSignal,
  parseSignalValue,
  parseTime,
  parseTimeOrInfinity,
} from './values.ts'

/** A word, or a table. */
export function readRestart(service: Section, kind: ServiceKind): RestartPolicy {
  const byDefault = defaultRestart(kind)
  if (!hasKey(service, 'restart')) return byDefault
  const value = service.table['restart']
  if (!isTable(value)) {
    const policy = readField(service, 'restart', oneOf(restartPolicies))
    return policy === undefined ? byDefault : { ...byDefault, policy }
  }
  const path = [...service.path, 'restart']
  const section = openSection(service.context, path, 'service.restart', value)
  if (section === undefined) return byDefault
  const backoff = readField(section, 'backoff', parseBackoff)
  const burst = readField(section, 'burst', parseBurst)
  return {
    policy: readField(section, 'policy', oneOf(restartPolicies)) ?? byDefault.policy,
    backoffMinMs: backoff?.[0] ?? byDefault.backoffMinMs,
    backoffMaxMs: backoff?.[1] ?? byDefault.backoffMaxMs,
    stableMs: readField(section, 'stable', parseTime) ?? byDefault.stableMs,
    burst: burst === undefined ? byDefault.burst : burst,
    successCodes:
      readField(section, 'success-codes', listOf(integerFrom(0, 255), 'exit statuses')) ?? [],
  }
}

export function readStop(service: Section): StopPlan {
  const section = readSection(service, 'stop')
  if (section === undefined) return defaultStop
  const timeoutMs = readField(section, 'timeout', parseTimeOrInfinity) ?? defaultStop.timeoutMs
  return {
    signal: readField(section, 'signal', parseSignalValue) ?? defaultStop.signal,
    timeoutMs,
    kill: readField(section, 'kill', oneOf(killModes)) ?? defaultStop.kill,
    command: readField(section, 'command', parseCommand) ?? null,
    commandGraceMs: readField(section, 'command-grace', parseGrace) ?? timeoutMs,
  }
}

export function readReload(service: Section): ReloadPlan | null {
  const section = readSection(service, 'reload')
  if (section === undefined) return null
  const way = readChoiceKey(section, ['signal', 'command'], 'how the service is told to reload')
  if (way === 'signal') {
    const signal = readField(section, 'signal', parseReloadSignal)
    return signal === undefined ? null : { kind: 'signal', signal }
  }
  const command = readField(section, 'command', parseCommand)
  return command === undefined ? null : { kind: 'command', command }
}

/** A command, or a table with a command and its time limit. */
export function readHook(service: Section, key: 'setup' | 'finish'): Hook | null {
  if (!hasKey(service, key)) return null
  const value = service.table[key]
  if (!isTable(value)) {
    const command = readField(service, key, parseCommand)
    return command === undefined ? null : { command, timeoutMs: DEFAULT_HOOK_TIMEOUT_MS }
  }
  const path = [...service.path, key]
  const section = openSection(service.context, path, `service.${key}`, value)
  if (section === undefined) return null
  const timeoutMs = readField(section, 'timeout', parseTimeOrInfinity) ?? DEFAULT_HOOK_TIMEOUT_MS
  if (!hasKey(section, 'command')) {
    report(
      section,
      null,
      'missing-setting',
      `${key} has no command`,
      `Write ${key} = { command = "…" }.`,
    )
  }
  const command = readField(section, 'command', parseCommand)
  return command === undefined ? null : { command, timeoutMs }
}

/** `inherited` is what the file says for all services. */
export function readLog(parent: Section, inherited: LogPlan = defaultLog): LogPlan {
  const section = readSection(parent, 'log')
  if (section === undefined) return inherited
  return {
    maxSizeBytes: readField(section, 'max-size', parseLogSize) ?? inherited.maxSizeBytes,
    maxAgeMs: readField(section, 'max-age', parseTimeOrInfinity) ?? inherited.maxAgeMs,
    keep: readField(section, 'keep', integerFrom(0, 10_000)) ?? inherited.keep,
    compress: readField(section, 'compress', oneOf(compressions)) ?? inherited.compress,
    timestamps: readField(section, 'timestamps', oneOf(timestampKinds)) ?? inherited.timestamps,
  }
}

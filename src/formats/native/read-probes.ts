// `ready` and `live`: how a service is asked whether it serves.

import { quote } from '../../base/quote.ts'
import {
  DEFAULT_LIVENESS_FAILURES,
  DEFAULT_READY_TIMEOUT_MS,
  defaultLiveProbe,
  defaultReadyProbe,
} from '../../model/defaults.ts'
import type { Liveness, ProbeAction, Readiness } from '../../model/service-definition.ts'
import { parsePattern, parseStatusRange, parseTcp, parseUrl } from './probe-values.ts'
import {
  hasKey,
  openSection,
  readChoiceKey,
  readField,
  readSection,
  refuseKeys,
  report,
  type Section,
} from './section.ts'
import { accept, integerFrom, oneOf, refuse, type ValueParser } from './value.ts'
import { parseCommand, parseTime, parseTimeOrInfinity } from './values.ts'

const readyWays = ['immediate', 'delay', 'http', 'tcp', 'exec', 'log', 'notify-fd'] as const
const probeWays = ['http', 'tcp', 'exec'] as const
const streams = ['stdout', 'stderr', 'any'] as const
const goodStatuses = [200, 399] as const

/** Undefined when nothing valid is written. */
export function readReadiness(service: Section): Readiness | undefined {
  if (!hasKey(service, 'ready')) return undefined
  const value = service.table['ready']
  if (typeof value === 'string') {
    readField(service, 'ready', parseReadyWord)
    return undefined
  }
  const path = [...service.path, 'ready']
  const section = openSection(service.context, path, 'service.ready', value)
  if (section === undefined) return undefined
  const way = readChoiceKey(section, readyWays, 'how the service tells that it is ready')
  if (way === undefined) return undefined
  const isProbe = (probeWays as readonly string[]).includes(way)
  if (!isProbe) refuseKeys(section, ['interval', 'attempt-timeout'], `with ${quote(way)}`)
  if (way !== 'http') refuseKeys(section, ['status'], `with ${quote(way)}`)
  if (way !== 'log') refuseKeys(section, ['stream'], `with ${quote(way)}`)
  if (way === 'immediate' || way === 'delay') refuseKeys(section, ['timeout'], `with ${quote(way)}`)
  const timeoutMs = readField(section, 'timeout', parseTimeOrInfinity) ?? DEFAULT_READY_TIMEOUT_MS
  if (isProbe) {
    const action = readAction(section, way)
    const probe = { ...defaultReadyProbe, ...readRhythm(section) }
    return action && { kind: 'probe', probe: { action, ...probe }, timeoutMs }
  }
  return readOwnWord(section, way, timeoutMs)
}

/** The ways in which the service itself tells, or nobody asks. */
function readOwnWord(section: Section, way: string, timeoutMs: number): Readiness | undefined {
  if (way === 'delay') {
    const delayMs = readField(section, 'delay', parseTime)
    return delayMs === undefined ? undefined : { kind: 'delay', delayMs }
  }
  if (way === 'log') {
    const pattern = readField(section, 'log', parsePattern)
    const stream = readField(section, 'stream', oneOf(streams)) ?? 'any'
    return pattern === undefined ? undefined : { kind: 'log', pattern, stream, timeoutMs }
  }
  if (way === 'notify-fd') {
    const fd = readField(section, 'notify-fd', integerFrom(3, 255))
    return fd === undefined ? undefined : { kind: 'notify-fd', fd, timeoutMs }
  }
  readField(section, 'immediate', parseTrue)
  return { kind: 'immediate' }
}

const parseTrue: ValueParser<true> = (value) =>
  value === true
    ? accept(true)
    : refuse('bad-value', 'only true is possible here', 'Write immediate = true, or another way.')

const parseReadyWord: ValueParser<null> = (value) => {
  if (value === 'immediate') return accept(null)
  const text = String(value)
  if (['notify', 'sd-notify', 'sd_notify', 'forking'].includes(text)) {
    return refuse(
      'not-yet',
      `${quote(text)} belongs to a later version of eudaemon`,
      'Use { notify-fd = 3 }, a probe or a log pattern for now.',
    )
  }
  if (/^https?:/.test(text)) {
    return refuse(
      'bad-value',
      `${quote(text)} is not possible here`,
      `Write ready = { http = ${JSON.stringify(text)} }.`,
    )
  }
  return refuse(
    'bad-value',
    `${quote(text)} is not possible here`,
    'Write "immediate", or a table with one of delay, http, tcp, exec, log, notify-fd.',
  )
}

/** Null when nothing valid is written. */
export function readLiveness(service: Section): Liveness | null {
  const section = readSection(service, 'live')
  if (section === undefined) return null
  const way = readChoiceKey(section, probeWays, 'how the service is asked whether it lives')
  if (way !== undefined && way !== 'http') refuseKeys(section, ['status'], `with ${quote(way)}`)
  const failures =
    readField(section, 'failures', integerFrom(1, 1_000)) ?? DEFAULT_LIVENESS_FAILURES
  const rhythm = readRhythm(section)
  const action = way === undefined ? undefined : readAction(section, way)
  if (action === undefined) return null
  return { probe: { action, ...defaultLiveProbe, ...rhythm }, failures }
}

function readAction(section: Section, way: string): ProbeAction | undefined {
  if (way === 'http') {
    const url = readField(section, 'http', parseUrl)
    const status = readField(section, 'status', parseStatusRange) ?? goodStatuses
    return url === undefined ? undefined : { kind: 'http', url, status }
  }
  if (way === 'tcp') {
    const address = readField(section, 'tcp', parseTcp)
    return address && { kind: 'tcp', ...address }
  }
  const command = readField(section, 'exec', parseCommand)
  return command && { kind: 'exec', command }
}

function readRhythm(section: Section): { intervalMs?: number; attemptTimeoutMs?: number } {
  const intervalMs = readField(section, 'interval', parseTime)
  const attemptTimeoutMs = readField(section, 'attempt-timeout', parseTime)
  return {
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs }),
  }
}

/** A oneshot is ready when it has ended with success: `ready` and `live` contradict that. */
export function refuseProbesOfOneshot(service: Section): void {
  for (const key of ['ready', 'live'] as const) {
    if (!hasKey(service, key)) continue
    const why = key === 'ready' ? 'it is ready when it has ended with success' : 'it does not stay'
    report(
      service,
      key,
      'conflict',
      `a oneshot cannot have ${quote(key)}: ${why}`,
      `Remove it, or use kind = "longrun".`,
    )
  }
}

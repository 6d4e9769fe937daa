// The services of a story, one a line: a name and what is not as usual.
//
//   web  requires=db ready=notify timeout=3s burst=2/10s kill=mixed setup finish

import { parseDuration } from '../../src/base/duration.ts'
import { signalNumbers } from '../../src/base/signal.ts'
import type { ProjectDefinition, ServiceDefinition } from '../../src/model/service-definition.ts'
import { command, makeProject, makeService } from '../fixtures/definitions.ts'

type Change = (service: ServiceDefinition, value: string) => Partial<ServiceDefinition>

const names = (value: string): readonly string[] => value.split(',')

function toMs(value: string): number {
  const ms = parseDuration(value)
  if (ms === undefined) throw new Error(`no duration: '${value}'`)
  return ms
}

function toReadiness(value: string): ServiceDefinition['readiness'] {
  const timeoutMs = 30_000
  if (value === 'notify') return { kind: 'notify-fd', fd: 3, timeoutMs }
  if (value === 'log') return { kind: 'log', pattern: 'ready', stream: 'any', timeoutMs }
  return { kind: 'delay', delayMs: toMs(value) }
}

const hook = (name: string, value: string) => ({
  command: command(name),
  timeoutMs: value === '' ? 60_000 : toMs(value),
})

const probe = {
  action: { kind: 'tcp', host: '127.0.0.1', port: 80 },
  intervalMs: 1_000,
  attemptTimeoutMs: 500,
} as const

const changes: Readonly<Record<string, Change>> = {
  requires: (_, value) => ({ requires: names(value) }),
  wants: (_, value) => ({ wants: names(value) }),
  after: (_, value) => ({ after: names(value) }),
  before: (_, value) => ({ before: names(value) }),
  instances: (_, value) => ({ instances: Number(value) }),
  manual: () => ({ isStartedAtBoot: false }),
  oneshot: ({ restart }) => ({ kind: 'oneshot', restart: { ...restart, policy: 'never' } }),
  ready: (_, value) => ({ readiness: toReadiness(value) }),
  timeout: ({ readiness }, value) =>
    'timeoutMs' in readiness ? { readiness: { ...readiness, timeoutMs: toMs(value) } } : {},
  live: () => ({ liveness: { probe, failures: 3 } }),
  restart: ({ restart }, value) => ({
    restart: { ...restart, policy: value as ServiceDefinition['restart']['policy'] },
  }),
  burst: ({ restart }, value) => {
    const [count = '', interval = ''] = value.split('/')
    const burst = { count: Number(count), intervalMs: toMs(interval) }
    return { restart: { ...restart, burst } }
  },
  kill: ({ stop }, value) => ({
    stop: { ...stop, kill: value as ServiceDefinition['stop']['kill'] },
  }),
  stop: ({ stop }, value) => ({ stop: { ...stop, timeoutMs: toMs(value) } }),
  'stop-command': ({ stop }) => ({ stop: { ...stop, command: command('stop') } }),
  grace: ({ stop }, value) => ({ stop: { ...stop, commandGraceMs: toMs(value) } }),
  reload: (_, value) => ({
    reload:
      value === 'command'
        ? { kind: 'command', command: command('reload') }
        : { kind: 'signal', signal: signalNumbers.HUP },
  }),
  setup: (_, value) => ({ setup: hook('setup', value) }),
  finish: (_, value) => ({ finish: hook('finish', value) }),
  env: (_, value) => ({ environment: { VALUE: value } }),
  'log-keep': ({ log }, value) => ({ log: { ...log, keep: Number(value) } }),
}

/** One line a service. */
export function parseProject(name: string, lines: readonly string[]): ProjectDefinition {
  return makeProject(name, lines.map(parseService))
}

function parseService(line: string): ServiceDefinition {
  const [name = '', ...words] = line.split(/\s+/)
  let service = makeService(name)
  for (const word of words) {
    const [key = '', value = ''] = word.split('=')
    const change = changes[key]
    if (change === undefined) throw new Error(`no setting '${key}' in a story`)
    service = { ...service, ...change(service, value) }
  }
  return service
}

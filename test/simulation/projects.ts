// Projects as people write them, at random: a few services, dependencies that go one way, and now
// and then each feature that changes how a service starts or ends.

import type { ProjectDefinition, ServiceDefinition } from '../../src/model/service-definition.ts'
import { command, makeProject, makeService } from '../fixtures/definitions.ts'
import type { Chance } from './chance.ts'

const NAMES = ['db', 'cache', 'api', 'web', 'job'] as const
export const PROJECT = 'shop'

/** Services in the order of their dependencies; the first need nothing. */
export function randomProject(chance: Chance): ProjectDefinition {
  const count = chance.between(1, NAMES.length)
  const services: ServiceDefinition[] = []
  for (const name of NAMES.slice(0, count)) {
    services.push(
      randomService(
        chance,
        name,
        services.map((service) => service.name),
      ),
    )
  }
  return makeProject(PROJECT, services)
}

/** One service differs, is gone, or is new. */
export function changedProject(chance: Chance, before: ProjectDefinition): ProjectDefinition {
  const services = Object.values(before.services)
  if (chance.is(0.2)) return randomProject(chance)
  const victim = chance.pick(services)
  const earlier = NAMES.slice(0, NAMES.indexOf(victim.name as (typeof NAMES)[number])).filter(
    (name) => before.services[name] !== undefined,
  )
  const changed = services.map((service) => {
    if (service !== victim) return service
    if (chance.is(0.5)) return randomService(chance, service.name, earlier)
    return { ...service, environment: { VERSION: String(chance.between(1, 9)) } }
  })
  return makeProject(PROJECT, changed)
}

function randomService(
  chance: Chance,
  name: string,
  earlier: readonly string[],
): ServiceDefinition {
  const some = (probability: number) => earlier.filter(() => chance.is(probability))
  const hook = (probability: number) =>
    chance.is(probability) ? { command: command('hook'), timeoutMs: 2_000 } : null
  const isOneshot = chance.is(0.15)
  const backoffMinMs = chance.pick([100, 1_000])
  return makeService(name, {
    kind: isOneshot ? 'oneshot' : 'longrun',
    instances: chance.is(0.2) ? 2 : 1,
    isStartedAtBoot: chance.is(0.9),
    requires: some(0.5),
    wants: some(0.1),
    after: some(0.1),
    readiness: randomReadiness(chance),
    liveness: chance.is(0.2)
      ? { failures: 3, probe: { action: tcp, intervalMs: 1_000, attemptTimeoutMs: 500 } }
      : null,
    restart: {
      policy: chance.pick(['always', 'on-failure', 'on-failure', 'never']),
      backoffMinMs,
      backoffMaxMs: backoffMinMs * 16,
      stableMs: 5_000,
      burst: chance.is(0.5) ? { count: chance.between(1, 4), intervalMs: 20_000 } : null,
      successCodes: chance.is(0.1) ? [3] : [],
    },
    stop: {
      signal: 15,
      timeoutMs: chance.pick([0, 1_000, 5_000]),
      kill: chance.pick(['cgroup', 'cgroup', 'group', 'mixed', 'process']),
      command: chance.is(0.15) ? command('stop') : null,
      commandGraceMs: chance.pick([0, 500, 5_000]),
    },
    reload: chance.is(0.3)
      ? chance.pick([
          { kind: 'command', command: command('reload') },
          { kind: 'signal', signal: 1 },
        ] as const)
      : null,
    setup: hook(0.2),
    finish: hook(0.2),
  })
}

const tcp = { kind: 'tcp', host: '127.0.0.1', port: 80 } as const

function randomReadiness(chance: Chance): ServiceDefinition['readiness'] {
  const timeoutMs = chance.pick([3_000, Number.POSITIVE_INFINITY])
  return chance.pick([
    { kind: 'immediate' },
    { kind: 'immediate' },
    { kind: 'delay', delayMs: 300 },
    { kind: 'notify-fd', fd: 3, timeoutMs },
    { kind: 'log', pattern: 'ready', stream: 'any', timeoutMs },
  ] as const)
}

// Deliberately broken cores, each a wrapper around one door of the real one: what the checkers must
// catch, or they are worth nothing.

import type { SupervisorEvent } from '../../src/core/supervisor-event.ts'
import type { ProjectDefinition, ServiceDefinition } from '../../src/model/service-definition.ts'
import { type Core, realCore } from './core.ts'

export interface Mutant {
  readonly core: Core
  /** The rule that it breaks, as its violation begins. */
  readonly breaks: RegExp
}

export const mutants: Readonly<Record<string, Mutant>> = {
  /** Takes a spawn whose outcome was not recorded for one that never happened. */
  'respawns without proof': {
    core: {
      ...realCore,
      adopt: (state, instance, observed) => {
        const { phase } = instance
        const isOpen = 'main' in phase && phase.main === 'spawning'
        if (!isOpen) return realCore.adopt(state, instance, observed)
        const roles = { ...observed.roles, main: { kind: 'never-spawned' } } as const
        return realCore.adopt(state, instance, { roles, hasLeftovers: false })
      },
    },
    breaks: /^single life/,
  },
  'ignores the burst limit': {
    core: withDefinitions((service) => ({
      ...service,
      restart: { ...service.restart, burst: null },
    })),
    breaks: /^restart rate/,
  },
  'forgets what a service requires': {
    core: withDefinitions((service) => ({ ...service, requires: [] })),
    breaks: /^dependency order/,
  },
  /** Timers lived in the memory of the one that died. */
  'does not arm timers again': {
    core: {
      ...realCore,
      adopt: (state, instance, observed) => {
        const { effects, events } = realCore.adopt(state, instance, observed)
        return { effects: effects.filter(({ type }) => type !== 'arm-timer'), events }
      },
    },
    breaks: /^convergence/,
  },
}

/** The real core, which is told of other definitions than those that the checkers know. */
function withDefinitions(change: (service: ServiceDefinition) => ServiceDefinition): Core {
  const changed = new WeakMap<ProjectDefinition, ProjectDefinition>()
  const toChanged = (definition: ProjectDefinition): ProjectDefinition => {
    const known = changed.get(definition)
    if (known !== undefined) return known
    const services = Object.fromEntries(
      Object.entries(definition.services).map(([name, service]) => [name, change(service)]),
    )
    const made = { ...definition, services }
    changed.set(definition, made)
    return made
  }
  return {
    ...realCore,
    step: (state, event) => {
      if (event.type !== 'want-project') return realCore.step(state, event)
      const other: SupervisorEvent = { ...event, definition: toChanged(event.definition) }
      return realCore.step(state, other)
    },
  }
}

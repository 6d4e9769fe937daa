// A service starts when what it requires is ready, and stops after those that require it and are
// to stop as well. Judged by the operator's definition, not by the core's links.

import { type InstanceState, isReady } from '../../../src/core/instance-state.ts'
import type { SupervisorState } from '../../../src/core/supervisor-state.ts'
import { type Checker, violated } from './checker.ts'

export const dependencyOrder: Checker = {
  onStep: ({ state, definition, isApplied }, _event, effects) => {
    if (state === null || !isApplied) return
    for (const effect of effects) {
      if (effect.type !== 'report') continue
      const { id, from, to } = effect
      const service = id.slice(id.indexOf('/') + 1, id.lastIndexOf('@'))
      const described = definition.services[service]
      if (described === undefined) continue
      if (from === 'waiting' && (to === 'setup' || to === 'starting')) {
        for (const required of described.requires) assertReady(state, id, required)
      }
      // A setup command that is over by itself is no stop, the signal after a grace no new one.
      const isBegun = from !== 'setup' && from !== 'stopping' && to === 'stopping'
      if (isBegun && isBeingStopped(state, id)) assertLast(state, id, service, definition)
    }
  },
}

function membersOf(state: SupervisorState, service: string): readonly InstanceState[] {
  const prefix = `shop/${service}@`
  return [...state.instances.values()].filter(({ id }) => id.startsWith(prefix))
}

function assertReady(state: SupervisorState, id: string, required: string): void {
  for (const other of membersOf(state, required)) {
    if (other.isRemoved || isReady(other)) continue
    violated('dependency order', `${id} starts, ${other.id} is '${other.phase.name}'`)
  }
}

function isBeingStopped(state: SupervisorState, id: string): boolean {
  const instance = [...state.instances.values()].find((one) => one.id === id)
  if (instance === undefined || !('ending' in instance.phase)) return false
  const { cause } = instance.phase.ending
  return (cause === 'stop' || cause === 'blocked') && !instance.isRemoved
}

function assertLast(
  state: SupervisorState,
  id: string,
  service: string,
  { services }: { readonly services: Readonly<Record<string, { requires: readonly string[] }>> },
): void {
  for (const [follower, { requires }] of Object.entries(services)) {
    if (!requires.includes(service)) continue
    for (const other of membersOf(state, follower)) {
      const { phase } = other
      if (['down', 'waiting', 'backoff', 'failed'].includes(phase.name)) continue
      violated('dependency order', `${id} is stopped while ${other.id} is '${phase.name}'`)
    }
  }
}

// How a story prints what was said and what is to be done: one line each, in operators' words.

import { printExitStatus } from '../../src/base/exit-status.ts'
import { signalName } from '../../src/base/signal.ts'
import type { Effect } from '../../src/core/effect.ts'
import type { InstanceEvent } from '../../src/core/instance-event.ts'
import type { InstanceState } from '../../src/core/instance-state.ts'

export const PROJECT = 'shop'

/** An event in an operator's words. */
export function said(event: InstanceEvent): string {
  switch (event.type) {
    case 'exited':
      return `${event.role} ended: ${printExitStatus(event.status)}${
        event.hasLeftovers ? ', others are left' : ''
      }`
    case 'spawned':
      return `${event.role} runs (${event.process.pid})`
    case 'spawn-failed':
      return `${event.role} could not be started: ${event.reason}`
    case 'never-spawned':
      return `${event.role} was never started`
    case 'emptied':
      return 'nothing is left'
    case 'unready':
    case 'unhealthy':
      return `${event.type}: ${event.reason}`
    default:
      return event.type
  }
}

/** One line for each effect that an operator would care about; the rest is told by the phases. */
export function printEffect(effect: Effect): string {
  const name = 'id' in effect ? effect.id.slice(PROJECT.length + 1) : ''
  switch (effect.type) {
    case 'store':
      return `store ${effect.record.id.slice(PROJECT.length + 1)} ${printRecord(effect.record)}`
    case 'store-project':
      return `store-project${effect.project.isRemoved ? ' as removed' : ''}`
    case 'forget-project':
      return `forget-project ${effect.name}`
    case 'spawn':
      return `spawn ${name} ${effect.role}`
    case 'signal':
      return `signal ${name} ${signalName(effect.signal)} ${effect.scope}`
    case 'arm-timer':
      return `arm-timer ${name} at ${effect.atMs}ms`
    case 'report': {
      const why = effect.reason === null ? '' : `: ${effect.reason}`
      return `report ${name} ${effect.from} -> ${effect.to}${why}`
    }
    default:
      return `${effect.type} ${name}`
  }
}

function printRecord({ desired, phase, isRemoved, restartAsked }: InstanceState): string {
  const slots = ['main', 'hook', 'reload']
    .flatMap((slot) => {
      const value: unknown = Reflect.get(phase, slot)
      if (value === undefined || value === null) return []
      return [`${slot} ${typeof value === 'string' ? value : (value as { pid: number }).pid}`]
    })
    .join(', ')
  const marks = [
    slots,
    isRemoved ? 'to be forgotten' : '',
    restartAsked === null ? '' : 'restart asked',
  ]
  const detail = marks.filter((mark) => mark !== '').join(', ')
  return `(${desired}) ${phase.name}${detail === '' ? '' : ` [${detail}]`}`
}

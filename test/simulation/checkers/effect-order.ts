// The record of an intent is stored before the act: the last record of an instance that was
// written, or tried to be, is of the invocation that is spawned or signalled.

import { invocationOf } from '../../../src/core/instance-state.ts'
import { type Checker, violated } from './checker.ts'

export function effectOrder(): Checker {
  const written = new Map<string, string | null>()
  return {
    onEffect: ({ world }, effect) => {
      if (effect.type === 'store') {
        const { record } = effect
        return void written.set(record.id, invocationOf(record))
      }
      if (effect.type !== 'spawn' && effect.type !== 'signal') return
      const { id, invocation, type } = effect
      const record = world.records.get(id)
      const last = written.get(id) ?? (record === undefined ? null : invocationOf(record))
      if (last !== invocation) violated('effect order', `${type} of ${id} without its record`)
    },
    onSupervisorDeath: () => written.clear(),
  }
}

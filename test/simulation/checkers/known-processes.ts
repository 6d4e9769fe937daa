// What the core believes and what is there agree whenever nothing is in flight: every process that
// we started is in its instance's record, and no phase without a process has one.

import { invocationOf, isActive } from '../../../src/core/instance-state.ts'
import { type Checker, violated } from './checker.ts'

export const knownProcesses: Checker = {
  onQuiet: ({ world, state }) => {
    if (state === null) return
    for (const { id, pid, role, invocation, isAlive, mayStay } of world.processes) {
      if (!isAlive || role === 'child' || mayStay) continue
      const instance = [...state.instances.values()].find((one) => one.id === id)
      if (instance === undefined) violated('known processes', `${role} ${pid} of forgotten ${id}`)
      if (role !== 'main') continue
      const { phase } = instance
      if (invocationOf(instance) !== invocation) {
        violated('known processes', `main ${pid} of ${id} is not in phase '${phase.name}'`)
      }
      if (!isActive(instance) || !('main' in phase) || phase.main === null) {
        violated('known processes', `main ${pid} of ${id} lives, '${phase.name}' has none`)
      }
    }
  },
}

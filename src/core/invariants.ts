// What must always hold of a state. Run after each step in the simulation, and in production for
// the instances that a step touched: a violation is our bug and ends the program.

import { assert } from '../base/assert.ts'
import { MAX_RESTART_HISTORY } from '../base/limits.ts'
import { type InstanceState, isActive } from './instance-state.ts'

/** Throws an AssertionError that names the instance. */
export function assertInstance(instance: InstanceState): void {
  const { id, phase, desired, deadlineMs, restartTimesMs, failures } = instance
  const check = (condition: boolean, what: string) => assert(condition, `${id}: ${what}`)
  check(deadlineMs === null || Number.isFinite(deadlineMs), 'a deadline is a finite time')
  check(restartTimesMs.length <= MAX_RESTART_HISTORY, 'the restart history is bounded')
  check(failures >= 0, 'failures are counted from 0')
  if (phase.name === 'backoff') check(deadlineMs !== null, 'a backoff ends some time')
  if (phase.name === 'killing') check(deadlineMs !== null, 'SIGKILL is repeated')
  if (phase.name === 'down') check(desired === 'down', 'down is what is wanted')
  if (['waiting', 'backoff', 'failed'].includes(phase.name)) {
    check(desired === 'up', `'${phase.name}' only while it is wanted up`)
  }
  if (phase.name === 'down' || phase.name === 'waiting' || phase.name === 'failed') {
    check(deadlineMs === null, `'${phase.name}' has no timer`)
    check(!isActive(instance), `'${phase.name}' has no process`)
  }
}

// After the faults have stopped, everything ends where it should: wanted down means that nothing is
// left, wanted up means up, failed for a reason, or waiting for something that is not up.

import { type InstanceState, isReady } from '../../../src/core/instance-state.ts'
import type { SupervisorState } from '../../../src/core/supervisor-state.ts'
import { livingOf } from '../world.ts'
import { type Checker, type Scene, violated } from './checker.ts'

export const convergence: Checker = {
  onEnd: (scene) => {
    const { state } = scene
    if (state === null) violated('convergence', 'no supervisor')
    for (const instance of state.instances.values()) check(scene, state, instance)
    for (const [name, { record }] of state.projects) {
      const isEmpty = ![...state.instances.keys()].some((id) => id.startsWith(`${name}/`))
      if (record.isRemoved && isEmpty) violated('convergence', `${name} is removed and still there`)
      for (const service of Object.keys(record.retired)) {
        violated('convergence', `'${service}' is gone and still remembered`)
      }
    }
    for (const [id, record] of scene.world.records) {
      const known = [...state.instances.values()].find((one) => one.id === id)
      if (known === undefined) violated('convergence', `${id} is forgotten and still on disk`)
      if (known.desired !== record.desired || known.phase.name !== record.phase.name) {
        violated('convergence', `${id} is '${known.phase.name}', on disk '${record.phase.name}'`)
      }
    }
  },
}

function check(
  { world, definition }: Scene,
  state: SupervisorState,
  instance: InstanceState,
): void {
  const { id, desired, phase, isRemoved } = instance
  const bad = (what: string) => violated('convergence', `${id} (${desired}, ${phase.name}) ${what}`)
  if (isRemoved) bad('is to be forgotten')
  const service = id.slice(id.indexOf('/') + 1, id.lastIndexOf('@'))
  const described = definition.services[service]
  if (described === undefined) return bad('has no definition')
  if (desired === 'down') {
    if (phase.name !== 'down') bad('is not down')
    const left = livingOf(world, id, null).filter((one) => one.role !== 'child' && !one.mayStay)
    const isLeftAlone = described.stop.kill === 'process'
    if (left.length > 0 || (!isLeftAlone && hasFreshChildren(world, id))) bad('has processes')
    return
  }
  if (phase.name === 'up') {
    const needsMain = described.kind === 'longrun'
    const lives = livingOf(world, id, phase.invocation).some(({ role }) => role === 'main')
    if (needsMain && !lives) bad('has no main process')
    return
  }
  if (phase.name === 'failed') {
    const isLimit = /burst limit|policy 'never'/.test(instance.reason ?? '')
    return isLimit ? undefined : bad(`gave up without a limit: ${instance.reason}`)
  }
  if (phase.name !== 'waiting') bad(`did not get any further: ${instance.reason}`)
  const members = (name: string) =>
    [...state.instances.values()].filter((one) => one.id.startsWith(`shop/${name}@`))
  const isBlocked = described.requires.some((name) => members(name).some((one) => !isReady(one)))
  if (!isBlocked) bad('waits for nothing')
}

/** Of an invocation that never had kill mode `process`: its children carry no mark of that. */
function hasFreshChildren(world: Scene['world'], id: string): boolean {
  return livingOf(world, id, null).some(({ role, mayStay }) => role === 'child' && !mayStay)
}

// A service that did not die is left alone by a death of the supervisor: its living main process is
// only signalled because somebody or something asked for that, never as the rest of an exit that
// did not happen.

import { livingOf } from '../world.ts'
import { type Checker, violated } from './checker.ts'

const ends: readonly number[] = [9, 15]

export const noNeedlessEnd: Checker = {
  onEffect: ({ world, state }, effect) => {
    if (effect.type !== 'signal' || !ends.includes(effect.signal) || state === null) return
    const { id, invocation, scope } = effect
    if (scope === 'hook') return
    const main = livingOf(world, id, invocation).find(({ role }) => role === 'main')
    const phase = state.instances.get(id)?.phase
    if (main === undefined || phase === undefined || !('ending' in phase)) return
    const { cause } = phase.ending
    if (cause === 'exited') violated('no needless end', `${id}: ${cause}, but ${main.pid} lives`)
  },
}

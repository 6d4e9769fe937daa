// Automatic restarts never exceed the burst limit of the definition: one start and `count` restarts
// within the interval. What operators do, healing and disk trouble begin a new count.

import { type Checker, violated } from './checker.ts'

export function restartRate(): Checker {
  const starts = new Map<string, number[]>()
  return {
    onStep: (_scene, event, effects) => {
      if (event.type.startsWith('want-') || event.type === 'want') starts.clear()
      for (const effect of effects) {
        if (effect.type !== 'report') continue
        const { id, from, to, reason } = effect
        const isAsked = to === 'waiting' && /asked for|changed|which it requires/.test(reason ?? '')
        if (isAsked || (from === 'failed' && to === 'waiting')) starts.delete(id)
      }
    },
    onSpawn: ({ world, definition }, { id, role }) => {
      if (role !== 'main') return
      const service = id.slice(id.indexOf('/') + 1, id.lastIndexOf('@'))
      const burst = definition.services[service]?.restart.burst
      const { nowMs } = world
      const list = [...(starts.get(id) ?? []), nowMs]
      starts.set(id, list)
      if (!burst) return
      const recent = list.filter((at) => nowMs - at < burst.intervalMs).length
      if (recent > burst.count + 1) {
        violated('restart rate', `${id}: ${recent} starts in ${burst.intervalMs} ms`)
      }
    },
    onAmnesia: () => starts.clear(),
    onDiskFailure: (_scene, id) => void starts.delete(id),
  }
}

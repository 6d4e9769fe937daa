// A core on a bench: asks are answered as a well-behaved world would, one at a time, in order.

import { toInstanceId, toPid } from '../../../src/base/brands.ts'
import type { Effect } from '../../../src/core/effect.ts'
import type { InstanceEvent } from '../../../src/core/instance-event.ts'
import type { SupervisorEvent, Verb } from '../../../src/core/supervisor-event.ts'
import { newSupervisorState, type SupervisorState } from '../../../src/core/supervisor-state.ts'
import { step } from '../../../src/core/supervisor-step.ts'
import type { ProjectDefinition } from '../../../src/model/service-definition.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'nowMs' | 'wallMs'> : never

export class Bench {
  readonly state: SupervisorState
  nowMs = 0
  /** What was asked for and not answered yet. */
  pending: Effect[] = []

  constructor(state: SupervisorState = newSupervisorState('normal', 1, '0'.repeat(16))) {
    this.state = state
  }

  take(wish: WithoutTime<SupervisorEvent>): readonly Effect[] {
    const event = { ...wish, nowMs: this.nowMs, wallMs: this.nowMs } as SupervisorEvent
    const { effects } = step(this.state, event)
    this.pending.push(...effects)
    return effects
  }

  apply(definition: ProjectDefinition, services: readonly string[] | null = null) {
    return this.take({ type: 'want-project', definition, services })
  }

  remove(project: string) {
    return this.take({ type: 'want-removal', project })
  }

  want(verb: Verb, names: readonly string[]) {
    const ids = names.map((name) => toInstanceId(`shop/${name}@1`))
    return this.take({ type: 'want', verb, ids })
  }

  tell(id: string, event: InstanceEvent) {
    return this.take({ type: 'instance', id: toInstanceId(id), event })
  }

  /** Answers the first effect that has an answer; false when none is left. */
  answerNext(onEffect: (effect: Effect) => void): boolean {
    for (;;) {
      const effect = this.pending.shift()
      if (effect === undefined) return false
      onEffect(effect)
      const event = answerTo(effect)
      if (event === null || !('id' in effect)) continue
      this.tell(effect.id, event)
      return true
    }
  }
}

function answerTo(effect: Effect): InstanceEvent | null {
  switch (effect.type) {
    case 'spawn': {
      const { role, invocation } = effect
      const process = { pid: toPid(100), startTime: 1 }
      return { type: 'spawned', role, invocation, process, logMark: null }
    }
    case 'watch-ready':
      return { type: 'ready', invocation: effect.invocation }
    case 'signal': {
      const { invocation, signal } = effect
      const status = { kind: 'signaled', signal, core: false } as const
      return { type: 'exited', role: 'main', invocation, status, hasLeftovers: false }
    }
    default:
      return null
  }
}

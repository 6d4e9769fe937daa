// Everything the core is told: what happened to an instance, and what operators ask for. Every
// event carries its time; the core has no clock.

import type { InstanceId, Milliseconds } from '../base/brands.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import type { InstanceEvent, InstanceNews } from './instance-event.ts'

/** What an operator can want of instances. */
export type Verb = 'up' | 'down' | 'restart' | 'reload'

export type SupervisorEvent = { readonly nowMs: Milliseconds; readonly wallMs: number } & (
  | { readonly type: 'instance'; readonly id: InstanceId; readonly event: InstanceEvent }
  /** `up` includes what the instances require and want. */
  | { readonly type: 'want'; readonly verb: Verb; readonly ids: readonly InstanceId[] }
  | {
      readonly type: 'want-signal'
      readonly signal: number
      readonly scope: 'main' | 'all'
      readonly ids: readonly InstanceId[]
    }
  /** Apply a definition: start what is new, stop what is gone, restart what changed. */
  | {
      readonly type: 'want-project'
      readonly definition: ProjectDefinition
      /** Only these are started; null: all that start at boot. */
      readonly services: readonly string[] | null
    }
  /** Stop everything and forget the project. */
  | { readonly type: 'want-removal'; readonly project: string }
  | {
      readonly type: 'want-scale'
      readonly project: string
      readonly service: string
      readonly count: number
    }
  /** Leave hold mode. */
  | { readonly type: 'want-normal' }
  /**
   * After adoption: take what happened meanwhile, all of it before anybody is started; then do
   * what the stored projects ask for, and look at every instance once.
   */
  | { readonly type: 'resumed'; readonly news: readonly InstanceNews[] }
)

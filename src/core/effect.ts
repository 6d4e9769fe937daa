// Everything the core can ask for. Plain data; the interpreter carries the list out in order, and
// what comes of it comes back as an event, failures too.
//
// The order contract: the record of an intent is stored before the act (`store`, then `spawn` or
// `signal`), so that a supervisor that dies between the two finds on disk what it was about to do.
// An effect of an invocation that has ended meanwhile is carried out as nothing.

import type { InstanceId, InvocationId, Milliseconds } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import type {
  Liveness,
  ProjectDefinition,
  Readiness,
  ServiceDefinition,
} from '../model/service-definition.ts'
import type { InstanceState, PhaseName, Role } from './instance-state.ts'

/**
 * `main`: the main process; `group`: its process group; `hook`: the hooks that run; `reload`: the
 * reload command only; `all`: every process of the invocation, found by cgroup and by tracking.
 */
export type SignalScope = 'main' | 'group' | 'hook' | 'reload' | 'all'

export type Effect =
  | { readonly type: 'store'; readonly record: InstanceState }
  | { readonly type: 'forget'; readonly id: InstanceId }
  | { readonly type: 'store-project'; readonly project: ProjectRecord }
  | { readonly type: 'forget-project'; readonly name: string }
  | {
      readonly type: 'spawn'
      readonly id: InstanceId
      readonly invocation: InvocationId
      readonly role: Role
      readonly definition: ServiceDefinition
      /** For the finish hook: how the main process ended. */
      readonly exit: ExitStatus | null
    }
  | {
      readonly type: 'signal'
      readonly id: InstanceId
      readonly invocation: InvocationId
      readonly signal: number
      readonly scope: SignalScope
    }
  /** Say `emptied` as soon as no process of the invocation is left. */
  | { readonly type: 'watch-empty'; readonly id: InstanceId; readonly invocation: InvocationId }
  | {
      readonly type: 'watch-ready'
      readonly id: InstanceId
      readonly invocation: InvocationId
      readonly readiness: Readiness
      readonly definition: ServiceDefinition
      readonly logMark: string | null
    }
  | {
      readonly type: 'watch-live'
      readonly id: InstanceId
      readonly invocation: InvocationId
      readonly liveness: Liveness
      readonly definition: ServiceDefinition
    }
  /** Ends watch-ready and watch-live. */
  | { readonly type: 'unwatch'; readonly id: InstanceId }
  /** Replaces the instance's timer. */
  | { readonly type: 'arm-timer'; readonly id: InstanceId; readonly atMs: Milliseconds }
  | { readonly type: 'cancel-timer'; readonly id: InstanceId }
  /** Nothing of the invocation is left: forget how it was tracked. */
  | { readonly type: 'release'; readonly id: InstanceId; readonly invocation: InvocationId }
  /** The log settings of a running instance changed. */
  | { readonly type: 'update-log'; readonly id: InstanceId; readonly definition: ServiceDefinition }
  | {
      readonly type: 'report'
      readonly id: InstanceId
      readonly from: PhaseName
      readonly to: PhaseName
      readonly reason: string | null
    }

export type EffectType = Effect['type']
export type EffectOf<Type extends EffectType> = Extract<Effect, { readonly type: Type }>

/** What is stored of a project. */
export interface ProjectRecord {
  readonly definition: ProjectDefinition
  /** Instance counts that an operator set by `scale`; they last until the project is removed. */
  readonly scale: Readonly<Record<string, number>>
  /** Services that are gone from the file, until the last of their instances is down. */
  readonly retired: Readonly<Record<string, ServiceDefinition>>
  /** The last change of each service that only a new invocation can take. */
  readonly changes: Readonly<Record<string, DefinitionChange>>
  /** The project is being stopped for good, and forgotten after its last instance. */
  readonly isRemoved: boolean
}

/**
/**
 * A change is stored with the definition, and an invocation that was begun with a smaller revision
 * is restarted: a supervisor that dies between storing a definition and acting on it loses nothing.
 */
export interface DefinitionChange {
  readonly revision: number
  readonly settings: readonly string[]
}

// Everything that can happen to one instance. Past facts and `want-…` requests; plain data.
// Facts about processes name their invocation, so that news of a former life is recognised.

import type { InstanceId, InvocationId } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import type { ProcessRef, Role } from './instance-state.ts'

interface OfInvocation {
  readonly invocation: InvocationId
}

export type InstanceEvent =
  | { readonly type: 'want-up' }
  | { readonly type: 'want-down' }
  | { readonly type: 'want-restart'; readonly reason: string }
  | { readonly type: 'want-reload' }
  /** Propagation: what it requires is up. */
  | { readonly type: 'may-start' }
  /** Propagation: wanted down, and nothing that needs it runs any more. */
  | { readonly type: 'may-stop' }
  /** Propagation: something it requires is wanted down. */
  | { readonly type: 'must-stop'; readonly reason: string }
  /** Propagation: it ended while something it requires is not up; it waits for that instead. */
  | { readonly type: 'must-wait'; readonly reason: string }
  | ({
      readonly type: 'spawned'
      readonly role: Role
      readonly process: ProcessRef
      readonly logMark: string | null
    } & OfInvocation)
  /** Adoption: proven that the intent was recorded and the spawn never happened. */
  | ({ readonly type: 'never-spawned'; readonly role: Role } & OfInvocation)
  | ({ readonly type: 'spawn-failed'; readonly role: Role; readonly reason: string } & OfInvocation)
  | ({
      readonly type: 'exited'
      readonly role: Role
      readonly status: ExitStatus
      /** Other processes of the invocation are still there. */
      readonly hasLeftovers: boolean
      /** What SIGKILL was sent to so far, as `name (pid)`; left out when nothing. */
      readonly killed?: readonly string[]
    } & OfInvocation)
  /** Nothing of the invocation is left; names what SIGKILL was sent to. */
  | ({ readonly type: 'emptied'; readonly killed: readonly string[] } & OfInvocation)
  | ({ readonly type: 'ready' } & OfInvocation)
  /** Readiness can no longer come, for example: the notify descriptor was closed. */
  | ({ readonly type: 'unready'; readonly reason: string } & OfInvocation)
  | ({ readonly type: 'unhealthy'; readonly reason: string } & OfInvocation)
  /** The deadline of the phase has passed. */
  | { readonly type: 'timer-fired' }

export type InstanceEventType = InstanceEvent['type']
export type EventOf<Type extends InstanceEventType> = Extract<
  InstanceEvent,
  { readonly type: Type }
>

/** An event and whom it is about. */
export interface InstanceNews {
  readonly id: InstanceId
  readonly event: InstanceEvent
}

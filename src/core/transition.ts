// What a handler of the grid hands back: the instance after the event, and the effects. Helpers
// that every handler uses to enter a phase; no decision is made here.

import type { InvocationId, Milliseconds } from '../base/brands.ts'
import type { PrngState } from '../base/prng.ts'
import type { Command, ServiceDefinition } from '../model/service-definition.ts'
import type { Effect } from './effect.ts'
import type { InstanceState, Phase, Role } from './instance-state.ts'

/** What a handler may know besides the instance and the event. */
export interface Context {
  readonly nowMs: Milliseconds
  readonly wallMs: number
  readonly definition: ServiceDefinition
  /** The revision of the definition, for the invocation that begins with it. */
  readonly revision: number
  /** True in hold mode: nothing new is begun. */
  readonly isHeld: boolean
  /** The name of the next invocation, should one begin. */
  readonly nextInvocation: InvocationId
  readonly prng: PrngState
}

export interface Transition {
  readonly instance: InstanceState
  /** In the order in which they are to be carried out, after the record has been stored. */
  readonly effects: readonly Effect[]
  /** True when `nextInvocation` was taken. */
  readonly hasBegun?: boolean
  readonly prng?: PrngState
}

interface Entry {
  readonly reason?: string | null
  /** Infinity and null: no timer. */
  readonly deadlineMs?: Milliseconds | null
  readonly change?: Partial<Omit<InstanceState, 'id' | 'phase' | 'deadlineMs' | 'reason'>>
}

/** The instance in its new phase. Reports and timers are derived by supervisor-step.ts. */
export function enter<P extends Phase>(
  instance: InstanceState,
  context: Context,
  phase: P,
  entry: Entry = {},
): InstanceState<P> {
  const { deadlineMs = null } = entry
  return {
    ...instance,
    ...entry.change,
    phase,
    reason: entry.reason ?? null,
    deadlineMs: deadlineMs === Number.POSITIVE_INFINITY ? null : deadlineMs,
    sinceWallMs: context.wallMs,
  }
}

/** A change within the phase: the same since, another detail. */
export function within<P extends Phase>(
  instance: InstanceState<P>,
  change: Partial<InstanceState<P>>,
): InstanceState<P> {
  return { ...instance, ...change }
}

export function spawnEffect(
  instance: InstanceState,
  context: Context,
  role: Role,
  invocation: InvocationId,
  exit: Extract<Effect, { type: 'spawn' }>['exit'] = null,
): Effect {
  return { type: 'spawn', id: instance.id, invocation, role, definition: context.definition, exit }
}

/** The command that a role runs; null when the definition has none. */
export function commandOf(definition: ServiceDefinition, role: Role): Command | null {
  switch (role) {
    case 'main':
      return definition.command
    case 'setup':
      return definition.setup?.command ?? null
    case 'stop':
      return definition.stop.command
    case 'reload':
      return definition.reload?.kind === 'command' ? definition.reload.command : null
    case 'finish':
      return definition.finish?.command ?? null
  }
}

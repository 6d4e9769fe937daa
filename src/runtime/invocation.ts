// What the runtime keeps of one living invocation: its processes by pidfd, how they are found, and
// what had to be killed. No decision is made here.

import type { Fd, InstanceId, InvocationId, Pid } from '../base/brands.ts'
import type { ProcessRef, Role } from '../core/instance-state.ts'

export interface TrackedProcess {
  readonly role: Role
  readonly ref: ProcessRef
  readonly pidfd: Fd
  /** Set while a preamble prepares the process: reads to the end what it says. */
  preamble: (() => void) | null
  /** What the preamble said: the program never ran. */
  failure: string | null
}

export interface Invocation {
  readonly id: InstanceId
  readonly invocation: InvocationId
  /** The control group of the instance, once a process is in it; null without one. */
  cgroup: string | null
  /** The processes that we started (or adopted) and that have not ended. */
  readonly processes: Map<Role, TrackedProcess>
  /** Every process that was started for it: their numbers are session and group numbers too. */
  readonly leaders: Map<Pid, ProcessRef>
  /** Adopted after the guardian died as well: its orphans may be anywhere in the tree. */
  readonly isUprooted: boolean
  /** What of it is in the descriptor store. */
  readonly kept: Set<string>
  /** `name (pid)` of everything that SIGKILL was sent to. */
  readonly killed: Map<string, true>
  /** Set while `watch-empty` waits for the last process. */
  leftoverWatch: { readonly pidfds: Map<Pid, Fd> } | null
}

export function newInvocation(
  id: InstanceId,
  invocation: InvocationId,
  isUprooted: boolean,
): Invocation {
  return {
    id,
    invocation,
    isUprooted,
    cgroup: null,
    processes: new Map(),
    leaders: new Map(),
    kept: new Set(),
    killed: new Map(),
    leftoverWatch: null,
  }
}

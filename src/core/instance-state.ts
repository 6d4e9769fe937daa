// What an instance is at one moment: phases as a tagged union, plain data that can be printed and
// stored. The record on disk is exactly this value, so adoption needs no second description.
//
// Two things are kept apart. `desired` is what is wanted (`up`, `down`); the phase is what is. The
// grid moves the phase, one event at a time; propagation.ts settles afterwards who may start and
// who must stop. Wanting something never skips a phase: a stop goes through `stopping` even when
// the process is about to die anyway, so that every end of an invocation is accounted for once.
//
//   down        nothing runs and nothing is to run: stopped, finished, or never started
//   waiting     wanted up, but what it requires is not up yet (or the supervisor holds)
//   setup       the setup hook runs
//   starting    the main process runs (or is being spawned) and is not ready yet
//   up          ready; a oneshot that has done its work is `up` with no process
//   reloading   ready, and its reload command runs
//   stopping    told to end, by the stop command or the signal: after a command that succeeded the
//               signal waits for a grace; also: the main process is gone and what it left behind is
//               told to end
//   killing     the stop timeout passed, SIGKILL was sent, until nothing is left
//   finish      the invocation is over and the finish hook runs
//   backoff     it ended and is wanted up again after a delay
//   failed      it is wanted up and we gave up; an operator or a new definition starts it again,
//               and an outage of what it requires gives it one more try (never with policy 'never')
//
// Pairs of desired and phase that look odd and are right: (down, up): wanted down, but those that
// need it are still stopping; (up, stopping): a restart; (up, failed): nobody changed their mind.
//
// Every phase has at most one deadline. It is stored, so that a supervisor that was killed arms the
// same timer again. All times are of the monotonic clock (CLOCK_MONOTONIC is common to all
// processes of one boot), except `sinceWallMs`, which is for people only.

import type { InstanceId, InvocationId, Milliseconds, Pid } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'

export type Desired = 'up' | 'down'
export type PhaseName = Phase['name']

/** What a process of an instance is for. Each invocation has at most one of each at a time. */
export type Role = 'main' | 'setup' | 'stop' | 'reload' | 'finish'

/** A process, by number and start time (clock ticks since boot): together never reused. */
export interface ProcessRef {
  readonly pid: Pid
  readonly startTime: number
}

/** `spawning`: the intent is on disk and nobody has said yet what became of it. */
export type Slot = 'spawning' | ProcessRef

/** Why an invocation is ending, which decides what comes after it. */
export type EndCause =
  | 'exited' // by itself
  | 'stop' // wanted down
  | 'restart' // the operator or a new definition asked for it
  | 'blocked' // something it requires is being stopped
  | 'unhealthy' // the liveness probe gave up
  | 'ready-timeout'
  | 'setup-failed'
  | 'spawn-failed'

/** What is known about the end of an invocation while its last processes and hooks are handled. */
export interface Ending {
  readonly cause: EndCause
  /** Of the main process, null while it lives or when it never ran. */
  readonly exit: ExitStatus | null
  /** For people: "exit 3", "not ready within 30s", "chdir '/srv': ENOENT". */
  readonly reason: string
}

interface InvocationData {
  readonly invocation: InvocationId
  /** When the first process of this invocation was asked for. */
  readonly startedMs: Milliseconds
}

export type Phase =
  | { readonly name: 'down'; readonly isFinished: boolean }
  | { readonly name: 'waiting' }
  | ({ readonly name: 'setup'; readonly hook: Slot } & InvocationData)
  | ({
      readonly name: 'starting'
      readonly main: Slot
      /** Where the log stood before the spawn: readiness by log pattern looks from there. */
      readonly logMark: string | null
      /** A setup command ran before: it may have left processes. */
      readonly hadSetup: boolean
    } & InvocationData)
  | ({
      readonly name: 'up'
      readonly main: ProcessRef | null
      readonly readyMs: number
    } & InvocationData)
  | ({
      readonly name: 'reloading'
      readonly main: ProcessRef
      readonly hook: Slot
      readonly readyMs: number
    } & InvocationData)
  | ({ readonly name: 'stopping' } & EndingData)
  | ({ readonly name: 'killing' } & EndingData)
  | ({
      readonly name: 'finish'
      /** Null: the hook is over, and what it left behind is being killed. */
      readonly hook: Slot | null
      readonly ending: Ending
      readonly wasReady: boolean
    } & InvocationData)
  | { readonly name: 'backoff' }
  | { readonly name: 'failed' }

interface EndingData extends InvocationData {
  /** Null once it is gone; then only what it left behind remains. */
  readonly main: ProcessRef | null
  /** The stop command, while it runs. */
  readonly hook: Slot | null
  /** The reload command that ran when the end came: it has lost its object and is killed. */
  readonly reload: Slot | null
  /** The stop command has succeeded, and until the deadline main may end by itself. */
  readonly isInGrace: boolean
  readonly ending: Ending
  readonly wasReady: boolean
}

export type PhaseOf<Name extends PhaseName> = Extract<Phase, { readonly name: Name }>

/** How the last invocation ended. */
export interface LastExit {
  readonly status: ExitStatus
  readonly atWallMs: number
}

export interface InstanceState<P extends Phase = Phase> {
  readonly id: InstanceId
  readonly desired: Desired
  readonly phase: P
  /** When the timer of this phase fires; null: no timer. */
  readonly deadlineMs: Milliseconds | null
  /** When the phase was entered, for people. */
  readonly sinceWallMs: number
  /** Why it is in this phase, for people; null when there is nothing to say. */
  readonly reason: string | null
  /** Automatic restarts since the definition was applied. */
  readonly restarts: number
  /** Ends in a row without a stable run between them: the exponent of the backoff. */
  readonly failures: number
  /** When the last automatic restarts were decided (bounded): what the burst limit counts. */
  readonly restartTimesMs: readonly Milliseconds[]
  readonly lastExit: LastExit | null
  /** What had to be killed in the last stop, as `name (pid)`. */
  readonly killed: readonly string[]
  /**
   * A restart that was asked for when it could not be done: a spawn was in flight, the supervisor
   * held, or the invocation was ending already. Done as soon as that is over.
   */
  readonly restartAsked: string | null
  /** A reload that was asked for before it was ready, or during a reload. */
  readonly isReloadAsked: boolean
  /** Its definition is gone: forget it when it is down. */
  readonly isRemoved: boolean
  /** The revision of its definition that the last invocation was begun with (ProjectRecord). */
  readonly revision: number
}

/** A new instance of which nothing is wanted yet. */
export function newInstance(id: InstanceId, wallMs: number): InstanceState {
  return {
    id,
    desired: 'down',
    phase: { name: 'down', isFinished: false },
    deadlineMs: null,
    sinceWallMs: wallMs,
    reason: null,
    restarts: 0,
    failures: 0,
    restartTimesMs: [],
    lastExit: null,
    killed: [],
    restartAsked: null,
    isReloadAsked: false,
    isRemoved: false,
    revision: 0,
  }
}

/** The invocation that lives or is being ended, null between two of them. */
export function invocationOf(instance: InstanceState): InvocationId | null {
  return 'invocation' in instance.phase ? instance.phase.invocation : null
}

/** The main process, null where there is none or it has not been spawned yet. */
export function mainProcessOf(instance: InstanceState): ProcessRef | null {
  const { phase } = instance
  if (!('main' in phase) || phase.main === null || phase.main === 'spawning') return null
  return phase.main
}

const hookRoles: Readonly<Partial<Record<PhaseName, Role>>> = {
  setup: 'setup',
  reloading: 'reload',
  stopping: 'stop',
  killing: 'stop',
  finish: 'finish',
}

/**
 * The processes that a phase speaks of, by role. Hooks first: who goes through their ends finds
 * none that is not accounted for when it comes to the main process.
 */
export function slotsOf(phase: Phase): readonly (readonly [Role, Slot])[] {
  const slots: [Role, Slot][] = []
  const role = hookRoles[phase.name]
  if ('reload' in phase && phase.reload !== null) slots.push(['reload', phase.reload])
  if (role !== undefined && 'hook' in phase && phase.hook !== null) slots.push([role, phase.hook])
  if ('main' in phase && phase.main !== null) slots.push(['main', phase.main])
  return slots
}

/** Ready to serve: what others that require it wait for. */
export function isReady(instance: InstanceState): boolean {
  return instance.phase.name === 'up' || instance.phase.name === 'reloading'
}

/** True where processes of it may exist. A oneshot that is done has none. */
export function isActive(instance: InstanceState): boolean {
  const { phase } = instance
  if (phase.name === 'up') return phase.main !== null
  return 'invocation' in phase
}

/** True while a spawn is in flight: the outcome must be known before anything else is done. */
export function isSpawning({ phase }: InstanceState): boolean {
  return slotsOf(phase).some(([, slot]) => slot === 'spawning')
}

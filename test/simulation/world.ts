// The machine that outlives every supervisor: a clock, processes with children, and a disk. Plain
// objects in flat lists: a hundred thousand short histories are played in a few minutes.
//
// A process knows its fate when it is born (when it ends, when it is ready, whether it heeds
// SIGTERM); signals change it. Nobody is told of anything here: `onEnded` and `onSaid` are whoever
// supervises at the moment.

import type { ExitStatus } from '../../src/base/exit-status.ts'
import type { ProjectRecord } from '../../src/core/effect.ts'
import type { InstanceState, Role } from '../../src/core/instance-state.ts'

export interface Process {
  readonly pid: number
  readonly startTime: number
  readonly id: string
  readonly invocation: string
  readonly role: Role | 'child'
  /** In the group of the main process; false after setsid(2). */
  readonly isInGroup: boolean
  readonly heedsTerm: boolean
  isAlive: boolean
  status: ExitStatus
  /** Somebody can still tell the status: a pidfd of it is in the descriptor store. */
  isStatusKept: boolean
  isReady: boolean
  isHanging: boolean
  /** The preamble is over: it has become the program. */
  hasExecuted: boolean
  /** What kill mode `process` left behind: nobody ends it any more. */
  mayStay: boolean
}

export type Said = 'executed' | 'ready' | 'unready' | 'hanging'

export interface Plan {
  readonly endsInMs: number
  readonly status: ExitStatus
  readonly executesInMs: number
  readonly readyInMs: number
  readonly unreadyInMs: number
  readonly hangsInMs: number
  readonly forksInMs: number
  readonly heedsTerm: boolean
  readonly isInGroup: boolean
}

type Fate =
  | { readonly kind: 'ends'; readonly status: ExitStatus }
  | { readonly kind: 'says'; readonly what: Said }
  | { readonly kind: 'forks' }
interface Entry {
  readonly atMs: number
  readonly order: number
  readonly process: Process
  readonly fate: Fate
}

export interface World {
  nowMs: number
  /** When this boot began. */
  bootMs: number
  readonly processes: Process[]
  readonly records: Map<string, InstanceState>
  readonly projects: Map<string, ProjectRecord>
  isDiskFull: boolean
  /** Statuses of processes that ended unwatched can be asked for (Linux 6.15 and newer). */
  readonly keepsStatus: boolean
  onEnded: (process: Process) => void
  onSaid: (process: Process, what: Said) => void
  onForked: (process: Process) => void
  agenda: Entry[]
  order: number
}

export function createWorld(keepsStatus: boolean): World {
  return {
    nowMs: 0,
    bootMs: 0,
    processes: [],
    records: new Map(),
    projects: new Map(),
    isDiskFull: false,
    keepsStatus,
    onEnded: () => {},
    onSaid: () => {},
    onForked: () => {},
    agenda: [],
    order: 0,
  }
}

export function startProcess(
  world: World,
  id: string,
  invocation: string,
  role: Process['role'],
  plan: Plan,
): Process {
  const process: Process = {
    pid: 100 + world.processes.length,
    startTime: world.nowMs,
    id,
    invocation,
    role,
    isInGroup: plan.isInGroup,
    heedsTerm: plan.heedsTerm,
    isAlive: true,
    status: { kind: 'unknown' },
    isStatusKept: false,
    isReady: false,
    isHanging: false,
    hasExecuted: plan.executesInMs === 0,
    mayStay: false,
  }
  world.processes.push(process)
  at(world, plan.endsInMs, process, { kind: 'ends', status: plan.status })
  if (!process.hasExecuted)
    at(world, plan.executesInMs, process, { kind: 'says', what: 'executed' })
  at(world, plan.readyInMs, process, { kind: 'says', what: 'ready' })
  at(world, plan.unreadyInMs, process, { kind: 'says', what: 'unready' })
  at(world, plan.hangsInMs, process, { kind: 'says', what: 'hanging' })
  at(world, plan.forksInMs, process, { kind: 'forks' })
  return process
}

function at(world: World, inMs: number, process: Process, fate: Fate): void {
  if (inMs === Number.POSITIVE_INFINITY) return
  world.order += 1
  world.agenda.push({ atMs: world.nowMs + inMs, order: world.order, process, fate })
}

/** SIGKILL ends it soon; SIGTERM and its like end what heeds them; others change nothing. */
export function signalProcess(
  world: World,
  process: Process,
  signal: number,
  delayMs: number,
): void {
  if (!process.isAlive || signal === 1) return
  if (signal !== 9 && !process.heedsTerm) return
  const status: ExitStatus =
    signal === 9 || process.pid % 3 === 0
      ? { kind: 'signaled', signal, core: false }
      : { kind: 'exited', code: 0 }
  at(world, delayMs, process, { kind: 'ends', status })
}

/** When the next thing happens by itself; Infinity when nothing will. */
export function nextAtMs(world: World): number {
  let next = Number.POSITIVE_INFINITY
  for (const entry of world.agenda) {
    if (entry.atMs < next && entry.process.isAlive) next = entry.atMs
  }
  return next
}

/** Moves the clock; what was to happen until then happens, in order. */
export function advanceTo(world: World, untilMs: number): void {
  for (;;) {
    let first: Entry | null = null
    for (const entry of world.agenda) {
      if (entry.atMs > untilMs) continue
      if (first === null || entry.atMs < first.atMs) first = entry
      else if (entry.atMs === first.atMs && entry.order < first.order) first = entry
    }
    if (first === null) break
    world.agenda.splice(world.agenda.indexOf(first), 1)
    if (!first.process.isAlive) continue
    world.nowMs = Math.max(world.nowMs, first.atMs)
    happen(world, first.process, first.fate)
  }
  world.nowMs = Math.max(world.nowMs, untilMs)
}

function happen(world: World, process: Process, fate: Fate): void {
  if (fate.kind === 'forks') {
    return world.onForked(process)
  }
  if (fate.kind === 'ends') {
    process.isAlive = false
    process.status = fate.status
    return world.onEnded(process)
  }
  if (fate.what === 'executed') {
    if (process.hasExecuted) return
    process.hasExecuted = true
  }
  if (fate.what === 'ready') process.isReady = true
  if (fate.what === 'hanging') process.isHanging = true
  world.onSaid(process, fate.what)
}

export function livingOf(world: World, id: string, invocation: string | null): readonly Process[] {
  return world.processes.filter(
    (process) =>
      process.isAlive &&
      process.id === id &&
      (invocation === null || process.invocation === invocation),
  )
}

/** Nothing survives but the disk; the monotonic clock starts again. */
export function reboot(world: World): void {
  for (const process of world.processes) process.isAlive = false
  world.agenda = []
  world.bootMs = world.nowMs
}

/** The guardian is gone, and with it what it held and knew. */
export function loseGuardian(world: World): void {
  for (const process of world.processes) process.isStatusKept = false
}

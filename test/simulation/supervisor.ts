// The part of the runtime that dies: the core's state, the queue, timers and watches. It carries
// one effect out at a time, so that death can come between any two of them.

import { type InstanceId, toInstanceId, toPid } from '../../src/base/brands.ts'
import type { Observation, ObservedInstance } from '../../src/core/adoption.ts'
import type { Effect, EffectOf } from '../../src/core/effect.ts'
import type { InstanceEvent, InstanceNews } from '../../src/core/instance-event.ts'
import {
  type InstanceState,
  invocationOf,
  type Role,
  type Slot,
  slotsOf,
} from '../../src/core/instance-state.ts'
import type { SupervisorEvent } from '../../src/core/supervisor-event.ts'
import {
  newSupervisorState,
  rememberState,
  type SupervisorState,
} from '../../src/core/supervisor-state.ts'
import type { Checker, Scene } from './checkers/checker.ts'
import type { Core } from './core.ts'
import {
  livingOf,
  type Plan,
  type Process,
  signalProcess,
  startProcess,
  type World,
} from './world.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'nowMs' | 'wallMs'> : never
export type Wish = WithoutTime<SupervisorEvent>

/** What the run decides about a spawn: a plan for the process, or why there is none. */
export type SpawnOutcome = Plan | string

export interface SupervisorDeps {
  readonly core: Core
  readonly world: World
  readonly scene: () => Scene
  readonly checkers: readonly Checker[]
  readonly planSpawn: (effect: EffectOf<'spawn'>) => SpawnOutcome
  readonly killDelayMs: (process: Process, signal: number) => number
  readonly trace: (line: () => string) => void
}

export class Supervisor {
  readonly state: SupervisorState
  readonly deps: SupervisorDeps
  steps = 0
  /** The full disk refused a request since it was last asked. */
  wasRefused = false
  #queue: Wish[] = []
  #effects: Effect[] = []
  readonly #timers = new Map<string, number>()
  readonly #readyWatch = new Map<string, string>()
  readonly #liveWatch = new Map<string, string>()
  readonly #emptyWatch = new Map<string, string>()
  readonly #killed = new Map<string, string[]>()
  /** The processes whose end we will see: we started or adopted them. */
  readonly #known = new Set<number>()
  /** What the full disk refused, by instance or project: written when there is room. */
  readonly #unwritten = new Map<string, () => void>()

  constructor(deps: SupervisorDeps, life: number, mode: 'normal' | 'hold') {
    this.deps = deps
    this.state = newSupervisorState(mode, life, life.toString(16).padStart(16, '0'))
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#effects.length === 0
  }

  /** Monotonic, of this boot. */
  get #nowMs(): number {
    return this.deps.world.nowMs - this.deps.world.bootMs
  }

  get nextTimerMs(): number {
    return Math.min(...this.#timers.values(), Number.POSITIVE_INFINITY) + this.deps.world.bootMs
  }

  wish(wish: Wish): void {
    this.wasRefused = false
    this.#queue.push(wish)
  }

  tell(id: string, event: InstanceEvent): void {
    this.#queue.push({ type: 'instance', id: toInstanceId(id), event })
  }

  /** What the records say is compared with what is there; the rest is the core's. */
  restore(isReboot: boolean): void {
    const { core, world } = this.deps
    const projects = [...world.projects.values()]
    const found = [...world.records.values()]
    const records = isReboot ? core.restoreAfterBoot(projects, found, world.nowMs) : found
    if (isReboot) for (const record of records) world.records.set(record.id, record)
    core.restoreState(this.state, projects, records)
    const news: InstanceNews[] = []
    for (const instance of this.state.instances.values()) {
      const adoption = core.adopt(this.state, instance, this.#observe(instance))
      this.#effects.push(...adoption.effects)
      news.push(...adoption.events)
    }
    this.#queue.push({ type: 'resumed', news })
  }

  #observe(instance: InstanceState): ObservedInstance {
    const { phase, id } = instance
    const invocation = invocationOf(instance)
    if (invocation === null) return { roles: {}, hasLeftovers: false }
    const roles: Partial<Record<Role, Observation>> = {}
    const held = new Set<number>()
    for (const [role, slot] of slotsOf(phase)) {
      // Where a hook was tried twice, the last try is meant.
      const process = this.deps.world.processes.findLast(
        (one) =>
          one.id === id &&
          one.invocation === invocation &&
          one.role === role &&
          (slot === 'spawning' || one.pid === slot.pid),
      )
      if (process?.isAlive) held.add(process.pid)
      roles[role] = this.#seen(process, slot)
    }
    const living = livingOf(this.deps.world, id, invocation)
    return { roles, hasLeftovers: living.some(({ pid }) => !held.has(pid)) }
  }

  #seen(process: Process | undefined, slot: Slot): Observation {
    if (process === undefined) return { kind: 'never-spawned' }
    if (process.isAlive) {
      this.#known.add(process.pid)
      // Who adopts does not know of a preamble: the process is there.
      process.hasExecuted = true
      const { pid, startTime } = process
      return { kind: 'alive', process: { pid: toPid(pid), startTime }, logMark: null }
    }
    // Without its pidfd, a process that is gone and was never recorded left no trace.
    if (slot === 'spawning' && !process.isStatusKept) return { kind: 'never-spawned' }
    const isKnown = process.isStatusKept && this.deps.world.keepsStatus
    return { kind: 'ended', status: isKnown ? process.status : { kind: 'unknown' } }
  }

  /** One effect, or else one decision. False when there was nothing to do. */
  turn(): boolean {
    const effect = this.#effects.shift()
    if (effect !== undefined) {
      this.#perform(effect)
      return true
    }
    const wish = this.#queue.shift()
    if (wish === undefined) return false
    const event = { ...wish, nowMs: this.#nowMs, wallMs: this.deps.world.nowMs } as SupervisorEvent
    this.deps.trace(() => `event ${printEvent(wish)}`)
    const isAboutStarting = wish.type === 'want-project' || wish.type === 'want-scale'
    const undo = isAboutStarting ? rememberState(this.state) : null
    const { effects } = this.deps.core.step(this.state, event)
    this.steps += 1
    // What cannot be stored is refused as a whole.
    if (undo !== null && effects[0]?.type === 'store-project' && this.deps.world.isDiskFull) {
      this.deps.trace(() => '  refused: ENOSPC')
      undo()
      this.wasRefused = true
      return true
    }
    this.#effects.push(...effects)
    for (const effect of effects) {
      if (effect.type === 'store') this.deps.core.assertInstance(effect.record)
      else if (effect.type === 'release') this.#leaveAlone(effect)
    }
    for (const checker of this.deps.checkers) checker.onStep?.(this.deps.scene(), event, effects)
    return true
  }

  fireTimers(): void {
    for (const [id, atMs] of [...this.#timers]) {
      if (atMs > this.#nowMs) continue
      this.#timers.delete(id)
      this.tell(id, { type: 'timer-fired' })
    }
  }

  onEnded(process: Process): void {
    const { id, invocation, role, pid } = process
    const event = { id, invocation } as { id: InstanceId; invocation: never }
    if (role !== 'child' && this.#known.has(pid)) {
      const hasLeftovers = livingOf(this.deps.world, id, invocation).length > 0
      const { status, hasExecuted } = process
      if (!hasExecuted && status.kind === 'exited') {
        const reason = 'chdir: ENOENT'
        this.tell(id, { type: 'spawn-failed', role, invocation: event.invocation, reason })
      } else {
        this.tell(id, { type: 'exited', role, invocation: event.invocation, status, hasLeftovers })
      }
    }
    this.#lookForLast(id)
  }

  onSaid(process: Process, what: string): void {
    const { id, role } = process
    const invocation = process.invocation as never
    if (what === 'executed' && role !== 'child' && this.#known.has(process.pid)) {
      this.#tellSpawned(process)
    }
    if (role !== 'main') return
    if (what === 'ready' && this.#readyWatch.get(id) === invocation) {
      this.tell(id, { type: 'ready', invocation })
    } else if (what === 'unready' && this.#readyWatch.get(id) === invocation) {
      this.tell(id, { type: 'unready', invocation, reason: 'closed its descriptor' })
    } else if (what === 'hanging' && this.#liveWatch.get(id) === invocation) {
      this.tell(id, { type: 'unhealthy', invocation, reason: 'does not answer' })
    }
  }

  #tellSpawned({ id, invocation, role, pid, startTime }: Process): void {
    if (role === 'child') return
    const process = { pid: toPid(pid), startTime }
    const event = { type: 'spawned', role, process, logMark: null } as const
    this.tell(id, { ...event, invocation: invocation as never })
  }

  #lookForLast(id: string): void {
    const invocation = this.#emptyWatch.get(id)
    if (invocation === undefined || livingOf(this.deps.world, id, invocation).length > 0) return
    this.#emptyWatch.delete(id)
    const killed = this.#killed.get(invocation) ?? []
    this.tell(id, { type: 'emptied', invocation: invocation as never, killed })
  }

  #perform(effect: Effect): void {
    const { world, trace, checkers, scene } = this.deps
    trace(() => `  effect ${printEffect(effect)}`)
    for (const checker of checkers) checker.onEffect?.(scene(), effect)
    switch (effect.type) {
      case 'store': {
        const { record } = effect
        if (this.#write(record.id, () => world.records.set(record.id, record))) return
        for (const checker of checkers) checker.onDiskFailure?.(scene(), record.id)
        return
      }
      case 'forget':
        this.#timers.delete(effect.id)
        this.#unwritten.delete(effect.id)
        return void world.records.delete(effect.id)
      case 'store-project': {
        const { project } = effect
        const { name } = project.definition
        return void this.#write(name, () => world.projects.set(name, project))
      }
      case 'forget-project':
        this.#unwritten.delete(effect.name)
        return void world.projects.delete(effect.name)
      case 'spawn':
        return this.#spawn(effect)
      case 'signal':
        return this.#signal(effect)
      case 'arm-timer':
        return void this.#timers.set(effect.id, effect.atMs)
      case 'cancel-timer':
        return void this.#timers.delete(effect.id)
      case 'watch-empty':
        this.#emptyWatch.set(effect.id, effect.invocation)
        return this.#lookForLast(effect.id)
      case 'watch-ready':
        return this.#watch(this.#readyWatch, effect, 'ready', ({ isReady }) => isReady)
      case 'watch-live':
        return this.#watch(this.#liveWatch, effect, 'hanging', ({ isHanging }) => isHanging)
      case 'unwatch':
        this.#readyWatch.delete(effect.id)
        return void this.#liveWatch.delete(effect.id)
      case 'release':
        return this.#release(effect)
      case 'update-log':
      case 'report':
        return
    }
  }

  /** False when the disk is full: then it is kept for later. */
  #write(key: string, action: () => void): boolean {
    if (this.deps.world.isDiskFull) {
      this.#unwritten.set(key, action)
      return false
    }
    this.#unwritten.delete(key)
    action()
    return true
  }

  onDiskFreed(): void {
    for (const action of this.#unwritten.values()) action()
    this.#unwritten.clear()
  }

  #watch(
    table: Map<string, string>,
    { id, invocation }: { readonly id: InstanceId; readonly invocation: string },
    what: string,
    isTrue: (process: Process) => boolean,
  ): void {
    table.set(id, invocation)
    for (const process of livingOf(this.deps.world, id, invocation)) {
      if (process.role === 'main' && isTrue(process)) this.onSaid(process, what)
    }
  }

  #spawn(effect: EffectOf<'spawn'>): void {
    const { id, invocation, role } = effect
    const { world, planSpawn, checkers, scene } = this.deps
    const reason = 'record: ENOSPC'
    const outcome = this.#unwritten.has(id) ? reason : planSpawn(effect)
    if (typeof outcome === 'string') {
      return this.tell(id, { type: 'spawn-failed', role, invocation, reason: outcome })
    }
    for (const checker of checkers) checker.onSpawn?.(scene(), effect)
    const process = startProcess(world, id, invocation, role, outcome)
    process.isStatusKept = true
    this.#known.add(process.pid)
    if (process.hasExecuted) this.#tellSpawned(process)
  }

  #signal({ id, invocation, signal, scope }: EffectOf<'signal'>): void {
    const { world, killDelayMs } = this.deps
    const killed: string[] = []
    for (const process of livingOf(world, id, invocation)) {
      const { role, pid } = process
      const isMain = role === 'main'
      const isHook = role !== 'main' && role !== 'child'
      const isMeant =
        scope === 'all' ||
        (scope === 'main' && isMain) ||
        (scope === 'hook' && isHook) ||
        (scope === 'reload' && role === 'reload') ||
        (scope === 'group' && (isMain || (role === 'child' && process.isInGroup)))
      if (!isMeant) continue
      signalProcess(world, process, signal, killDelayMs(process, signal))
      if (signal === 9) killed.push(`${role} (${pid})`)
    }
    if (scope === 'all' && signal === 9) {
      this.#killed.set(invocation, [...(this.#killed.get(invocation) ?? []), ...killed])
    }
  }

  /** Decided: nobody ends the children that kill mode `process` leaves behind. */
  #leaveAlone({ id, invocation }: EffectOf<'release'>): void {
    const [project = '', rest = ''] = id.split('/')
    const record = this.state.projects.get(project)?.record
    const service = rest.slice(0, rest.lastIndexOf('@'))
    // With its last instance a project may have been forgotten in the same step.
    const definition = record?.definition.services[service] ?? record?.retired[service]
    if (definition !== undefined && definition.stop.kill !== 'process') return
    for (const process of livingOf(this.deps.world, id, invocation)) {
      if (process.role === 'child') process.mayStay = true
    }
  }

  /** A hook that outlived its invocation is waited for by nobody; only who knows it can end it. */
  #release({ id, invocation }: EffectOf<'release'>): void {
    for (const process of livingOf(this.deps.world, id, invocation)) {
      if (process.role === 'main' || process.role === 'child') continue
      if (!this.#known.has(process.pid)) continue
      signalProcess(this.deps.world, process, 9, 0)
    }
    if (this.#emptyWatch.get(id) === invocation) this.#emptyWatch.delete(id)
  }
}

function printEvent(wish: Wish): string {
  if (wish.type === 'want-project') {
    return `want-project ${Object.keys(wish.definition.services).join(' ')}`
  }
  return JSON.stringify(wish)
}

/** One line: the definition that spawns carry is left out. */
function printEffect(effect: Effect): string {
  if (effect.type === 'store-project') return 'store-project'
  return JSON.stringify({ ...effect, definition: undefined })
}

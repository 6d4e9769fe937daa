// One history: a seed decides the project, the faults and the moments of everything. It is played
// until the actions are used up, then the faults stop and the end is judged.

import { toInstanceId } from '../../src/base/brands.ts'
import type { Verb } from '../../src/core/supervisor-event.ts'
import type { ProjectDefinition } from '../../src/model/service-definition.ts'
import { type Chance, createChance } from './chance.ts'
import type { Checker, Scene } from './checkers/checker.ts'
import { convergence } from './checkers/convergence.ts'
import { dependencyOrder } from './checkers/dependency-order.ts'
import { effectOrder } from './checkers/effect-order.ts'
import { knownProcesses } from './checkers/known-processes.ts'
import { noNeedlessEnd } from './checkers/no-needless-end.ts'
import { restartRate } from './checkers/restart-rate.ts'
import { singleLife } from './checkers/single-life.ts'
import { type Core, realCore } from './core.ts'
import { calm, type Faults, planChild, planSpawn, randomFaults } from './faults.ts'
import { changedProject, PROJECT, randomProject } from './projects.ts'
import { Supervisor, type Wish } from './supervisor.ts'
import {
  advanceTo,
  createWorld,
  loseGuardian,
  nextAtMs,
  reboot,
  startProcess,
  type World,
} from './world.ts'

export interface Outcome {
  readonly steps: number
  readonly deaths: number
  readonly hits: Readonly<Record<string, number>>
}

export interface HistoryOptions {
  readonly core?: Core
  /** Called with each line of the trace; null: none is made. */
  readonly trace?: ((line: string) => void) | null
}

/** After the faults have stopped, this much time is given; a killed process may take 8 s to go. */
const RECOVERY_MS = 600_000
const MAX_TURNS = 50_000

/** Plays the history of a seed. Throws a Violation, or what the core itself asserts. */
export function playHistory(seed: number, options: HistoryOptions = {}): Outcome {
  const history = new History(seed, options)
  history.play()
  return { steps: history.steps, deaths: history.deaths, hits: history.hits }
}

class History {
  deaths = 0
  steps = 0
  readonly hits: Record<string, number> = {}
  readonly #chance: Chance
  readonly #world: World
  readonly #core: Core
  readonly #trace: ((line: string) => void) | null
  readonly #checkers: readonly Checker[]
  #faults: Faults
  #definition: ProjectDefinition
  #supervisor: Supervisor | null = null
  #isApplied = true
  #revision = 0
  #lives = 0
  #turns = 0

  constructor(seed: number, { core = realCore, trace = null }: HistoryOptions) {
    this.#chance = createChance(seed)
    this.#faults = randomFaults(this.#chance)
    this.#definition = randomProject(this.#chance)
    this.#core = core
    this.#trace = trace
    this.#world = createWorld(this.#chance.is(0.7))
    this.#world.onForked = ({ id, invocation, mayStay }) => {
      const plan = planChild(this.#chance, this.#faults)
      startProcess(this.#world, id, invocation, 'child', plan).mayStay = mayStay
    }
    this.#checkers = [
      singleLife,
      knownProcesses,
      noNeedlessEnd,
      effectOrder(),
      dependencyOrder,
      restartRate(),
      convergence,
    ]
  }

  play(): void {
    this.#begin(false)
    this.#wish({ type: 'want-project', definition: this.#definition, services: null })
    const actions = this.#chance.between(15, 45)
    for (let action = 0; action < actions; action += 1) {
      this.#act()
      this.#settle()
    }
    this.#recover()
  }

  readonly #scene = (): Scene => ({
    world: this.#world,
    state: this.#supervisor?.state ?? null,
    definition: this.#definition,
    isApplied: this.#isApplied,
  })

  #log(line: () => string): void {
    this.#trace?.(`${String(this.#world.nowMs).padStart(7)} ${line()}`)
  }

  #hit(fault: string): void {
    this.hits[fault] = (this.hits[fault] ?? 0) + 1
  }

  #act(): void {
    const chance = this.#chance
    const roll = chance.next()
    if (roll < 0.65) return this.#pass(chance.time(20_000))
    if (roll < 0.75) return this.#wishSomething()
    if (roll < 0.8) return this.#wish({ type: 'want', verb: this.#verb(), ids: this.#ids(1) })
    if (roll < 0.83) {
      this.#world.isDiskFull = chance.is(this.#faults.diskFull * 10)
      if (this.#world.isDiskFull) this.#hit('diskFull')
      else this.#supervisor?.onDiskFreed()
      return
    }
    this.#pass(chance.between(0, 500))
  }

  #verb(): Verb {
    return this.#chance.pick(['up', 'up', 'down', 'restart', 'reload'])
  }

  #ids(count: number) {
    const ids = [...(this.#supervisor?.state.instances.keys() ?? [])]
    if (ids.length === 0) return []
    return Array.from({ length: count }, () => toInstanceId(this.#chance.pick(ids)))
  }

  #wishSomething(): void {
    const chance = this.#chance
    const services = Object.keys(this.#definition.services)
    const roll = chance.next()
    if (roll < 0.3) {
      this.#revision += 1
      const file = `/srv/${this.#revision}.toml`
      this.#definition = { ...changedProject(chance, this.#definition), file }
      const some = chance.is(0.8) ? null : services.slice(0, 1)
      return this.#wish({ type: 'want-project', definition: this.#definition, services: some })
    }
    if (roll < 0.5) {
      const service = chance.pick(services)
      const count = chance.between(0, 3)
      return this.#wish({ type: 'want-scale', project: PROJECT, service, count })
    }
    if (roll < 0.6) {
      this.#wish({ type: 'want-removal', project: PROJECT })
      if (chance.is(0.7)) this.#pass(chance.time(3_000))
      return this.#wish({ type: 'want-project', definition: this.#definition, services: null })
    }
    if (roll < 0.7) {
      const ids = this.#ids(1)
      return this.#wish({ type: 'want-signal', signal: 1, scope: 'main', ids })
    }
    if (roll < 0.8) return this.#wish({ type: 'want-normal' })
    this.#wish({ type: 'want', verb: this.#verb(), ids: this.#ids(3) })
  }

  /** What a dead supervisor is asked is asked again by the client: nothing is lost in silence. */
  #wish(wish: Wish): void {
    this.#log(() => `operator ${wish.type}`)
    if (this.#supervisor === null) this.#begin(false)
    this.#supervisor?.wish(wish)
    if (wish.type !== 'want-project' && wish.type !== 'want-removal') return
    this.#isApplied = false
    for (let tries = 0; ; tries += 1) {
      this.#settle()
      if (this.#isTaken(wish)) break
      // The operator is told that the disk is full, and makes room.
      if (this.#supervisor?.wasRefused) {
        this.#world.isDiskFull = false
        this.#supervisor.onDiskFreed()
      }
      if (tries > 1_000) throw new Error(`${wish.type} is never taken`)
      this.#supervisor?.wish(wish)
    }
    this.#isApplied = true
  }

  /** True when the supervisor that was asked has stored what was asked. */
  #isTaken(wish: Wish): boolean {
    const record = this.#supervisor?.state.projects.get(PROJECT)?.record
    if (this.#supervisor === null || !this.#supervisor.isIdle) return false
    if (wish.type === 'want-removal') return record === undefined || record.isRemoved
    return record?.definition.file === this.#definition.file && !record.isRemoved
  }

  #begin(isReboot: boolean): void {
    const isHeld = this.#chance.is(this.#faults.hold)
    if (isHeld) this.#hit('hold')
    const supervisor = new Supervisor(
      {
        core: this.#core,
        world: this.#world,
        scene: this.#scene,
        checkers: this.#checkers,
        planSpawn: (effect) =>
          planSpawn(this.#chance, this.#faults, effect, (fault) => this.#hit(fault)),
        killDelayMs: ({ pid }, signal) => this.#killDelayMs(pid, signal),
        trace: (line) => this.#log(line),
      },
      this.#lives,
      isHeld ? 'hold' : 'normal',
    )
    this.#lives += 1
    this.#supervisor = supervisor
    this.#world.onEnded = (process) => {
      this.#log(() => `ended ${process.id} ${process.role} ${process.pid} ${process.status.kind}`)
      supervisor.onEnded(process)
    }
    this.#world.onSaid = (process, what) => supervisor.onSaid(process, what)
    this.#log(() => `supervisor begins${isHeld ? ' in hold mode' : ''}`)
    supervisor.restore(isReboot)
  }

  #killDelayMs(_pid: number, signal: number): number {
    if (signal !== 9) return this.#chance.time(2_000)
    return this.#chance.is(this.#faults.stuck / 10) ? 8_000 : 0
  }

  #die(): void {
    const supervisor = this.#supervisor
    if (supervisor === null) return
    this.deaths += 1
    this.steps += supervisor.steps
    this.#supervisor = null
    this.#world.onEnded = ({ id, role, pid }) =>
      this.#log(() => `ended unseen ${id} ${role} ${pid}`)
    this.#world.onSaid = () => {}
    this.#log(() => 'supervisor killed')
    for (const checker of this.#checkers) checker.onSupervisorDeath?.(this.#scene())
    const isReboot = this.#chance.is(this.#faults.reboot)
    if (isReboot) {
      this.#hit('reboot')
      this.#log(() => 'reboot')
      reboot(this.#world)
      for (const checker of this.#checkers) checker.onAmnesia?.()
    } else if (this.#chance.is(this.#faults.doubleDeath)) {
      this.#hit('doubleDeath')
      this.#log(() => 'guardian killed')
      loseGuardian(this.#world)
      for (const checker of this.#checkers) checker.onAmnesia?.()
    }
    advanceTo(this.#world, this.#world.nowMs + this.#chance.time(5_000))
    this.#begin(isReboot)
  }

  /** Until nothing is queued; the supervisor may die before each turn. */
  #settle(): void {
    for (;;) {
      this.#turns += 1
      if (this.#turns > MAX_TURNS) throw new Error('the history does not come to rest')
      if (this.#chance.is(this.#faults.death)) this.#die()
      if (!this.#supervisor?.turn()) break
    }
    for (const checker of this.#checkers) checker.onQuiet?.(this.#scene())
  }

  /** Time passes; what happens meanwhile is told one by one. */
  #pass(spanMs: number): void {
    const untilMs = this.#world.nowMs + spanMs
    for (;;) {
      this.#settle()
      const timerMs = this.#supervisor?.nextTimerMs ?? Number.POSITIVE_INFINITY
      const nextMs = Math.max(this.#world.nowMs, Math.min(nextAtMs(this.#world), timerMs))
      if (nextMs > untilMs) break
      advanceTo(this.#world, nextMs)
      this.#supervisor?.fireTimers()
    }
    advanceTo(this.#world, untilMs)
  }

  #recover(): void {
    this.#log(() => 'faults stop')
    this.#faults = calm
    this.#world.isDiskFull = false
    this.#supervisor?.onDiskFreed()
    if (this.#supervisor?.state.mode === 'hold') this.#wish({ type: 'want-normal' })
    // A definition that could not be written is applied again by whoever saw the error.
    this.#wish({ type: 'want-project', definition: this.#definition, services: [] })
    this.#pass(RECOVERY_MS)
    for (const checker of this.#checkers) checker.onEnd?.(this.#scene())
    this.steps += this.#supervisor?.steps ?? 0
  }
}

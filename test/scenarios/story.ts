// Plays one story: commands in, the full trace out. There is no chance here: what processes do is
// said line by line, and time passes only when the story says so.
//
// A story is a list of blocks: commands, a line of dashes, the trace that they print, a blank line.

import { type InstanceId, toInstanceId, toPid } from '../../src/base/brands.ts'
import type { ExitStatus } from '../../src/base/exit-status.ts'
import { signalNumbers } from '../../src/base/signal.ts'
import { adopt, type Observation, restoreAfterBoot, restoreState } from '../../src/core/adoption.ts'
import type { Effect, ProjectRecord } from '../../src/core/effect.ts'
import type { InstanceEvent, InstanceNews } from '../../src/core/instance-event.ts'
import {
  type InstanceState,
  invocationOf,
  type Role,
  slotsOf,
} from '../../src/core/instance-state.ts'
import { assertInstance } from '../../src/core/invariants.ts'
import type { SupervisorEvent, Verb } from '../../src/core/supervisor-event.ts'
import { newSupervisorState, type SupervisorState } from '../../src/core/supervisor-state.ts'
import { step } from '../../src/core/supervisor-step.ts'
import { PROJECT, printEffect, said } from './story-print.ts'
import { parseProject } from './story-project.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'nowMs' | 'wallMs'> : never
type Wish = WithoutTime<SupervisorEvent>

interface Life {
  readonly pid: number
  readonly role: Role
  readonly invocation: string
  /** Null while it lives. */
  end: ExitStatus | null
}

export class Story {
  readonly #lines: string[] = []
  #state: SupervisorState = newSupervisorState('normal', 1, '0'.repeat(16))
  #nowMs = 0
  #lives = 0
  #nextPid = 101
  #timers = new Map<string, number>()
  #records = new Map<string, InstanceState>()
  #projects = new Map<string, ProjectRecord>()
  readonly #processes = new Map<string, Life[]>()
  /** Instances with processes besides those that we started. */
  readonly #leftovers = new Set<string>()
  readonly #failing = new Map<string, string>()
  readonly #silent = new Set<string>()
  #killAfter: string | null = null
  #isDead = false

  /** What one block of commands prints. */
  run(commands: readonly string[]): string {
    this.#lines.length = 0
    let definition: string[] = []
    for (const command of commands) {
      if (/^\s/.test(command)) definition.push(command.trim())
      else if (definition.length > 0) {
        this.#define(definition)
        definition = []
        this.#command(command)
      } else if (command === 'project') definition = ['']
      else this.#command(command)
    }
    if (definition.length > 0) this.#define(definition)
    return this.#lines.length === 0 ? 'nothing' : this.#lines.join('\n')
  }

  #define(lines: readonly string[]): void {
    const definition = parseProject(
      PROJECT,
      lines.filter((line) => line !== ''),
    )
    this.#take({ type: 'want-project', definition, services: null })
  }

  #command(line: string): void {
    const [word = '', ...rest] = line.split(/\s+/)
    const first = rest[0] ?? ''
    switch (word) {
      case 'up':
      case 'down':
      case 'restart':
      case 'reload':
        return this.#take({ type: 'want', verb: word as Verb, ids: rest.map(toId) })
      case 'scale':
        return this.#take({
          type: 'want-scale',
          project: PROJECT,
          service: first,
          count: Number(rest[1]),
        })
      case 'remove':
        return this.#take({ type: 'want-removal', project: PROJECT })
      case 'normal':
        return this.#take({ type: 'want-normal' })
      case 'pass':
        return this.#pass(Number(first))
      case 'status':
        return this.#status()
      case 'fail-spawn':
        return void this.#failing.set(toId(first), rest.slice(1).join(' '))
      case 'silent-spawn':
        return void this.#silent.add(toId(first))
      case 'die-before':
        this.#killAfter = line.slice('die-before '.length)
        return
      case 'kill-supervisor':
        return this.#die()
      case 'supervisor':
        return this.#begin(first === 'hold' ? 'hold' : 'normal', false)
      case 'reboot':
        return this.#reboot()
      default:
        return this.#happen(word, toId(first), rest.slice(1))
    }
  }

  /** What a process does or what becomes of it. */
  #happen(what: string, id: InstanceId, rest: readonly string[]): void {
    const [role = 'main', detail = '', extra = ''] = rest
    const instance = this.#state.instances.get(id)
    const invocation = instance ? invocationOf(instance) : null
    const lives = this.#processes.get(id) ?? []
    switch (what) {
      case 'exit':
      case 'die': {
        const status: ExitStatus =
          what === 'exit'
            ? { kind: 'exited', code: Number(detail) }
            : { kind: 'signaled', signal: toSignal(detail), core: false }
        const life = lives.findLast((one) => one.role === role && one.end === null)
        if (life === undefined) throw new Error(`no ${role} of ${id} lives`)
        life.end = status
        if (extra === 'leftovers') this.#leftovers.add(id)
        const others = lives.some((one) => one.end === null && one.invocation === life.invocation)
        const hasLeftovers = others || this.#leftovers.has(id)
        const event = { type: 'exited', role: life.role, status, hasLeftovers } as const
        return this.#tell(id, { ...event, invocation: life.invocation as never })
      }
      case 'spawned':
        return this.#tellSpawned(
          id,
          lives.findLast((one) => one.role === role),
        )
      case 'leaves':
        return void this.#leftovers.add(id)
      case 'ready':
        return this.#tell(id, { type: 'ready', invocation: invocation as never })
      case 'unready':
      case 'unhealthy': {
        const reason = rest.join(' ')
        return this.#tell(id, { type: what, invocation: invocation as never, reason })
      }
      case 'emptied': {
        this.#leftovers.delete(id)
        return this.#tell(id, { type: 'emptied', invocation: invocation as never, killed: rest })
      }
      default:
        throw new Error(`what is '${what}'?`)
    }
  }

  #tell(id: InstanceId, event: InstanceEvent): void {
    if (this.#isDead) return
    this.#take({ type: 'instance', id, event })
  }

  #take(wish: Wish): void {
    const event = { ...wish, nowMs: this.#nowMs, wallMs: this.#nowMs } as SupervisorEvent
    if (wish.type === 'instance')
      this.#print(`${wish.id.slice(PROJECT.length + 1)} ${said(wish.event)}`)
    if (wish.type === 'resumed') {
      for (const { id, event: news } of wish.news) {
        this.#print(`${id.slice(PROJECT.length + 1)} was found: ${said(news)}`)
      }
    }
    this.#performAll(step(this.#state, event).effects)
  }

  #performAll(effects: readonly Effect[]): void {
    const outcomes: (() => void)[] = []
    for (const effect of effects) {
      if (this.#killAfter !== null && printEffect(effect).startsWith(this.#killAfter)) {
        this.#killAfter = null
        return this.#die()
      }
      if (effect.type === 'store') assertInstance(effect.record)
      const line = printEffect(effect)
      if (line !== '') this.#print(`  ${line}`)
      this.#perform(effect, outcomes)
    }
    for (const outcome of outcomes) outcome()
  }

  #perform(effect: Effect, outcomes: (() => void)[]): void {
    switch (effect.type) {
      case 'store':
        return void this.#records.set(effect.record.id, effect.record)
      case 'forget':
        return void this.#records.delete(effect.id)
      case 'store-project':
        return void this.#projects.set(effect.project.definition.name, effect.project)
      case 'forget-project':
        return void this.#projects.delete(effect.name)
      case 'arm-timer':
        return void this.#timers.set(effect.id, effect.atMs)
      case 'cancel-timer':
        return void this.#timers.delete(effect.id)
      case 'spawn': {
        const { id, role, invocation } = effect
        const reason = this.#failing.get(id)
        if (reason !== undefined) {
          this.#failing.delete(id)
          const event = { type: 'spawn-failed', role, invocation, reason } as const
          return void outcomes.push(() => this.#tell(id, event))
        }
        const life: Life = { pid: this.#nextPid, role, invocation, end: null }
        this.#nextPid += 1
        this.#processes.set(id, [...(this.#processes.get(id) ?? []), life])
        if (this.#silent.delete(id)) return
        return void outcomes.push(() => this.#tellSpawned(id, life))
      }
      default:
        return
    }
  }

  #tellSpawned(id: InstanceId, life: Life | undefined): void {
    if (life === undefined) throw new Error(`no such process of ${id}`)
    const { pid, role, invocation } = life
    const process = { pid: toPid(pid), startTime: pid }
    const event = { type: 'spawned', role, process, logMark: null } as const
    this.#tell(id, { ...event, invocation: invocation as never })
  }

  /** Time passes; timers fire in their order. */
  #pass(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(([, atMs]) => atMs <= untilMs)
      const next = due.sort(([, one], [, other]) => one - other)[0]
      if (next === undefined || this.#isDead) break
      this.#timers.delete(next[0])
      this.#nowMs = Math.max(this.#nowMs, next[1])
      this.#tell(toInstanceId(next[0]), { type: 'timer-fired' })
    }
    this.#nowMs = untilMs
  }

  #die(): void {
    this.#isDead = true
    this.#timers = new Map()
    this.#print('the supervisor is killed')
  }

  #begin(mode: 'normal' | 'hold', isReboot: boolean): void {
    this.#isDead = false
    this.#lives += 1
    this.#print(`a supervisor begins${mode === 'hold' ? ' in hold mode' : ''}`)
    this.#state = newSupervisorState(mode, 1, String(this.#lives).padStart(16, '0'))
    const projects = [...this.#projects.values()]
    const found = [...this.#records.values()]
    const records = isReboot ? restoreAfterBoot(projects, found, this.#nowMs) : found
    for (const record of records) this.#records.set(record.id, record)
    restoreState(this.#state, projects, records)
    const news: InstanceNews[] = []
    const effects: Effect[] = []
    for (const instance of this.#state.instances.values()) {
      const adoption = adopt(this.#state, instance, {
        roles: this.#observe(instance),
        hasLeftovers: this.#leftovers.has(instance.id),
      })
      effects.push(...adoption.effects)
      news.push(...adoption.events)
    }
    this.#performAll(effects)
    this.#take({ type: 'resumed', news })
  }

  #observe(instance: InstanceState): Partial<Record<Role, Observation>> {
    const { phase, id } = instance
    const invocation = invocationOf(instance)
    const roles: Partial<Record<Role, Observation>> = {}
    for (const [role] of slotsOf(phase)) {
      const life = (this.#processes.get(id) ?? []).findLast(
        (one) => one.role === role && one.invocation === invocation,
      )
      if (life === undefined) roles[role] = { kind: 'never-spawned' }
      else if (life.end !== null) roles[role] = { kind: 'ended', status: life.end }
      else {
        const process = { pid: toPid(life.pid), startTime: life.pid }
        roles[role] = { kind: 'alive', process, logMark: null }
      }
    }
    return roles
  }

  #reboot(): void {
    this.#print('the machine is started again')
    this.#processes.clear()
    this.#leftovers.clear()
    this.#timers = new Map()
    this.#nowMs = 0
    this.#begin('normal', true)
  }

  #status(): void {
    for (const { id, desired, phase, reason, restarts } of this.#state.instances.values()) {
      const name = id.slice(PROJECT.length + 1)
      const why = reason === null ? '' : `: ${reason}`
      this.#print(`${name} wanted ${desired}, ${phase.name}${why} (${restarts} restarts)`)
    }
    for (const name of this.#projects.keys()) this.#print(`project ${name}`)
  }

  #print(line: string): void {
    this.#lines.push(line === '' || line.startsWith('  ') ? line : `${this.#nowMs}ms ${line}`)
  }
}

function toId(name: string): InstanceId {
  return toInstanceId(`${PROJECT}/${name.includes('@') ? name : `${name}@1`}`)
}

function toSignal(name: string): number {
  const number = signalNumbers[name as keyof typeof signalNumbers]
  if (number === undefined) throw new Error(`no signal '${name}'`)
  return number
}

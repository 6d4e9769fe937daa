// The only door into this folder: step(state, event) -> { state, effects }. It reads no clock, no
// random source, no file. The state that is passed in is consumed: its containers are changed in
// place and handed back, because a copy of a thousand instances per event would cost more than the
// decision. The values in them are never changed.
//
// One event is answered by the grid; then the neighbourhood is settled until nothing changes: all
// decisions are made before any effect is carried out. Per instance the order is: record, acts.

import { assert } from '../base/assert.ts'
import type { InstanceId } from '../base/brands.ts'
import { parseInstanceId, printInstanceId } from '../model/service-name.ts'
import { watchesOf } from './adoption.ts'
import type { Effect } from './effect.ts'
import type { InstanceEvent } from './instance-event.ts'
import { answer } from './instance-grid.ts'
import { type InstanceState, invocationOf, mainProcessOf } from './instance-state.ts'
import { settle } from './propagation.ts'
import { applyProject, applyRemoval, applyScale, pruneRetired, resumeProjects } from './reload.ts'
import type { SupervisorEvent, Verb } from './supervisor-event.ts'
import {
  definitionOf,
  instancesOf,
  nextInvocation,
  revisionOf,
  type SupervisorState,
} from './supervisor-state.ts'
import type { Context, Transition } from './transition.ts'

export interface Step {
  readonly state: SupervisorState
  readonly effects: readonly Effect[]
}

/** One event in, the effects in the order in which they must be carried out. */
export function step(state: SupervisorState, event: SupervisorEvent): Step {
  const turn = new Turn(state, event)
  turn.take(event)
  turn.settleAll()
  return { state, effects: turn.effects }
}

/** The work of one step: the effects so far, and the instances that are still to be looked at. */
export class Turn {
  readonly effects: Effect[] = []
  readonly state: SupervisorState
  readonly time: { readonly nowMs: number; readonly wallMs: number }
  readonly #unsettled = new Set<InstanceId>()
  readonly #findings = { stopped: new Map<string, boolean>(), stuck: new Map<string, boolean>() }
  /** Where the last record of an instance stands, until something is done with it. */
  readonly #stores = new Map<InstanceId, number>()

  constructor(state: SupervisorState, time: { readonly nowMs: number; readonly wallMs: number }) {
    this.state = state
    this.time = time
  }

  take(event: SupervisorEvent): void {
    switch (event.type) {
      case 'instance':
        return this.tell(event.id, event.event)
      case 'want':
        return this.#want(event.verb, event.ids)
      case 'want-signal':
        return this.#signal(event.ids, event.signal, event.scope)
      case 'want-project':
        return applyProject(this, event.definition, event.services)
      case 'want-removal':
        return applyRemoval(this, event.project)
      case 'want-scale':
        return applyScale(this, event.project, event.service, event.count)
      case 'want-normal':
        return this.#leaveHold()
      case 'resumed':
        for (const { id, event: news } of event.news) this.tell(id, news)
        resumeProjects(this)
        return this.touchAll()
    }
  }

  #want(verb: Verb, ids: readonly InstanceId[]): void {
    // What is being dismissed cannot be wanted any more.
    const wanted = ids.filter((id) => this.state.instances.get(id)?.isRemoved === false)
    if (verb === 'up' || verb === 'restart') {
      const isAsked = (id: InstanceId) => verb === 'restart' && wanted.includes(id)
      for (const id of this.withNeeds(wanted)) {
        if (!isAsked(id)) this.tell(id, { type: 'want-up' })
      }
    }
    if (verb === 'up') return
    const event: InstanceEvent =
      verb === 'restart'
        ? { type: 'want-restart', reason: 'restart was asked for' }
        : { type: `want-${verb}` }
    for (const id of wanted) this.tell(id, event)
  }

  /** What was ignored while the supervisor held is asked again: timers, probes, who may start. */
  #leaveHold(): void {
    this.state.mode = 'normal'
    for (const instance of this.state.instances.values()) {
      this.effects.push(...watchesOf(this.state, instance))
    }
    this.touchAll()
  }

  /** One event for one instance, through the grid. News about a former invocation is ignored. */
  tell(id: InstanceId, event: InstanceEvent): void {
    const instance = this.state.instances.get(id)
    if (instance === undefined) return
    if ('invocation' in event && event.invocation !== invocationOf(instance)) return
    if (event.type === 'timer-fired' && !this.#isDue(instance)) return
    const transition = answer(instance, event, this.#context(id))
    // A timer that has fired is gone: the same time again is a new timer.
    const before = event.type === 'timer-fired' ? { ...instance, deadlineMs: null } : instance
    if (transition !== null) this.#accept(before, transition)
    this.touchAround(id)
    if (this.state.instances.get(id)?.desired !== instance.desired) this.#touchDependents(id)
  }

  /** A timer that was replaced meanwhile is stale. */
  #isDue({ deadlineMs }: InstanceState): boolean {
    return deadlineMs !== null && deadlineMs <= this.time.nowMs
  }

  #context(id: InstanceId): Context {
    return {
      ...this.time,
      definition: definitionOf(this.state, id),
      revision: revisionOf(this.state, id).revision,
      isHeld: this.state.mode === 'hold',
      nextInvocation: nextInvocation(this.state),
      prng: this.state.prng,
    }
  }

  #accept(before: InstanceState, transition: Transition): void {
    if (transition.hasBegun) this.state.invocationCount += 1
    if (transition.prng !== undefined) this.state.prng = transition.prng
    this.replace(before, transition.instance)
    for (const effect of transition.effects) {
      if (effect.type === 'spawn' || effect.type === 'signal') this.#stores.delete(effect.id)
      this.effects.push(effect)
    }
  }

  /** Stores the new value first, then keeps timer and report in step with it. */
  replace(before: InstanceState, after: InstanceState): void {
    const { id } = after
    this.#store(after)
    if (after.deadlineMs === null && before.deadlineMs !== null) {
      this.effects.push({ type: 'cancel-timer', id })
    } else if (after.deadlineMs !== null && after.deadlineMs !== before.deadlineMs) {
      this.effects.push({ type: 'arm-timer', id, atMs: after.deadlineMs })
    }
    const { name } = after.phase
    if (before.phase.name !== name || (before.reason !== after.reason && after.reason !== null)) {
      const { reason } = after
      this.effects.push({ type: 'report', id, from: before.phase.name, to: name, reason })
    }
  }

  add(instance: InstanceState): void {
    this.#store(instance)
  }

  #changed(): void {
    this.#findings.stopped.clear()
    this.#findings.stuck.clear()
  }

  /** Of several records in one step, with nothing done between them, the last one is enough. */
  #store(record: InstanceState): void {
    const { id } = record
    this.#changed()
    this.state.instances.set(id, record)
    const earlier = this.#stores.get(id)
    if (earlier !== undefined) this.effects[earlier] = { type: 'store', record }
    else {
      this.#stores.set(id, this.effects.length)
      this.effects.push({ type: 'store', record })
    }
  }

  #signal(ids: readonly InstanceId[], signal: number, scope: 'main' | 'all'): void {
    for (const id of ids) {
      const instance = this.state.instances.get(id)
      const invocation = instance && invocationOf(instance)
      if (!instance || !invocation) continue
      if (scope === 'main' && mainProcessOf(instance) === null) continue
      this.effects.push({ type: 'signal', id, invocation, signal, scope })
    }
  }

  /** The instances themselves and everything that they require or want, in any order. */
  withNeeds(ids: readonly InstanceId[]): readonly InstanceId[] {
    const found = new Set(ids)
    for (const id of found) {
      const name = parseInstanceId(id)
      const links = name && this.state.projects.get(name.project)?.links.get(name.service)
      if (!name || !links) continue
      for (const other of [...links.requires, ...links.wants]) {
        for (const next of this.idsOf(name.project, other)) found.add(next)
      }
    }
    return [...found]
  }

  idsOf(project: string, service: string): readonly InstanceId[] {
    const ids: InstanceId[] = []
    for (let index = 1; ; index += 1) {
      const id = printInstanceId({ project, service, index })
      const instance = this.state.instances.get(id)
      if (instance === undefined) return ids
      if (!instance.isRemoved) ids.push(id)
    }
  }

  touchAll(): void {
    for (const id of this.state.instances.keys()) this.#unsettled.add(id)
  }

  /** It changed: it, those that follow it and those that it follows are looked at again. */
  touchAround(id: InstanceId): void {
    this.#unsettled.add(id)
    const name = parseInstanceId(id)
    const links = name && this.state.projects.get(name.project)?.links.get(name.service)
    if (!name || !links) return
    for (const service of [...links.followers, ...links.order]) {
      for (const { id: near } of instancesOf(this.state, name.project, service)) {
        this.#unsettled.add(near)
      }
    }
  }

  /** Wanting it down, or up again, concerns all that require it, however far away. */
  #touchDependents(id: InstanceId): void {
    const name = parseInstanceId(id)
    const links = name && this.state.projects.get(name.project)?.links
    if (!name || !links) return
    const found = new Set(links.get(name.service)?.requiredBy)
    for (const service of found) {
      for (const { id: near } of instancesOf(this.state, name.project, service)) {
        this.#unsettled.add(near)
      }
      for (const next of links.get(service)?.requiredBy ?? []) found.add(next)
    }
  }

  /** Looks until nothing changes. A set keeps insertion order, so what is touched comes later. */
  settleAll(): void {
    let turns = 0
    const { size } = this.state.instances
    const limit = 1_000 + size * (size + 64)
    for (const id of this.#unsettled) {
      this.#unsettled.delete(id)
      turns += 1
      assert(turns <= limit, `settling ends (at ${id})`)
      const instance = this.state.instances.get(id)
      if (instance === undefined) continue
      if (this.#isForgettable(instance)) this.#forget(instance)
      else this.#settleOne(instance)
    }
  }

  #settleOne(instance: InstanceState): void {
    const settled = settle(this.state, instance, this.#findings)
    if (settled.kind === 'event') {
      const before = this.state.instances.get(instance.id)
      this.tell(instance.id, settled.event)
      const after = this.state.instances.get(instance.id)
      assert(before !== after, `${instance.id}: '${settled.event.type}' settles something`)
    } else if (settled.kind === 'waits' && settled.reason !== instance.reason) {
      const { id } = instance
      this.state.instances.set(id, { ...instance, reason: settled.reason })
      const { reason } = settled
      this.effects.push({ type: 'report', id, from: 'waiting', to: 'waiting', reason })
      this.touchAround(id)
    }
  }

  /** From the last one down, so that the numbers of a service have no gaps. */
  #isForgettable({ id, isRemoved, phase }: InstanceState): boolean {
    const name = parseInstanceId(id)
    if (!isRemoved || phase.name !== 'down' || !name) return false
    return !this.state.instances.has(printInstanceId({ ...name, index: name.index + 1 }))
  }

  #forget({ id }: InstanceState): void {
    this.touchAround(id)
    this.#changed()
    this.state.instances.delete(id)
    this.#stores.delete(id)
    this.effects.push({ type: 'forget', id })
    const name = parseInstanceId(id)
    if (!name) return
    const { project, index } = name
    if (index > 1) return void this.#unsettled.add(printInstanceId({ ...name, index: index - 1 }))
    pruneRetired(this, project)
    this.forgetIfEmpty(project)
  }

  /** A project that is being removed ends with its last instance. */
  forgetIfEmpty(project: string): void {
    if (!this.state.projects.get(project)?.record.isRemoved) return
    for (const id of this.state.instances.keys()) {
      if (id.startsWith(`${project}/`)) return
    }
    this.state.projects.delete(project)
    this.effects.push({ type: 'forget-project', name: project })
  }
}

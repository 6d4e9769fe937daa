// Puts the ports together around the core: everything below the supervisor that touches the kernel.
// Order of a start: lock, journal, descriptor store, ports, adoption; only then is anything begun.

import { randomBytes } from 'node:crypto'
import type { Fd, InstanceId, Pid } from '../base/brands.ts'
import { toPid } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { adopt, restoreAfterBoot, restoreState } from '../core/adoption.ts'
import type { Effect, EffectOf, ProjectRecord } from '../core/effect.ts'
import type { InstanceEvent } from '../core/instance-event.ts'
import type { InstanceState } from '../core/instance-state.ts'
import { assertInstance } from '../core/invariants.ts'
import type { SupervisorEvent } from '../core/supervisor-event.ts'
import { type Mode, newSupervisorState, type SupervisorState } from '../core/supervisor-state.ts'
import { step } from '../core/supervisor-step.ts'
import { findCgroupRoot } from '../kernel/cgroup.ts'
import { monotonicMs, wallClockMs } from '../kernel/clock.ts'
import { closeFd, raiseDescriptorLimit } from '../kernel/fd.ts'
import { openPoller, type Poller } from '../kernel/poll.ts'
import { bootId } from '../kernel/procfs.ts'
import type { Directories } from '../protocol/directories.ts'
import { createCgroupPort } from './cgroup-port.ts'
import type { DescriptorStore } from './descriptor-store.ts'
import { awaitHalfSpawned, createDiscovery } from './discover.ts'
import { createEffectQueue } from './effect-queue.ts'
import { runCommand } from './exec-command.ts'
import { createInterpreter, instanceKey } from './interpreter.ts'
import type { Journal } from './journal.ts'
import { createLauncher, notifyName } from './launcher.ts'
import { createLogAttachments, logName } from './log-attachments.ts'
import { createLogPort } from './log-port.ts'
import { createProbePort } from './probe-port.ts'
import { createProcessPort } from './process-port.ts'
import { createTimerPort } from './timer-port.ts'
import { homeTag } from './home-tag.ts'

export interface RuntimeOptions {
  readonly paths: Directories
  readonly journal: Journal
  readonly store: DescriptorStore
  /** Who orphans are re-parented to: the guardian, or ourselves. */
  readonly reaper: Pid
  readonly mode: Mode
  readonly baseEnvironment: (project: string) => Readonly<Record<string, string>>
  readonly onReport: (effect: EffectOf<'report'>) => void
  readonly onProblem: (message: string) => void
}

export interface Runtime {
  readonly state: SupervisorState
  readonly poller: Poller
  /** Asks the core; carried out in turn. */
  ask(event: Ask): void
  readonly queueLength: () => number
  readonly logStats: (id: InstanceId) => { readonly bytes: number; readonly droppedBytes: number }
  readonly lastProbeFailure: (id: InstanceId) => string | null
  readonly counters: { adopted: number; strays: number }
}

type WithoutTime<T> = T extends unknown ? Omit<T, 'nowMs' | 'wallMs'> : never
/** An event for the core; its time is filled in. */
export type Ask = WithoutTime<SupervisorEvent>

/** Builds the ports, adopts what lives, and starts to work. */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { journal, store, onProblem } = options
  raiseDescriptorLimit()
  const self = toPid(process.pid)
  const poller = openPoller()
  const state = newSupervisorState(
    options.mode,
    randomBytes(4).readInt32LE(0),
    randomBytes(8).toString('hex'),
  )
  const time = () => ({ nowMs: monotonicMs(), wallMs: wallClockMs() })
  const emit = (id: InstanceId, event: InstanceEvent) => {
    queue.push({ type: 'instance', id, event, ...time() })
  }
  const keep = (name: string, fds: readonly Fd[]) => {
    try {
      store.put(name, fds)
    } catch (error) {
      if (!(error instanceof ToolkitError)) throw error
      onProblem(`${name}: ${error.message}; continuing without a safe copy of it`)
    }
  }
  const unkeep = (name: string) => store.drop(name)

  const root = findCgroupRoot()
  const cgroupRoot = 'path' in root ? `${root.path}/eudaemon-${homeTag(options.paths.state)}` : null
  const cgroups = createCgroupPort(cgroupRoot, onProblem)
  const logPort = createLogPort({
    directory: options.paths.log,
    poller,
    onDropped: (id, bytes, reason) => onProblem(`${id}: ${bytes} bytes of log lost: ${reason}`),
    onError: (message) => onProblem(message),
  })
  const logs = createLogAttachments(`${options.paths.runtime}/pipes`, logPort, keep, unkeep)
  const launcher = createLauncher({ logs, baseEnvironment: options.baseEnvironment, keep })
  const processes = createProcessPort({
    poller, launcher, cgroups, reaper: options.reaper, emit, keep, unkeep, drainLog: logs.drain,
  })
  const timers = createTimerPort((id) => emit(id, { type: 'timer-fired' }))
  const probes = createProbePort({
    poller,
    emit: ({ id, event }) => emit(id, event),
    runCommand: (request) => runCommand(request, poller, options.baseEnvironment),
    watchLog: (id, watch, onMatch) => logPort.watchLines(id, watch, onMatch),
    belongs: processes.belongs,
  })
  const perform = createInterpreter({
    journal, processes, probes, timers, logs, cgroups, emit, onProblem,
    notifyReaderOf: logs.notifyReader,
    report: options.onReport,
    onForgotten: (id) => unkeep(notifyName(id)),
  })
  const decide = (event: SupervisorEvent): readonly Effect[] => {
    const { effects } = step(state, event)
    for (const effect of effects) if (effect.type === 'store') assertInstance(effect.record)
    return effects
  }
  const queue = createEffectQueue(decide, perform, monotonicMs)
  const counters = { adopted: 0, strays: 0 }

  await awaitHalfSpawned(options.reaper, self)
  await restore()

  async function restore(): Promise<void> {
    const { projects, records } = readJournal(journal, wallClockMs(), onProblem)
    const strays = restoreState(state, projects, records)
    for (const id of strays) {
      counters.strays += 1
      onProblem(`${id}: its definition is missing from the state directory; leaving it alone`)
    }
    const kept = store.recover()
    const discovery = createDiscovery({ kept, processes, cgroupOf: cgroups.pathOf, reaper: options.reaper })
    const effects: Effect[] = []
    const events: { readonly id: InstanceId; readonly event: InstanceEvent }[] = []
    for (const instance of state.instances.values()) {
      adoptLog(instance, kept)
      const adoption = adopt(state, instance, discovery.observe(instance))
      effects.push(...adoption.effects)
      events.push(...adoption.events)
      if ('invocation' in instance.phase) counters.adopted += 1
    }
    for (const [name, fds] of kept) {
      store.drop(name)
      for (const fd of fds) closeFd(fd)
    }
    queue.pushEffects(effects)
    queue.push({ type: 'resumed', news: events, ...time() })
  }

  function adoptLog(instance: InstanceState, kept: Map<string, readonly Fd[]>): void {
    const { id } = instance
    const [project = '', rest = ''] = id.split('/')
    const record = state.projects.get(project)?.record
    const service = rest.slice(0, rest.lastIndexOf('@'))
    const definition = record?.definition.services[service] ?? record?.retired[service]
    if (definition === undefined) return
    const pipes = kept.get(logName(id)) ?? null
    kept.delete(logName(id))
    const notify = kept.get(notifyName(id))?.[0]
    kept.delete(notifyName(id))
    if (notify !== undefined) logs.setNotifyReader(id, notify)
    if (pipes !== null || 'invocation' in instance.phase) logs.adopt(id, definition.log, pipes)
  }

  return {
    state,
    poller,
    ask: (event) => queue.push({ ...event, ...time() } as SupervisorEvent),
    queueLength: () => queue.length,
    logStats: (id) => logPort.stats(id),
    lastProbeFailure: (id) => probes.lastFailure(id),
    counters,
  }
}

/** Records of another boot describe processes that are gone. */
function readJournal(
  journal: Journal,
  wallMs: number,
  onProblem: (message: string) => void,
): { readonly projects: readonly ProjectRecord[]; readonly records: readonly InstanceState[] } {
  const boot = bootId()
  const values = journal.read()
  const isSameBoot = values.get('boot') === boot
  const projects: ProjectRecord[] = []
  const records: InstanceState[] = []
  for (const [key, value] of values) {
    if (key.startsWith('project ')) projects.push(value as ProjectRecord)
    else if (key.startsWith('instance ')) {
      const record = value as InstanceState
      records.push(record)
    }
  }
  const fresh = isSameBoot ? records : restoreAfterBoot(projects, records, wallMs)
  if (!isSameBoot) {
    try {
      journal.put('boot', boot)
      for (const record of fresh) journal.put(instanceKey(record.id), record)
    } catch (error) {
      if (!(error instanceof ToolkitError)) throw error
      onProblem(error.message)
    }
  }
  return { projects, records: fresh }
}

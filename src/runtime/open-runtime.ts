// Puts the ports together around the core: everything below the supervisor that touches the kernel.
// Order of a start: lock, journal, descriptor store, ports, adoption; only then is anything begun.

import { randomBytes } from 'node:crypto'
import type { Fd, InstanceId, Pid } from '../base/brands.ts'
import { toInvocationId, toPid } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { EffectOf } from '../core/effect.ts'
import type { InstanceEvent } from '../core/instance-event.ts'
import { assertInstance } from '../core/invariants.ts'
import type { SupervisorEvent } from '../core/supervisor-event.ts'
import {
  newSupervisorState,
  rememberState,
  type SupervisorState,
} from '../core/supervisor-state.ts'
import { step } from '../core/supervisor-step.ts'
import { findCgroupRoot } from '../kernel/cgroup.ts'
import { monotonicMs, wallClockMs } from '../kernel/clock.ts'
import { raiseDescriptorLimit } from '../kernel/fd.ts'
import { openPoller, type Poller } from '../kernel/poll.ts'
import type { Directories } from '../protocol/directories.ts'
import { createCgroupPort } from './cgroup-port.ts'
import { forgetCgroupRoots, rememberCgroupRoot } from './cgroup-roots.ts'
import type { DescriptorStore } from './descriptor-store.ts'
import { awaitHalfSpawned } from './discover.ts'
import { createEffectQueue, type DecidedCallback, type Decision } from './effect-queue.ts'
import { runCommand } from './exec-command.ts'
import { holdWhileUnwritable } from './hold.ts'
import { homeTag } from './home-tag.ts'
import { createInterpreter, projectKey } from './interpreter.ts'
import type { Journal } from './journal.ts'
import type { EnvFileParser } from './launch-env-file.ts'
import { createLaunchPlanner } from './launch-plan.ts'
import { createLauncher, notifyName } from './launcher.ts'
import { createLogAttachments, type PipeInodes } from './log-attachments.ts'
import { createLogPort } from './log-port.ts'
import { createProbePort } from './probe-port.ts'
import { createProcessPort } from './process-port.ts'
import type { ProjectFiles } from './project-files.ts'
import { createRecordWriter, type RecordWriter } from './record-writer.ts'
import { restore } from './restore.ts'
import { createTimerPort } from './timer-port.ts'

export interface RuntimeOptions {
  readonly directories: Directories
  readonly journal: Journal
  readonly projects: ProjectFiles
  readonly store: DescriptorStore
  /** Who orphans are re-parented to: the guardian, or ourselves. */
  readonly reaper: Pid
  /** Why nothing may be begun; null: all is well. */
  readonly holdReason: string | null
  /** The soft limit of open files of services that ask for none. */
  readonly softOpenFiles: number
  /** The grammar of env files, which lives in a room that this one may not enter. */
  readonly parseEnvFile: EnvFileParser
  readonly baseEnvironment: (project: string) => Readonly<Record<string, string>>
  readonly onReport: (effect: EffectOf<'report'>) => void
  readonly onProblem: (message: string) => void
  readonly onProjectForgotten: (name: string) => void
}

export interface Runtime {
  readonly state: SupervisorState
  /** Why it holds; null in normal mode. */
  holdReason(): string | null
  readonly poller: Poller
  /** Asks the core; carried out in turn. */
  ask(event: Ask): void
  readonly queueLength: () => number
  /** How many events have been decided on. */
  readonly handledEvents: () => number
  readonly logStats: (id: InstanceId) => { readonly bytes: number; readonly droppedBytes: number }
  readonly lastProbeFailure: (id: InstanceId) => string | null
  readonly counters: { adopted: number; strays: number }
  /** Calls back once after the next time that all events have been handled. */
  onIdle(callback: () => void): void
  /**
   * For the very end, when no service runs: kills the orphans of services that hid their origin,
   * and names them.
   */
  sweep(): readonly string[]
  /** Lets go of everything that keeps the loop alive; services are not touched. */
  close(): Promise<void>
  /** Calls back once when every event so far has been decided on; see EffectQueue. */
  onDecided(callback: DecidedCallback): void
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
    options.holdReason === null ? 'normal' : 'hold',
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
  const writer = createRecordWriter(onProblem)

  const tag = homeTag(options.directories.state)
  const probeMark = toInvocationId(`probe-${tag}`)
  const root = findCgroupRoot()
  const cgroupRoot = 'path' in root ? `${root.path}/eudaemon-${tag}` : null
  const cgroups = createCgroupPort({
    root: cgroupRoot,
    formerRoots: rememberCgroupRoot(journal, writer, cgroupRoot),
    onProblem,
    whenIdle: (callback) => queue.onIdle(callback),
  })
  const logPort = createLogPort({
    directory: options.directories.log,
    poller,
    onDropped: (id, bytes, reason) => onProblem(`${id}: ${bytes} bytes of log lost: ${reason}`),
    onError: (id, error) => onProblem(`${id}: log: ${error.message}`),
  })
  const logs = createLogAttachments({
    port: logPort,
    keep,
    unkeep,
    record: (id, inodes) => recordPipes(journal, writer, id, inodes),
    recorded: (id) => (journal.get(pipesKey(id)) as PipeInodes | undefined) ?? null,
  })
  const { parseEnvFile, softOpenFiles } = options
  const planLaunch = createLaunchPlanner({ parseEnvFile, softOpenFiles })
  const launcher = createLauncher({
    planLaunch,
    logs,
    baseEnvironment: options.baseEnvironment,
    keep,
  })
  const processes = createProcessPort({
    poller,
    launcher,
    cgroups,
    reaper: options.reaper,
    emit,
    keep,
    unkeep,
    drainLog: logs.drain,
    pipesOf: logs.pipesOf,
  })
  const timers = createTimerPort((id) => emit(id, { type: 'timer-fired' }))
  const probes = createProbePort({
    poller,
    emit: ({ id, event }) => emit(id, event),
    runCommand: (request) => {
      const { baseEnvironment } = options
      return runCommand(request, { poller, planLaunch, baseEnvironment, mark: probeMark })
    },
    watchLog: (id, watch, onMatch) => {
      const from = watch.from ?? logPort.position(id) ?? { segment: 0, offset: 0 }
      return logPort.watchLines(id, { ...watch, from }, onMatch)
    },
    belongs: processes.belongs,
    mainProcess: (id) => processes.invocationOf(id)?.processes.get('main')?.ref ?? null,
  })
  const perform = createInterpreter({
    journal,
    projects: options.projects,
    writer,
    processes,
    probes,
    timers,
    logs,
    cgroups,
    emit,
    notifyReaderOf: logs.notifyReader,
    report: options.onReport,
    onForgotten: (id) => unkeep(notifyName(id)),
    onProjectForgotten: options.onProjectForgotten,
  })
  const decide = (event: SupervisorEvent): Decision => {
    const undo = isAboutStarting(event) ? rememberState(state) : null
    const { effects } = step(state, event)
    for (const effect of effects) if (effect.type === 'store') assertInstance(effect.record)
    const [first, ...rest] = effects
    if (undo === null || first?.type !== 'store-project') return { effects, refusal: null }
    // Everything that is started follows from the stored project: without it there is nothing.
    const { project } = first
    const key = projectKey(project.definition.name)
    const refusal = writer.attempt(key, () => options.projects.put(project))
    if (refusal === null) return { effects: rest, refusal }
    undo()
    return { effects: [], refusal }
  }
  const queue = createEffectQueue(decide, perform, monotonicMs)
  const counters = { adopted: 0, strays: 0 }

  const hold = holdWhileUnwritable({
    journal,
    writer,
    state,
    reason: options.holdReason,
    leave: () => queue.push({ type: 'want-normal', ...time() }),
  })
  await awaitHalfSpawned(options.reaper, self)
  restore({
    state,
    processes,
    logs,
    cgroups,
    store,
    journal,
    onProblem,
    projects: options.projects,
    writer,
    reaper: options.reaper,
    counters,
    probeMark,
    resume: (effects, news) => {
      queue.pushEffects(effects)
      queue.push({ type: 'resumed', news, ...time() })
    },
  })

  return {
    state,
    poller,
    holdReason: () => (state.mode === 'hold' ? hold.reason : null),
    ask: (event) => queue.push({ ...event, ...time() } as SupervisorEvent),
    queueLength: () => queue.length,
    handledEvents: () => queue.decided,
    logStats: (id) => logPort.stats(id) ?? { bytes: 0, droppedBytes: 0 },
    lastProbeFailure: (id) => probes.lastFailure(id),
    counters,
    onIdle: queue.onIdle,
    sweep: () => processes.killStrangers(),
    close: async () => {
      timers.close()
      probes.close()
      await logPort.close()
      forgetCgroupRoots(journal, writer, await cgroups.close())
      writer.close()
      poller.close()
    },
    onDecided: queue.onDecided,
  }
}

/** What is to be stopped is stopped, whatever the disk says. */
function isAboutStarting({ type }: SupervisorEvent): boolean {
  return type === 'want-project' || type === 'want-scale'
}

function pipesKey(id: InstanceId): string {
  return `pipes ${id}`
}

/** Without it only what a double death of supervisor and guardian leaves could not be found. */
function recordPipes(
  journal: Journal,
  writer: RecordWriter,
  id: InstanceId,
  inodes: PipeInodes | null,
): void {
  const key = pipesKey(id)
  writer.write(key, () => {
    if (inodes === null) journal.remove(key)
    else journal.put(key, inodes)
  })
}

// Recovery, which is the only way to start: records and definitions from the disk, descriptors from
// the store, processes as they are. What the records have lost to damage is put together from the
// descriptors that were kept; what cannot be is told and left alone.

import type { Fd, InstanceId, InvocationId, Pid } from '../base/brands.ts'
import { toInvocationId } from '../base/brands.ts'
import { adopt, restoreAfterBoot, restoreState } from '../core/adoption.ts'
import type { Effect, ProjectRecord } from '../core/effect.ts'
import type { InstanceNews } from '../core/instance-event.ts'
import { type InstanceState, invocationOf, newInstance } from '../core/instance-state.ts'
import type { SupervisorState } from '../core/supervisor-state.ts'
import { monotonicMs, wallClockMs } from '../kernel/clock.ts'
import { closeFd } from '../kernel/fd.ts'
import { hasEnded, pidOfPidfd } from '../kernel/pidfd.ts'
import { bootId, startTime } from '../kernel/procfs.ts'
import { parseInstanceId } from '../model/service-name.ts'
import type { CgroupPort } from './cgroup-port.ts'
import type { DescriptorStore } from './descriptor-store.ts'
import { createDiscovery } from './discover.ts'
import { instanceKey } from './interpreter.ts'
import type { Journal } from './journal.ts'
import { notifyName } from './launcher.ts'
import { killLeftoverProbes } from './leftover-probes.ts'
import { type LogAttachments, logName } from './log-attachments.ts'
import type { ProcessPort } from './process-port.ts'
import type { ProjectFiles } from './project-files.ts'
import type { RecordWriter } from './record-writer.ts'
import { findUprooted } from './uprooted.ts'

export interface RestoreDeps {
  readonly state: SupervisorState
  readonly journal: Journal
  readonly projects: ProjectFiles
  readonly writer: RecordWriter
  readonly store: DescriptorStore
  readonly processes: ProcessPort
  readonly logs: LogAttachments
  readonly cgroups: CgroupPort
  readonly reaper: Pid
  /** What the commands of probes carry as their invocation id. */
  readonly probeMark: InvocationId
  readonly counters: { adopted: number; strays: number }
  readonly onProblem: (message: string) => void
  /** Takes what is to be done and what happened meanwhile. */
  readonly resume: (effects: readonly Effect[], news: readonly InstanceNews[]) => void
}

type Kept = Map<string, readonly Fd[]>

/** Fills the state and hands over what follows from it. Starts and stops nothing itself. */
export function restore(deps: RestoreDeps): void {
  const { state, processes, store } = deps
  const projects = deps.projects.read()
  const strays = restoreState(state, projects, readRecords(deps, projects))
  for (const id of strays) tellStray(deps, id)
  const kept = store.recover()
  salvage(deps, kept)
  const discovery = createDiscovery({
    kept,
    processes,
    cgroupOf: deps.cgroups.groupOf,
    reaper: deps.reaper,
    uprooted: findUprooted(deps.journal, deps.reaper, state.instances.values(), deps.writer),
  })
  const effects: Effect[] = []
  const news: InstanceNews[] = []
  processes.withOneScan((scan) => {
    killLeftoverProbes(deps.probeMark, scan)
    for (const instance of state.instances.values()) {
      const observed = discovery.observe(instance)
      adoptLog(deps, instance, kept)
      const adoption = adopt(state, instance, observed)
      effects.push(...adoption.effects)
      news.push(...adoption.events)
      if ('invocation' in instance.phase) deps.counters.adopted += 1
    }
  })
  for (const [name, fds] of kept) {
    store.drop(name)
    for (const fd of fds) closeFd(fd)
  }
  deps.resume(effects, news)
}

function tellStray({ counters, onProblem }: RestoreDeps, id: InstanceId): void {
  counters.strays += 1
  onProblem(`${id}: its definition is missing from the state directory; leaving it alone`)
}

/** Records of another boot describe processes that are gone. */
function readRecords(
  { journal, writer }: RestoreDeps,
  projects: readonly ProjectRecord[],
): readonly InstanceState[] {
  const boot = bootId()
  const values = journal.read()
  const records: InstanceState[] = []
  for (const [key, value] of values) {
    if (key.startsWith('instance ')) records.push(value as InstanceState)
  }
  const recorded = values.get('boot')
  if (recorded === boot) return records
  // A boot that was never recorded, or was lost to damage: every process is checked in any case.
  const isOtherBoot = recorded !== undefined
  const now = isOtherBoot ? restoreAfterBoot(projects, records, wallClockMs()) : records
  if (isOtherBoot) {
    for (const record of now) {
      const key = instanceKey(record.id)
      writer.write(key, () => journal.put(key, record))
    }
  }
  // Last: a death before it does the same once more.
  writer.write('boot', () => journal.put('boot', boot))
  return now
}

/** A kept main process that lives, and that its record does not know: the record was lost. */
function salvage(deps: RestoreDeps, kept: Kept): void {
  const { state, onProblem } = deps
  for (const [name, [pidfd]] of kept) {
    const match = /^process (\S+) main ([0-9a-f]{32})$/.exec(name)
    const [, id, invocation] = match ?? []
    if (pidfd === undefined || id === undefined || invocation === undefined) continue
    const instanceId = id as InstanceId
    const known = state.instances.get(instanceId)
    if (known !== undefined && invocationOf(known) === invocation) continue
    const pid = hasEnded(pidfd) ? null : pidOfPidfd(pidfd)
    const start = pid === null ? null : startTime(pid)
    if (pid === null || start === null || hasEnded(pidfd)) continue
    if (!hasDefinition(state, instanceId)) {
      // Held, so that no second one is started beside it when its project comes back.
      deps.processes.setStray(instanceId, pidfd)
      kept.delete(name)
      tellStray(deps, instanceId)
      continue
    }
    const nowMs = monotonicMs()
    const running = { pid, startTime: start }
    state.instances.set(instanceId, {
      ...(known ?? newInstance(instanceId, wallClockMs())),
      desired: 'up',
      deadlineMs: null,
      phase: {
        name: 'up',
        main: running,
        invocation: toInvocationId(invocation),
        startedMs: nowMs,
        readyMs: nowMs,
      },
      reason: 'its record was lost; adopted by its process',
    })
    onProblem(`${id}: its record was lost; adopted by its process ${pid}`)
  }
}

function hasDefinition(state: SupervisorState, id: InstanceId): boolean {
  return definitionIn(state, id) !== undefined
}

function definitionIn(state: SupervisorState, id: InstanceId) {
  const name = parseInstanceId(id)
  const record = name && state.projects.get(name.project)?.record
  if (!name || !record) return undefined
  const { services } = record.definition
  return Object.hasOwn(services, name.service)
    ? services[name.service]
    : record.retired[name.service]
}

function adoptLog({ state, logs, processes }: RestoreDeps, instance: InstanceState, kept: Kept) {
  const { id } = instance
  const definition = definitionIn(state, id)
  if (definition === undefined) return
  const pipes = kept.get(logName(id)) ?? null
  kept.delete(logName(id))
  const notify = kept.get(notifyName(id))?.[0]
  kept.delete(notifyName(id))
  if (notify !== undefined) logs.setNotifyReader(id, notify)
  if (pipes === null && !('invocation' in instance.phase)) return
  logs.adopt(id, definition.log, pipes, pipes === null ? processes.membersOf(id) : [])
}

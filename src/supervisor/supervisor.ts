// What the control API acts on: requests become events for the core, the state becomes answers.
// Nothing is decided here and nothing waits: every call returns at once.

import type { InstanceId } from '../base/brands.ts'
import { MAX_INSTANCES_PER_SERVICE, MAX_PROJECTS, MAX_QUEUED_REQUESTS } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { isActive, mainProcessOf } from '../core/instance-state.ts'
import { snapshotOf, toExitWord } from '../core/snapshot.ts'
import { instanceCount } from '../core/supervisor-state.ts'
import { diffProjects } from '../model/catalog-diff.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import { parseInstanceId, printInstanceId } from '../model/service-name.ts'
import type { Directories } from '../protocol/directories.ts'
import type { ApplyRequest, ScaleRequest, SignalRequest, WantRequest } from '../protocol/request.ts'
import type {
  ApplyAnswer,
  FeatureAnswer,
  StatusRow,
  SupervisorInfo,
  WantAnswer,
  WhyAnswer,
} from '../protocol/response.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import type { BaseEnvironments } from '../runtime/base-environment.ts'
import type { EventHistory } from '../runtime/event-history.ts'
import type { Runtime } from '../runtime/open-runtime.ts'
import type { ControlTarget } from './control-target.ts'
import { blockersOf, nextOf } from './explain.ts'
import { assertReloadable, selectInstances } from './select-instances.ts'

const SIGKILL = 9

export interface SupervisorDeps {
  readonly runtime: Runtime
  readonly history: EventHistory
  readonly environments: BaseEnvironments
  readonly directories: Directories
  readonly version: string
  readonly guardian: number | null
  readonly startedAt: string
  readonly problems: () => readonly string[]
  readonly features: () => readonly FeatureAnswer[]
  readonly now: () => number
  readonly checkPeer: (socketFd: number) => boolean
  readonly end: () => void
}

export function createSupervisor(deps: SupervisorDeps): ControlTarget {
  const { runtime, history, directories } = deps
  const { state } = runtime

  function rowOf(id: InstanceId): StatusRow {
    const instance = state.instances.get(id)
    if (instance === undefined) throw new ToolkitError('ERR_NO_SERVICE', `there is no '${id}'`)
    const { project, service, desired, ready, pid, restarts, exit, reason, ...more } =
      snapshotOf(instance)
    // In the order that people read and that is documented: JSON keeps it.
    return {
      project,
      service,
      instance: more.instance,
      desired,
      phase: more.phase as StatusRow['phase'],
      ready,
      pid,
      since: new Date(more.sinceWallMs).toISOString(),
      restarts,
      exit,
      reason,
      drift: false,
    }
  }

  function describe(): SupervisorInfo {
    const { counters } = runtime
    return {
      pid: process.pid,
      guardian: deps.guardian,
      version: deps.version,
      protocol: PROTOCOL_VERSION,
      mode: state.mode,
      holdReason: runtime.holdReason(),
      startedAt: deps.startedAt,
      home: directories.home,
      projects: [...state.projects.values()].map(({ record }) => ({
        name: record.definition.name,
        file: record.definition.file,
      })),
      counters: { ...counters, instances: state.instances.size, queued: runtime.queueLength() },
      problems: deps.problems(),
      features: deps.features(),
    }
  }

  function assertRoom(): void {
    if (runtime.queueLength() < MAX_QUEUED_REQUESTS) return
    const hint = { hint: 'Try again when it has caught up.' }
    throw new ToolkitError('ERR_TOO_MANY_REQUESTS', 'too many requests are waiting', hint)
  }

  function want(request: WantRequest): WantAnswer {
    assertRoom()
    const { project, services, force } = request
    const ids = selectInstances(state, project, services, force)
    if (request.verb === 'reload') assertReloadable(state, ids)
    const { sequence } = history
    if (state.mode === 'hold') runtime.ask({ type: 'want-normal' })
    runtime.ask({ type: 'want', verb: request.verb, ids })
    if (request.force) runtime.ask({ type: 'want-signal', signal: SIGKILL, scope: 'all', ids })
    return { instances: ids, sequence }
  }

  function apply(request: ApplyRequest): ApplyAnswer {
    assertRoom()
    const { definition, services } = request
    const before = state.projects.get(definition.name)?.record ?? null
    if (before === null && state.projects.size >= MAX_PROJECTS) {
      throw new ToolkitError('ERR_TOO_MANY_REQUESTS', `more than ${MAX_PROJECTS} projects`)
    }
    for (const service of services ?? []) {
      if (definition.services[service] !== undefined) continue
      throw new ToolkitError('ERR_NO_SERVICE', `there is no service '${service}' in the definition`)
    }
    const takeBack = deps.environments.set(definition.name, request.environment)
    const { sequence } = history
    if (state.mode === 'hold') runtime.ask({ type: 'want-normal' })
    runtime.ask({ type: 'want-project', definition, services })
    runtime.onDecided((refusal) => {
      if (refusal !== null) takeBack()
    })
    const changes = diffProjects(before?.definition ?? null, definition)
      .filter(({ kind }) => kind !== 'unchanged')
      .map(({ service, kind, settings }) => ({
        service,
        change: kind === 'restart-needed' ? ('restart' as const) : (kind as 'added'),
        settings,
      }))
    return { changes, instances: idsOf(definition, services), sequence }
  }

  /** Those that will be started: asked for, or started at boot, and what they need. */
  function idsOf(
    definition: ProjectDefinition,
    services: readonly string[] | null,
  ): readonly InstanceId[] {
    const all = Object.values(definition.services)
    const wanted = new Set(
      services ?? all.filter((service) => service.isStartedAtBoot).map(({ name }) => name),
    )
    for (const name of wanted) {
      const service = definition.services[name]
      for (const other of [...(service?.requires ?? []), ...(service?.wants ?? [])])
        wanted.add(other)
    }
    const scale = state.projects.get(definition.name)?.record.scale ?? {}
    const record = { definition, scale, retired: {}, changes: {}, isRemoved: false }
    return [...wanted].flatMap((service) =>
      Array.from({ length: instanceCount(record, service) }, (_, index) =>
        printInstanceId({ project: definition.name, service, index: index + 1 }),
      ),
    )
  }

  function removeProject(project: string): WantAnswer {
    const ids = selectInstances(state, project, [])
    const { sequence } = history
    if (state.mode === 'hold') runtime.ask({ type: 'want-normal' })
    runtime.ask({ type: 'want-removal', project })
    return { instances: ids, sequence }
  }

  function signal({ signal: number, project, services }: SignalRequest): WantAnswer {
    const ids = selectInstances(state, project, services)
    const { sequence } = history
    runtime.ask({ type: 'want-signal', signal: number, scope: 'main', ids })
    return { instances: ids, sequence }
  }

  function scale({ project, service, count }: ScaleRequest): WantAnswer {
    selectInstances(state, project, [])
    const record = state.projects.get(project)?.record
    if (record?.definition.services[service] === undefined) {
      throw new ToolkitError('ERR_NO_SERVICE', `there is no service '${service}' in '${project}'`)
    }
    if (count > MAX_INSTANCES_PER_SERVICE) {
      const limit = `${MAX_INSTANCES_PER_SERVICE} instances of a service at most`
      throw new ToolkitError('ERR_BAD_REQUEST', limit)
    }
    const { sequence } = history
    runtime.ask({ type: 'want-scale', project, service, count })
    const ids = Array.from({ length: count }, (_, index) =>
      printInstanceId({ project, service, index: index + 1 }),
    )
    return { instances: ids, sequence }
  }

  function why(id: InstanceId): WhyAnswer {
    const status = rowOf(id)
    const instance = state.instances.get(id)
    const { droppedBytes } = runtime.logStats(id)
    const lastExit = instance?.lastExit ?? null
    const probe = runtime.lastProbeFailure(id)
    const isStarting = status.phase === 'starting' && probe !== null
    return {
      status: isStarting ? { ...status, reason: `last probe: ${probe}` } : status,
      transitions: history.of(id),
      blockedBy: blockersOf(state, id).map((other) => ({
        instance: other.id,
        phase: other.phase.name,
        reason: other.reason,
      })),
      lastExit: lastExit && {
        exit: toExitWord(lastExit.status),
        at: new Date(lastExit.atWallMs).toISOString(),
      },
      log: { droppedBytes },
      next: instance === undefined ? null : nextOf(state, instance, deps.now()),
    }
  }

  function shutdown(): void {
    const running = [...state.instances.values()].filter(isActive)
    if (running.length > 0) {
      const hint = { hint: 'Stop them first with `eudaemon down`.' }
      throw new ToolkitError('ERR_STILL_RUNNING', `${running.length} services still run`, hint)
    }
    deps.end()
  }

  return {
    version: deps.version,
    describe,
    holdReason: runtime.holdReason,
    status: (isWanted = () => true) => [...state.instances.keys()].filter(isWanted).map(rowOf),
    project: (name) => state.projects.get(name)?.record.definition ?? null,
    applyProject: apply,
    removeProject,
    want,
    signal,
    scale,
    why: (id) => why(id as InstanceId),
    eventsSince: history.since,
    onEvent: history.listen,
    sequence: () => history.sequence,
    onDecided: runtime.onDecided,
    logDirectory: directories.log,
    checkPeer: deps.checkPeer,
    shutdown,
  }
}

/** The main process of an instance, for the event rows. */
export function pidOf(runtime: Runtime, id: InstanceId): number | null {
  const instance = runtime.state.instances.get(id)
  return parseInstanceId(id) && instance ? mainProcessOf(instance)?.pid || null : null
}

// Carries effects out, each through its port. A failed effect is another event, never an exception.
// The table at the end is the whole of it.

import type { InstanceId } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { Effect, EffectOf, EffectType } from '../core/effect.ts'
import type { InstanceEvent } from '../core/instance-event.ts'
import type { CgroupPort } from './cgroup-port.ts'
import type { Journal } from './journal.ts'
import type { LogAttachments } from './log-attachments.ts'
import type { ProbePort } from './probe-port.ts'
import type { ProcessPort } from './process-port.ts'
import type { ProjectFiles } from './project-files.ts'
import type { TimerPort } from './timer-port.ts'

export interface InterpreterDeps {
  readonly journal: Journal
  readonly projects: ProjectFiles
  readonly processes: ProcessPort
  readonly probes: ProbePort
  readonly timers: TimerPort
  readonly logs: LogAttachments
  readonly cgroups: CgroupPort
  /** Takes a notify descriptor that the launcher made for an invocation. */
  readonly notifyReaderOf: (id: InstanceId) => ReturnType<LogAttachments['notifyReader']>
  readonly emit: (id: InstanceId, event: InstanceEvent) => void
  readonly report: (effect: EffectOf<'report'>) => void
  readonly onProblem: (message: string) => void
  readonly onForgotten: (id: InstanceId) => void
  readonly onProjectForgotten: (name: string) => void
}

type Table = { readonly [Type in EffectType]: (effect: EffectOf<Type>) => void }

export function instanceKey(id: InstanceId): string {
  return `instance ${id}`
}

/** One function that carries out any effect. */
export function createInterpreter(deps: InterpreterDeps): (effect: Effect) => void {
  const { journal, processes, probes, timers, logs, cgroups } = deps
  /** Instances whose last record could not be written: nothing is begun for them. */
  const unstored = new Map<InstanceId, string>()

  /** Runs a write; what the disk says against it is told and returned. */
  const write = (what: string, action: () => void): string | null => {
    try {
      action()
      return null
    } catch (error) {
      if (!(error instanceof ToolkitError)) throw error
      deps.onProblem(`${what}: ${error.message}; continuing with what is running`)
      return error.message
    }
  }
  const store = (id: InstanceId, record: unknown): void => {
    const refusal = write(id, () => journal.put(instanceKey(id), record))
    if (refusal === null) unstored.delete(id)
    else unstored.set(id, refusal)
  }

  const table: Table = {
    store: ({ record }) => store(record.id, record),
    forget: ({ id }) => {
      write(id, () => journal.remove(instanceKey(id)))
      unstored.delete(id)
      timers.cancel(id)
      probes.forget(id)
      logs.detach(id)
      cgroups.remove(id)
      deps.onForgotten(id)
    },
    'store-project': ({ project }) => {
      write(project.definition.name, () => deps.projects.put(project))
    },
    'forget-project': ({ name }) => {
      write(name, () => deps.projects.remove(name))
      deps.onProjectForgotten(name)
    },
    spawn: (effect) => {
      const { id, role, invocation } = effect
      const reason = unstored.get(id)
      if (reason === undefined) processes.spawn(effect)
      else deps.emit(id, { type: 'spawn-failed', role, invocation, reason: `record: ${reason}` })
    },
    signal: (effect) => processes.signal(effect),
    'watch-empty': ({ id, invocation }) => processes.watchEmpty(id, invocation),
    'watch-ready': (effect) => probes.watchReady(effect, deps.notifyReaderOf(effect.id)),
    'watch-live': (effect) => probes.watchLive(effect),
    unwatch: ({ id }) => probes.unwatch(id),
    'arm-timer': ({ id, atMs }) => timers.arm(id, atMs),
    'cancel-timer': ({ id }) => timers.cancel(id),
    release: ({ id, invocation }) => processes.release(id, invocation),
    'update-log': ({ id, definition }) => logs.update(id, definition.log),
    report: deps.report,
  }
  return (effect) => (table[effect.type] as (effect: Effect) => void)(effect)
}

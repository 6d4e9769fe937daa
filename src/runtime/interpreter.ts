// Carries effects out, each through its port. A failed effect is another event, never an exception.
// The table at the end is the whole of it.

import type { InstanceId } from '../base/brands.ts'
import type { Effect, EffectOf, EffectType } from '../core/effect.ts'
import type { InstanceEvent } from '../core/instance-event.ts'
import type { CgroupPort } from './cgroup-port.ts'
import type { Journal } from './journal.ts'
import type { LogAttachments } from './log-attachments.ts'
import type { ProbePort } from './probe-port.ts'
import type { ProcessPort } from './process-port.ts'
import type { ProjectFiles } from './project-files.ts'
import type { RecordWriter } from './record-writer.ts'
import type { TimerPort } from './timer-port.ts'

export interface InterpreterDeps {
  readonly journal: Journal
  readonly projects: ProjectFiles
  readonly writer: RecordWriter
  readonly processes: ProcessPort
  readonly probes: ProbePort
  readonly timers: TimerPort
  readonly logs: LogAttachments
  readonly cgroups: CgroupPort
  /** Takes a notify descriptor that the launcher made for an invocation. */
  readonly notifyReaderOf: (id: InstanceId) => ReturnType<LogAttachments['notifyReader']>
  readonly emit: (id: InstanceId, event: InstanceEvent) => void
  readonly report: (effect: EffectOf<'report'>) => void
  readonly onForgotten: (id: InstanceId) => void
  readonly onProjectForgotten: (name: string) => void
}

type Table = { readonly [Type in EffectType]: (effect: EffectOf<Type>) => void }

export function instanceKey(id: InstanceId): string {
  return `instance ${id}`
}

export function projectKey(name: string): string {
  return `project ${name}`
}

/** One function that carries out any effect. */
export function createInterpreter(deps: InterpreterDeps): (effect: Effect) => void {
  const { journal, projects, writer, processes, probes, timers, logs, cgroups } = deps

  const table: Table = {
    store: ({ record }) => {
      const key = instanceKey(record.id)
      writer.write(key, () => journal.put(key, record))
    },
    forget: ({ id }) => {
      const key = instanceKey(id)
      writer.write(key, () => journal.remove(key))
      timers.cancel(id)
      probes.forget(id)
      logs.detach(id)
      cgroups.remove(id)
      deps.onForgotten(id)
    },
    'store-project': ({ project }) => {
      writer.write(projectKey(project.definition.name), () => projects.put(project))
    },
    'forget-project': ({ name }) => {
      writer.write(projectKey(name), () => projects.remove(name))
      deps.onProjectForgotten(name)
    },
    spawn: (effect) => {
      const { id, role, invocation } = effect
      // Nothing is begun of which no record would tell the next supervisor.
      const refusal = writer.refusalOf(instanceKey(id))
      if (refusal === null) return processes.spawn(effect)
      const reason = `record: ${refusal.message}`
      deps.emit(id, { type: 'spawn-failed', role, invocation, reason })
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

// Why an instance is in its state: what it waits for, and what comes next. Text for people, from
// the same links that propagation.ts decides by.

import type { InstanceId } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { type InstanceState, isReady } from '../core/instance-state.ts'
import { instancesOf, type SupervisorState } from '../core/supervisor-state.ts'
import { parseInstanceId } from '../model/service-name.ts'

/** What it requires and is not up, and what those wait for in turn; nearest first. */
export function blockersOf(state: SupervisorState, id: InstanceId): readonly InstanceState[] {
  const found = new Map<InstanceId, InstanceState>()
  const queue: InstanceId[] = [id]
  for (const next of queue) {
    const name = parseInstanceId(next)
    const links = name && state.projects.get(name.project)?.links.get(name.service)
    if (!name || !links) continue
    for (const service of links.requires) {
      for (const other of instancesOf(state, name.project, service)) {
        if (isReady(other) || found.has(other.id)) continue
        found.set(other.id, other)
        queue.push(other.id)
      }
    }
  }
  return [...found.values()]
}

/** What happens next without anybody doing anything; null when nothing does. */
export function nextOf(
  state: SupervisorState,
  instance: InstanceState,
  nowMs: number,
): string | null {
  const { phase, deadlineMs } = instance
  const left = deadlineMs === null ? null : printDuration(Math.max(0, deadlineMs - nowMs))
  switch (phase.name) {
    case 'waiting': {
      const [first] = blockersOf(state, instance.id)
      return first === undefined ? null : `starts as soon as '${first.id.split('/')[1]}' is up`
    }
    case 'setup':
      return `starts when its setup is done (limit: ${left})`
    case 'starting':
      return left === null ? 'is up when it says so' : `fails unless it is ready within ${left}`
    case 'stopping':
      if (left === null) return 'is down when it has ended'
      return phase.isInGrace ? `the stop signal in ${left}` : `SIGKILL in ${left}`
    case 'killing':
      return `SIGKILL again in ${left}`
    case 'backoff':
      return `restart in ${left}`
    case 'failed':
      return 'nothing: it stays like this until it is started or its definition changes'
    default:
      return null
  }
}

// A supervisor without processes, for tests of the control server and its clients: rows and events
// are set by the test, requests are remembered.

import { toInstanceId } from '../../src/base/brands.ts'
import { ToolkitError } from '../../src/base/toolkit-error.ts'
import type { ProjectDefinition } from '../../src/model/service-definition.ts'
import {
  type EventRow,
  instanceIdOf,
  type PhaseName,
  type StatusRow,
} from '../../src/protocol/response.ts'
import type { ControlTarget } from '../../src/supervisor/control-target.ts'

export interface FakeTarget extends ControlTarget {
  readonly rows: Map<string, StatusRow>
  /** Name and argument of each request. */
  readonly requests: (readonly [string, unknown])[]
  readonly definitions: Map<string, ProjectDefinition>
  /** Moves an instance into a phase and tells everybody. */
  enter(id: string, to: PhaseName, reason?: string): void
  /** Done when a request comes in, before it is answered. */
  onRequest: (name: string) => void
  listenerCount(): number
  isPeerWelcome: boolean
}

export function row(id: string, phase: PhaseName, more: Partial<StatusRow> = {}): StatusRow {
  const [project = '', instance = ''] = id.split('/')
  return {
    project,
    service: instance.replace(/@.*/, ''),
    instance,
    desired: phase === 'down' ? 'down' : 'up',
    phase,
    ready: phase === 'up' || phase === 'reloading',
    pid: phase === 'up' ? 4711 : null,
    since: '2026-11-21T05:00:00.000Z',
    restarts: 0,
    exit: null,
    reason: null,
    drift: false,
    ...more,
  }
}

export function createFakeTarget(initial: readonly StatusRow[] = [], first = 100): FakeTarget {
  const rows = new Map(initial.map((one) => [instanceIdOf(one), one]))
  const events: EventRow[] = []
  const listeners = new Set<(event: EventRow) => void>()
  let sequence = first

  const answer = (name: string, request: unknown) => {
    target.requests.push([name, request])
    const before = sequence
    target.onRequest(name)
    return { instances: [...rows.keys()], sequence: before }
  }

  const target: FakeTarget = {
    version: '0.0.0-test',
    rows,
    requests: [],
    definitions: new Map(),
    isPeerWelcome: true,
    onRequest: () => {},
    listenerCount: () => listeners.size,
    enter: (id, to, reason) => {
      const from = rows.get(id)?.phase ?? 'down'
      sequence += 1
      const time = new Date(Date.UTC(2026, 10, 21) + sequence).toISOString()
      const next = row(id, to, { reason: reason ?? null, since: time })
      rows.set(id, next)
      const { project, service, instance, pid } = next
      const event = { sequence, time, project, service, instance, from, to, pid }
      events.push({ ...event, reason: reason ?? null })
      for (const listener of listeners) listener({ ...event, reason: reason ?? null })
    },
    describe: () => ({
      pid: 1,
      guardian: null,
      version: target.version,
      protocol: 1,
      mode: 'normal',
      holdReason: null,
      startedAt: '2026-11-21T05:00:00.000Z',
      home: '/tmp/none',
      projects: [],
      counters: {},
      problems: [],
      features: [],
    }),
    holdReason: () => null,
    status: (isWanted = () => true) =>
      [...rows].filter(([id]) => isWanted(toInstanceId(id))).map(([, row]) => row),
    project: (name) => target.definitions.get(name) ?? null,
    applyProject: (request) => ({ ...answer('apply', request), changes: [] }),
    removeProject: (name) => answer('remove', name),
    want: (request) => {
      const unknown = request.services.find((service) => service === 'nosuch')
      if (unknown === undefined) return answer('want', request)
      throw new ToolkitError('ERR_NO_SERVICE', 'there is no such service', { hint: 'Try web.' })
    },
    signal: (request) => answer('signal', request),
    scale: (request) => answer('scale', request),
    why: (id) => {
      const status = rows.get(id)
      if (status === undefined) throw new ToolkitError('ERR_NO_SERVICE', `no '${id}'`)
      return {
        status,
        transitions: events,
        blockedBy: [],
        lastExit: null,
        log: { droppedBytes: 0 },
        next: null,
      }
    },
    eventsSince: (since) => events.filter((event) => event.sequence > since),
    onEvent: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    sequence: () => sequence,
    onDecided: (callback) => void setImmediate(callback, null),
    logDirectory: '/tmp/none',
    checkPeer: () => target.isPeerWelcome,
    shutdown: () => {
      if (rows.size > 0) throw new ToolkitError('ERR_STILL_RUNNING', 'services still run')
    },
  }
  return target
}

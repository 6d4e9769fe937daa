// The transitions that `events` and `why` show: numbered, bounded in total and per instance, with
// listeners. They live in memory; what must survive is in the journal.

import type { InstanceId } from '../base/brands.ts'
import { MAX_EVENT_HISTORY, MAX_TRANSITIONS_PER_INSTANCE } from '../base/limits.ts'
import type { EffectOf } from '../core/effect.ts'
import { parseInstanceId } from '../model/service-name.ts'
import type { EventRow } from '../protocol/response.ts'

export interface EventHistory {
  add(effect: EffectOf<'report'>, wallMs: number, pid: number | null): void
  since(sequence: number): readonly EventRow[]
  of(id: InstanceId): readonly EventRow[]
  forget(id: InstanceId): void
  /** Called for each row from now on; returns how to stop it. */
  listen(listener: (row: EventRow) => void): () => void
  readonly sequence: number
}

/** `startMs` is wall time: numbers then never go back when a new supervisor counts on. */
export function createEventHistory(startMs: number): EventHistory {
  let rows: EventRow[] = []
  let sequence = Math.floor(startMs) * 1_000
  const byInstance = new Map<InstanceId, EventRow[]>()
  const listeners = new Set<(row: EventRow) => void>()

  function add(effect: EffectOf<'report'>, wallMs: number, pid: number | null): void {
    const { id, from, to, reason } = effect
    const name = parseInstanceId(id)
    sequence += 1
    const row: EventRow = {
      sequence,
      time: new Date(wallMs).toISOString(),
      project: name?.project ?? '',
      service: name?.service ?? '',
      instance: `${name?.service}@${name?.index}`,
      from,
      to,
      reason,
      pid,
    }
    rows.push(row)
    // Cut in halves: shifting a long list for each event would cost more than the event.
    if (rows.length > 2 * MAX_EVENT_HISTORY) rows = rows.slice(-MAX_EVENT_HISTORY)
    const own = byInstance.get(id) ?? []
    own.push(row)
    if (own.length > MAX_TRANSITIONS_PER_INSTANCE) own.shift()
    byInstance.set(id, own)
    for (const listener of listeners) listener(row)
  }

  return {
    add,
    since: (after) => rows.filter((row) => row.sequence > after),
    of: (id) => byInstance.get(id) ?? [],
    forget: (id) => void byInstance.delete(id),
    listen: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    get sequence() {
      return sequence
    },
  }
}

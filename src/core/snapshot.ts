// The state as the control API shows it. Times for people; no decision is made from these.

import type { ExitStatus } from '../base/exit-status.ts'
import { signalName } from '../base/signal.ts'
import { parseInstanceId } from '../model/service-name.ts'
import { type InstanceState, isReady, mainProcessOf } from './instance-state.ts'

export interface InstanceSnapshot {
  readonly project: string
  readonly service: string
  /** `web@1` */
  readonly instance: string
  readonly desired: 'up' | 'down'
  readonly phase: string
  readonly ready: boolean
  readonly pid: number | null
  readonly sinceWallMs: number
  readonly restarts: number
  readonly exit: ExitWord | null
  readonly reason: string | null
}

export type ExitWord =
  | { readonly code: number }
  | { readonly signal: string }
  | { readonly unknown: true }

export function snapshotOf(instance: InstanceState): InstanceSnapshot {
  const name = parseInstanceId(instance.id)
  const { desired, phase, restarts, reason, lastExit } = instance
  return {
    project: name?.project ?? '',
    service: name?.service ?? '',
    instance: `${name?.service}@${name?.index}`,
    desired,
    phase: phase.name,
    ready: isReady(instance),
    pid: mainProcessOf(instance)?.pid || null,
    sinceWallMs: instance.sinceWallMs,
    restarts,
    exit: lastExit === null ? null : toExitWord(lastExit.status),
    reason,
  }
}

export function toExitWord(status: ExitStatus): ExitWord {
  if (status.kind === 'exited') return { code: status.code }
  if (status.kind === 'signaled') return { signal: signalName(status.signal) }
  return { unknown: true }
}

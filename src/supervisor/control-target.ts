// What the control server needs of the supervisor: plain data in, plain data out. Every call is
// synchronous and only leaves an event for the core; refusals are ToolkitErrors with the codes that
// protocol/response.ts maps to HTTP statuses.

import type { InstanceId } from '../base/brands.ts'
import type { ToolkitError } from '../base/toolkit-error.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import type { ApplyRequest, ScaleRequest, SignalRequest, WantRequest } from '../protocol/request.ts'
import type {
  ApplyAnswer,
  EventRow,
  StatusRow,
  SupervisorInfo,
  WantAnswer,
  WhyAnswer,
} from '../protocol/response.ts'

export interface ControlTarget {
  /** Of this program; every answer carries it. */
  readonly version: string
  describe(): SupervisorInfo
  /** Why the supervisor holds; null in normal mode. */
  holdReason(): string | null
  /** Of all instances, or of those that are wanted; nothing is made for the others. */
  status(isWanted?: (id: InstanceId) => boolean): readonly StatusRow[]
  /** The definition that runs, with its secrets; null when there is no such project. */
  project(name: string): ProjectDefinition | null
  applyProject(request: ApplyRequest): ApplyAnswer
  removeProject(name: string): WantAnswer
  want(request: WantRequest): WantAnswer
  signal(request: SignalRequest): WantAnswer
  scale(request: ScaleRequest): WantAnswer
  /** `shop/web@1` */
  why(instanceId: string): WhyAnswer
  /** Those of the history that are newer, oldest first. */
  eventsSince(sequence: number): readonly EventRow[]
  /** Called for each event from now on; returns how to stop it. */
  onEvent(listener: (row: EventRow) => void): () => void
  /** The number of the last event. */
  sequence(): number
  /**
   * Calls back once when every request made so far has been decided on: `status` then shows what
   * came of it. A request is only answered after that, so that nobody sees a status from before.
   * With the reason when the last of them was refused, null otherwise.
   */
  onDecided(callback: (refusal: ToolkitError | null) => void): void
  readonly logDirectory: string
  /** True when the process at the other end may use the API. */
  checkPeer(socketFd: number): boolean
  /** Throws ERR_STILL_RUNNING while anything runs. */
  shutdown(): void
}

// What a checker is told. Each file of this folder is one rule; a violated rule is a thrown
// Violation, and the run's seed is all that is needed to see it again.

import type { Effect, EffectOf } from '../../../src/core/effect.ts'
import type { SupervisorEvent } from '../../../src/core/supervisor-event.ts'
import type { SupervisorState } from '../../../src/core/supervisor-state.ts'
import type { ProjectDefinition } from '../../../src/model/service-definition.ts'
import type { World } from '../world.ts'

class Violation extends Error {
  override readonly name = 'Violation'
}

export function violated(rule: string, detail: string): never {
  throw new Violation(`${rule}: ${detail}`)
}

/** What is true at the moment, on both sides. */
export interface Scene {
  readonly world: World
  /** Null while no supervisor lives. */
  readonly state: SupervisorState | null
  /** What the operator's last definition says, whatever the core made of it. */
  readonly definition: ProjectDefinition
  /** False while the supervisor has not stored that definition yet. */
  readonly isApplied: boolean
}

export interface Checker {
  /** An event was decided. */
  readonly onStep?: (scene: Scene, event: SupervisorEvent, effects: readonly Effect[]) => void
  /** An effect is about to be carried out. */
  readonly onEffect?: (scene: Scene, effect: Effect) => void
  /** A process is about to be made: not every `spawn` gets that far. */
  readonly onSpawn?: (scene: Scene, effect: EffectOf<'spawn'>) => void
  readonly onSupervisorDeath?: (scene: Scene) => void
  /** A reboot, or the guardian died too: what nobody recorded is not known any more. */
  readonly onAmnesia?: () => void
  readonly onDiskFailure?: (scene: Scene, id: string) => void
  /** Nothing is queued and nothing is half done. */
  readonly onQuiet?: (scene: Scene) => void
  /** Faults have stopped, and there was time to recover. */
  readonly onEnd?: (scene: Scene) => void
}

// The grid: every phase by every event has an answer. A missing cell does not compile. `stay`: the
// event is known and changes nothing here. `impossible`: it cannot happen, and if it does we are
// wrong and die (crash-only). Facts about another invocation never get here.

import { assert } from '../base/assert.ts'
import type { EventOf, InstanceEvent, InstanceEventType } from './instance-event.ts'
import type { InstanceState, PhaseName, PhaseOf } from './instance-state.ts'
import {
  onEmptied,
  onEndingExited,
  onEndingSpawnFailed,
  onHookTimer,
  onMainExited,
  onStopHookSpawned,
  onStopNeverSpawned,
  onStopTimer,
} from './on-end.ts'
import {
  onBackoffOver,
  onFinishEmptied,
  onFinishNeverSpawned,
  onFinishOver,
  onFinishSpawned,
  onMustWait,
} from './on-over.ts'
import {
  onGoDown,
  onMayStop,
  onMustStop,
  onReloadNeverSpawned,
  onReloadOver,
  onReloadSpawned,
  onUnhealthy,
  onWantAfterEnd,
  onWantDown,
  onWantReload,
  onWantReloadLater,
  onWantRestart,
  onWantUpAgain,
} from './on-run.ts'
import {
  onMainSpawned,
  onMayStart,
  onNeverSpawned,
  onReady,
  onSetupExited,
  onSetupSpawned,
  onSpawnFailed,
  onStartingExited,
  onStartTimer,
  onUnready,
  onWantUp,
} from './on-start.ts'
import type { Context, Transition } from './transition.ts'

export const stay = 'stay'
export const impossible = 'impossible'

type Handler<P extends PhaseName, E extends InstanceEventType> = (
  instance: InstanceState<PhaseOf<P>>,
  event: EventOf<E>,
  context: Context,
) => Transition | null
type Cell<P extends PhaseName, E extends InstanceEventType> =
  | Handler<P, E>
  | typeof stay
  | typeof impossible

export type Grid = {
  readonly [P in PhaseName]: { readonly [E in InstanceEventType]: Cell<P, E> }
}

/** No process, no invocation: facts about processes cannot get here. */
const idle = {
  spawned: impossible,
  'never-spawned': impossible,
  'spawn-failed': impossible,
  exited: impossible,
  emptied: impossible,
  ready: impossible,
  unready: impossible,
  unhealthy: impossible,
  'may-stop': impossible,
  'must-stop': impossible,
  'want-reload': stay,
} as const

/** News that an invocation which is being ended has no more use for. */
const ending = {
  ready: stay,
  unready: stay,
  unhealthy: stay,
  'may-start': impossible,
  'may-stop': stay,
  'must-stop': stay,
  'want-reload': stay,
  'want-up': onWantAfterEnd,
  'want-down': onWantDown,
  'want-restart': onWantAfterEnd,
  'must-wait': impossible,
} as const

export const instanceGrid: Grid = {
  down: {
    ...idle,
    'want-up': onWantUp,
    'want-down': stay,
    'want-restart': onWantUp,
    'may-start': impossible,
    'timer-fired': impossible,
    'must-wait': impossible,
  },
  waiting: {
    ...idle,
    'want-up': stay,
    'want-down': onGoDown,
    'want-restart': stay,
    'may-start': onMayStart,
    'timer-fired': impossible,
    'must-wait': impossible,
  },
  setup: {
    'want-up': onWantUpAgain,
    'want-down': onWantDown,
    'want-restart': onWantRestart,
    'want-reload': stay,
    'may-start': impossible,
    'may-stop': onMayStop,
    'must-stop': onMustStop,
    spawned: onSetupSpawned,
    'spawn-failed': onSpawnFailed,
    exited: onSetupExited,
    emptied: stay,
    ready: impossible,
    unready: impossible,
    unhealthy: impossible,
    'timer-fired': onHookTimer,
    'must-wait': impossible,
    'never-spawned': onNeverSpawned,
  },
  starting: {
    'want-up': onWantUpAgain,
    'want-down': onWantDown,
    'want-restart': onWantRestart,
    'want-reload': onWantReloadLater,
    'may-start': impossible,
    'may-stop': onMayStop,
    'must-stop': onMustStop,
    spawned: onMainSpawned,
    'spawn-failed': onSpawnFailed,
    exited: onStartingExited,
    emptied: stay,
    ready: onReady,
    unready: onUnready,
    unhealthy: stay,
    'timer-fired': onStartTimer,
    'must-wait': impossible,
    'never-spawned': onNeverSpawned,
  },
  up: {
    'want-up': onWantUpAgain,
    'want-down': onWantDown,
    'want-restart': onWantRestart,
    'want-reload': onWantReload,
    'may-start': impossible,
    'may-stop': onMayStop,
    'must-stop': onMustStop,
    spawned: impossible,
    'spawn-failed': impossible,
    exited: onMainExited,
    emptied: stay,
    ready: stay,
    unready: stay,
    unhealthy: onUnhealthy,
    'timer-fired': impossible,
    'must-wait': impossible,
    'never-spawned': impossible,
  },
  reloading: {
    'want-up': onWantUpAgain,
    'want-down': onWantDown,
    'want-restart': onWantRestart,
    'want-reload': onWantReloadLater,
    'may-start': impossible,
    'may-stop': onMayStop,
    'must-stop': onMustStop,
    spawned: onReloadSpawned,
    'spawn-failed': onReloadOver,
    exited: (instance, event, context) =>
      event.role === 'reload'
        ? onReloadOver(instance, event, context)
        : onMainExited(instance, event, context),
    emptied: stay,
    ready: stay,
    unready: stay,
    unhealthy: onUnhealthy,
    'timer-fired': onHookTimer,
    'must-wait': impossible,
    'never-spawned': onReloadNeverSpawned,
  },
  stopping: {
    ...ending,
    spawned: onStopHookSpawned,
    'spawn-failed': onEndingSpawnFailed,
    exited: onEndingExited,
    emptied: onEmptied,
    'timer-fired': onStopTimer,
    'never-spawned': onStopNeverSpawned,
  },
  killing: {
    ...ending,
    spawned: onStopHookSpawned,
    'spawn-failed': onEndingSpawnFailed,
    exited: onEndingExited,
    emptied: onEmptied,
    'timer-fired': onStopTimer,
    'never-spawned': onStopNeverSpawned,
  },
  finish: {
    ...ending,
    spawned: onFinishSpawned,
    'spawn-failed': onFinishOver,
    exited: onFinishOver,
    emptied: onFinishEmptied,
    'timer-fired': onHookTimer,
    'never-spawned': onFinishNeverSpawned,
  },
  backoff: {
    ...idle,
    'want-up': onWantUp,
    'want-down': onGoDown,
    'want-restart': onWantUp,
    'may-start': impossible,
    'timer-fired': onBackoffOver,
    'must-wait': onMustWait,
  },
  failed: {
    ...idle,
    'want-up': onWantUp,
    'want-down': onGoDown,
    'want-restart': onWantUp,
    'may-start': impossible,
    'timer-fired': impossible,
    'must-wait': onMustWait,
  },
}

/** The answer of the grid; null when nothing changes. */
export function answer(
  instance: InstanceState,
  event: InstanceEvent,
  context: Context,
): Transition | null {
  const cell = instanceGrid[instance.phase.name][event.type]
  assert(cell !== impossible, `${instance.id}: '${event.type}' in phase '${instance.phase.name}'`)
  if (cell === stay) return null
  const handler = cell as (
    instance: InstanceState,
    event: InstanceEvent,
    context: Context,
  ) => Transition | null
  return handler(instance, event, context)
}

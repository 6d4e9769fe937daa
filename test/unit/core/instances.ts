// Representative instances, one or more for each phase, and representative events, for tests that
// go through all of them.

import { toInstanceId, toInvocationId, toPid } from '../../../src/base/brands.ts'
import type { InstanceEvent, InstanceEventType } from '../../../src/core/instance-event.ts'
import {
  type InstanceState,
  newInstance,
  type Phase,
  type PhaseName,
} from '../../../src/core/instance-state.ts'
import type { Context } from '../../../src/core/transition.ts'
import type { ServiceDefinition } from '../../../src/model/service-definition.ts'
import { command, makeService } from '../../fixtures/definitions.ts'

export const id = toInstanceId('shop/web@1')
export const invocation = toInvocationId('1'.repeat(32))
export const main = { pid: toPid(100), startTime: 7 }
export const hook = { pid: toPid(200), startTime: 8 }
export const nowMs = 50_000

const begun = { invocation, startedMs: 1_000 }
const ending = { cause: 'exited', exit: null, reason: 'exit 1' } as const
const ended = { ...begun, ending, wasReady: true }

/** Each shape that a phase can have. */
export const phases: Readonly<Record<PhaseName, readonly Phase[]>> = {
  down: [
    { name: 'down', isFinished: false },
    { name: 'down', isFinished: true },
  ],
  waiting: [{ name: 'waiting' }],
  setup: [
    { name: 'setup', hook: 'spawning', ...begun },
    { name: 'setup', hook, ...begun },
  ],
  starting: [
    { name: 'starting', main: 'spawning', logMark: null, hadSetup: false, ...begun },
    { name: 'starting', main, logMark: null, hadSetup: false, ...begun },
    { name: 'starting', main: 'spawning', logMark: null, hadSetup: true, ...begun },
  ],
  up: [
    { name: 'up', main, readyMs: 2_000, ...begun },
    { name: 'up', main: null, readyMs: 2_000, ...begun },
  ],
  reloading: [
    { name: 'reloading', main, hook: 'spawning', readyMs: 2_000, ...begun },
    { name: 'reloading', main, hook, readyMs: 2_000, ...begun },
  ],
  stopping: [
    { name: 'stopping', main, hook: null, reload: null, isInGrace: false, ...ended },
    { name: 'stopping', main, hook: 'spawning', reload: null, isInGrace: false, ...ended },
    { name: 'stopping', main, hook, reload: null, isInGrace: false, ...ended },
    { name: 'stopping', main: null, hook: null, reload: null, isInGrace: false, ...ended },
    { name: 'stopping', main: null, hook, reload: null, isInGrace: false, ...ended },
    { name: 'stopping', main, hook: null, reload: hook, isInGrace: false, ...ended },
    { name: 'stopping', main, hook: null, reload: null, isInGrace: true, ...ended },
    { name: 'stopping', main: null, hook: null, reload: 'spawning', isInGrace: false, ...ended },
  ],
  killing: [
    { name: 'killing', main, hook: null, reload: null, isInGrace: false, ...ended },
    { name: 'killing', main: null, hook: null, reload: null, isInGrace: false, ...ended },
    { name: 'killing', main: null, hook: null, reload: hook, isInGrace: false, ...ended },
  ],
  finish: [
    { name: 'finish', hook: 'spawning', ...ended },
    { name: 'finish', hook, ...ended },
    { name: 'finish', hook: null, ...ended },
  ],
  backoff: [{ name: 'backoff' }],
  failed: [{ name: 'failed' }],
}

const roles = ['main', 'setup', 'stop', 'reload', 'finish'] as const

/** Each event, for each role where it has one. */
export function eventsOf(type: InstanceEventType): readonly InstanceEvent[] {
  switch (type) {
    case 'want-up':
    case 'want-down':
    case 'want-reload':
    case 'may-start':
    case 'may-stop':
    case 'timer-fired':
      return [{ type }]
    case 'want-restart':
    case 'must-stop':
    case 'must-wait':
      return [{ type, reason: 'a reason' }]
    case 'spawned':
      return roles.map((role) => ({ type, role, invocation, process: hook, logMark: null }))
    case 'never-spawned':
      return roles.map((role) => ({ type, role, invocation }))
    case 'spawn-failed':
      return roles.map((role) => ({ type, role, invocation, reason: 'ENOENT' }))
    case 'exited':
      return roles.flatMap((role) =>
        [0, 1].flatMap((code) =>
          [true, false].map((hasLeftovers) => {
            const status = { kind: 'exited', code } as const
            return { type, role, invocation, status, hasLeftovers }
          }),
        ),
      )
    case 'emptied':
      return [{ type, invocation, killed: ['node (100)'] }]
    case 'ready':
      return [{ type, invocation }]
    case 'unready':
    case 'unhealthy':
      return [{ type, invocation, reason: 'a reason' }]
  }
}

/** Which roles can have news in a phase: others cannot happen. */
export function isPossible(phase: Phase, event: InstanceEvent): boolean {
  if (!('role' in event)) return true
  const { role, type } = event
  switch (phase.name) {
    case 'setup':
      return role === 'setup'
    case 'starting':
      return role === 'main'
    case 'up':
      return role === 'main'
    case 'reloading':
      return role === 'reload' || (role === 'main' && type === 'exited')
    case 'stopping':
    case 'killing':
      if (role === 'main') return type === 'exited' && phase.main !== null
      return type === 'never-spawned' ? role === 'stop' : role !== 'finish'
    case 'finish':
      return role === 'finish'
    default:
      return true
  }
}

const active: readonly PhaseName[] = ['stopping', 'killing', 'finish', 'backoff']

export function instanceIn(phase: Phase, change: Partial<InstanceState> = {}): InstanceState {
  const deadlineMs = active.includes(phase.name) ? nowMs : null
  const desired = phase.name === 'down' ? 'down' : 'up'
  return { ...newInstance(id, 0), desired, phase, deadlineMs, ...change }
}

export function contextOf(definition: ServiceDefinition, isHeld = false): Context {
  const nextInvocation = toInvocationId('2'.repeat(32))
  return { nowMs, wallMs: nowMs, definition, revision: 1, isHeld, nextInvocation, prng: 1 }
}

const reload = { kind: 'command', command: command('reload') } as const
const someHook = { command: command('hook'), timeoutMs: 1_000 }

export const plain = makeService('web')
export const rich = makeService('web', {
  readiness: { kind: 'notify-fd', fd: 3, timeoutMs: 3_000 },
  setup: someHook,
  finish: someHook,
  reload,
  stop: {
    signal: 15,
    timeoutMs: 5_000,
    kill: 'mixed',
    commandGraceMs: 0,
    command: command('stop'),
  },
})
export const oneshot = makeService('web', {
  kind: 'oneshot',
  restart: { ...plain.restart, policy: 'never' },
})

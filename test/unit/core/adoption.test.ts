// Adoption, case by case: a record that was found, what was observed of its processes, and what the
// new supervisor makes of both.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  adopt,
  type Observation,
  type ObservedInstance,
  restoreAfterBoot,
  restoreState,
} from '../../../src/core/adoption.ts'
import type { ProjectRecord } from '../../../src/core/effect.ts'
import type { InstanceState, Phase } from '../../../src/core/instance-state.ts'
import { newSupervisorState, type SupervisorState } from '../../../src/core/supervisor-state.ts'
import { step } from '../../../src/core/supervisor-step.ts'
import type { ServiceDefinition } from '../../../src/model/service-definition.ts'
import { makeProject, makeService } from '../../fixtures/definitions.ts'
import { hook, id, instanceIn, invocation, main, nowMs, phases, plain, rich } from './instances.ts'

const alive: Observation = { kind: 'alive', process: main, logMark: null }
const never: Observation = { kind: 'never-spawned' }
const ended: Observation = { kind: 'ended', status: { kind: 'exited', code: 42 } }
const unknown: Observation = { kind: 'ended', status: { kind: 'unknown' } }

interface Recovered {
  readonly state: SupervisorState
  readonly phase: string
  /** Of adoption itself, then of what was decided. */
  readonly effects: readonly string[]
}

function projectOf(definition: ServiceDefinition): ProjectRecord {
  return {
    definition: makeProject('shop', [definition]),
    scale: {},
    retired: {},
    changes: {},
    isRemoved: false,
  }
}

function recover(
  record: InstanceState,
  roles: ObservedInstance['roles'],
  options: {
    readonly definition?: ServiceDefinition
    readonly hasLeftovers?: boolean
    readonly isHeld?: boolean
  } = {},
): Recovered {
  const { definition = plain, hasLeftovers = false, isHeld = false } = options
  const mode = isHeld ? 'hold' : 'normal'
  const state = newSupervisorState(mode, 1, 'f'.repeat(16))
  assert.deepEqual(restoreState(state, [projectOf(definition)], [record]), [])
  const adoption = adopt(state, record, { roles, hasLeftovers })
  const news = adoption.events
  const { effects } = step(state, { type: 'resumed', news, nowMs, wallMs: nowMs })
  return {
    state,
    phase: state.instances.get(id)?.phase.name ?? 'forgotten',
    effects: [...adoption.effects, ...effects].map((effect) =>
      effect.type === 'spawn' ? `spawn ${effect.role}` : effect.type,
    ),
  }
}

const phaseOf = (name: keyof typeof phases, shape: number): Phase => {
  const phase = phases[name][shape]
  assert.ok(phase)
  return phase
}

test('up and alive: nothing is done', () => {
  assert.deepEqual(recover(instanceIn(phaseOf('up', 0)), { main: alive }).effects, [])
})

test('up and ended: its status is the one that the kernel kept, and it restarts at once', () => {
  const { state, phase, effects } = recover(instanceIn(phaseOf('up', 0)), { main: ended })
  assert.equal(phase, 'starting')
  assert.deepEqual(state.instances.get(id)?.lastExit?.status, { kind: 'exited', code: 42 })
  assert.ok(effects.includes('spawn main'))
})

test('up, ended, status unknown: not a success, whatever the policy', () => {
  const definition = makeService('web', { restart: { ...plain.restart, policy: 'on-failure' } })
  const { phase } = recover(instanceIn(phaseOf('up', 0)), { main: unknown }, { definition })
  assert.equal(phase, 'starting')
})

test('nothing was said of a process that a record names: it is taken for ended', () => {
  const { state } = recover(instanceIn(phaseOf('up', 0)), {})
  assert.deepEqual(state.instances.get(id)?.lastExit?.status, { kind: 'unknown' })
})

test('ended and others left: they are ended before it starts again', () => {
  const { phase, effects } = recover(
    instanceIn(phaseOf('up', 0)),
    { main: ended },
    { hasLeftovers: true },
  )
  assert.equal(phase, 'stopping')
  assert.deepEqual(effects, ['store', 'arm-timer', 'report', 'unwatch', 'signal', 'watch-empty'])
})

test('spawning and never spawned: begun again, with a new invocation', () => {
  const { state, phase, effects } = recover(instanceIn(phaseOf('starting', 0)), { main: never })
  assert.equal(phase, 'starting')
  assert.equal(effects.filter((effect) => effect === 'spawn main').length, 1)
  const begun = state.instances.get(id)?.phase
  assert.ok(begun && 'invocation' in begun && begun.invocation !== invocation)
})

test('spawning, never spawned and wanted down meanwhile: it is not started to be stopped', () => {
  const record = instanceIn(phaseOf('starting', 0), { desired: 'down' })
  const { phase, effects } = recover(record, { main: never })
  assert.equal(phase, 'down')
  assert.ok(!effects.includes('spawn main'))
})

test('spawning and never spawned in hold mode: nothing is begun', () => {
  const { phase, effects } = recover(
    instanceIn(phaseOf('starting', 0)),
    { main: never },
    { isHeld: true },
  )
  assert.equal(phase, 'waiting')
  assert.ok(!effects.includes('spawn main'))
})

test('spawning and alive: adopted, not doubled', () => {
  const { state, phase, effects } = recover(instanceIn(phaseOf('starting', 0)), { main: alive })
  assert.equal(phase, 'up')
  assert.ok(!effects.includes('spawn main'))
  const { phase: up } = state.instances.get(id) ?? {}
  assert.deepEqual(up && 'main' in up ? up.main : null, main)
})

test('spawning and ended already: it was never up, so its dependents did not see it up', () => {
  const { phase, effects } = recover(instanceIn(phaseOf('starting', 0)), { main: ended })
  assert.equal(phase, 'backoff')
  assert.ok(!effects.includes('spawn main'))
})

test('never spawned, but its children are there: that is proof that it ran', () => {
  const { phase } = recover(
    instanceIn(phaseOf('starting', 0)),
    { main: never },
    { hasLeftovers: true },
  )
  assert.equal(phase, 'stopping')
})

test('starting and alive: readiness is watched for again, and the deadline stands', () => {
  const record = instanceIn(phaseOf('starting', 1), { deadlineMs: nowMs + 500 })
  const definition = makeService('web', { readiness: rich.readiness })
  const { phase, effects } = recover(record, { main: alive }, { definition })
  assert.equal(phase, 'starting')
  assert.deepEqual(effects, ['arm-timer', 'watch-ready'])
})

test('setup: its end is taken over', () => {
  const done: Observation = { kind: 'ended', status: { kind: 'exited', code: 0 } }
  const record = instanceIn(phaseOf('setup', 1), { deadlineMs: nowMs })
  const { phase, effects } = recover(record, { setup: done }, { definition: rich })
  assert.equal(phase, 'starting')
  assert.ok(effects.includes('spawn main'))
})

test('stopping and alive: it is asked again', () => {
  const record = instanceIn(phaseOf('stopping', 0), { desired: 'down' })
  assert.deepEqual(recover(record, { main: alive }).effects, ['arm-timer', 'signal'])
})

test('stopping, the stop command never began: it is run', () => {
  const record = instanceIn(phaseOf('stopping', 1))
  const { effects } = recover(record, { main: alive, stop: never }, { definition: rich })
  assert.deepEqual(effects, ['arm-timer', 'store', 'spawn stop'])
})

test('stopping, the stop command runs: it is left to its work', () => {
  const stop: Observation = { kind: 'alive', process: hook, logMark: null }
  const record = instanceIn(phaseOf('stopping', 2))
  const { effects } = recover(record, { main: alive, stop }, { definition: rich })
  assert.deepEqual(effects, ['arm-timer'])
})

test('killing: SIGKILL is sent again', () => {
  const record = instanceIn(phaseOf('killing', 0))
  assert.deepEqual(recover(record, { main: alive }).effects, ['arm-timer', 'signal'])
})

test('the last ones are watched until nothing is left', () => {
  const record = instanceIn(phaseOf('stopping', 3), { desired: 'down' })
  const { effects } = recover(record, {}, { hasLeftovers: true })
  assert.deepEqual(effects, ['arm-timer', 'signal', 'watch-empty'])
})

test('finish: run when it never began, killed on when something of it was left', () => {
  const record = instanceIn(phaseOf('finish', 0))
  assert.ok(
    recover(record, { finish: never }, { definition: rich }).effects.includes('spawn finish'),
  )
  const left = recover(instanceIn(phaseOf('finish', 2)), {}, { definition: rich })
  assert.deepEqual(left.effects, ['arm-timer', 'signal', 'watch-empty'])
})

test('backoff: the rest of the delay', () => {
  const record = instanceIn(phaseOf('backoff', 0), { deadlineMs: nowMs + 700 })
  assert.deepEqual(recover(record, {}).effects, ['arm-timer'])
})

test('a record without a project is a stray', () => {
  const state = newSupervisorState('normal', 1, 'f'.repeat(16))
  assert.deepEqual(restoreState(state, [], [instanceIn(phaseOf('up', 0))]), [id])
  assert.equal(state.instances.size, 0)
})

test('an older definition than the stored one: restarted, but not in hold mode', () => {
  const record = instanceIn(phaseOf('up', 0), { revision: 1 })
  const state = newSupervisorState('hold', 1, 'f'.repeat(16))
  const changes = { web: { revision: 2, settings: ['environment'] } }
  restoreState(state, [{ ...projectOf(plain), changes }], [record])
  const time = { nowMs, wallMs: nowMs }
  const held = step(state, { type: 'resumed', news: [], ...time }).effects
  assert.deepEqual(held, [])
  const { effects } = step(state, { type: 'want-normal', ...time })
  assert.ok(effects.some(({ type }) => type === 'signal'))
  assert.match(state.instances.get(id)?.reason ?? '', /definition changed \(environment\)/)
})

test('what a project asks for and was not done yet is done', () => {
  const state = newSupervisorState('normal', 1, 'f'.repeat(16))
  const record = instanceIn(phaseOf('up', 0))
  restoreState(state, [{ ...projectOf(plain), isRemoved: true }], [record])
  step(state, { type: 'resumed', news: [], nowMs, wallMs: nowMs })
  assert.equal(state.instances.get(id)?.desired, 'down')
  assert.equal(state.instances.get(id)?.isRemoved, true)
})

test('after a reboot', () => {
  const down = instanceIn(phaseOf('down', 0))
  const finished = instanceIn(phaseOf('down', 1))
  const up = instanceIn(phaseOf('up', 0), { restarts: 4, failures: 3, restartTimesMs: [1] })
  const restored = (record: InstanceState, definition = plain) =>
    restoreAfterBoot([projectOf(definition)], [record], 9)[0]
  assert.equal(restored(down)?.phase.name, 'down')
  assert.deepEqual(restored(up)?.phase, { name: 'waiting' })
  assert.equal(restored(up)?.failures, 0)
  assert.equal(restored(finished)?.phase.name, 'waiting')
  const manual = makeService('web', { isStartedAtBoot: false })
  assert.deepEqual(restored(finished, manual)?.phase, { name: 'down', isFinished: true })
  assert.equal(restored(instanceIn(phaseOf('failed', 0)))?.phase.name, 'waiting')
})

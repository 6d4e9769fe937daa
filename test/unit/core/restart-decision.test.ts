// The restart decision, judged by a naive twin: a model that is written from the documentation of
// the settings, with a list of all deaths instead of counters.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideRestart, isCleanExit } from '../../../src/core/restart-decision.ts'
import type { RestartPolicy } from '../../../src/model/service-definition.ts'

const policyArb: fc.Arbitrary<RestartPolicy> = fc.record({
  policy: fc.constantFrom('always', 'on-failure', 'never'),
  backoffMinMs: fc.integer({ min: 1, max: 1_000 }),
  backoffMaxMs: fc.integer({ min: 1_000, max: 60_000 }),
  stableMs: fc.integer({ min: 1, max: 20_000 }),
  burst: fc.option(
    fc.record({
      count: fc.integer({ min: 1, max: 10 }),
      intervalMs: fc.integer({ min: 1_000, max: 60_000 }),
    }),
  ),
  successCodes: fc.subarray([3, 7]),
})

interface Run {
  readonly code: number | null
  readonly wasReady: boolean
  readonly readyForMs: number
}

const runArb: fc.Arbitrary<Run> = fc.record({
  code: fc.option(fc.constantFrom(0, 1, 3, 7)),
  wasReady: fc.boolean(),
  readyForMs: fc.integer({ min: 0, max: 30_000 }),
})

type Verdict =
  | { readonly kind: 'finished' | 'give-up' }
  | { readonly kind: 'restart'; readonly lowMs: number; readonly highMs: number }

/** What the settings promise, with nothing but the list of what happened. */
function twin(
  policy: RestartPolicy,
  deaths: readonly { readonly run: Run; readonly restartAtMs: number }[],
  run: Run,
  nowMs: number,
): Verdict {
  const isSuccess = run.code === 0 || (run.code !== null && policy.successCodes.includes(run.code))
  if (isSuccess && policy.policy !== 'always') return { kind: 'finished' }
  if (policy.policy === 'never') return { kind: 'give-up' }
  const { burst } = policy
  if (burst !== null) {
    const since = nowMs - burst.intervalMs
    if (deaths.filter(({ restartAtMs }) => restartAtMs > since).length >= burst.count) {
      return { kind: 'give-up' }
    }
  }
  const isStable = (one: Run) => one.wasReady && one.readyForMs >= policy.stableMs
  let inARow = 0
  for (const death of [...deaths.map((one) => one.run), run]) {
    inARow = isStable(death) ? 1 : inARow + 1
  }
  if (run.wasReady && inARow === 1) return { kind: 'restart', lowMs: 0, highMs: 0 }
  let delayMs = policy.backoffMinMs
  const doublings = run.wasReady ? inARow - 2 : inARow - 1
  for (let count = 0; count < doublings; count += 1) {
    delayMs = Math.min(delayMs * 2, policy.backoffMaxMs)
  }
  delayMs = Math.min(delayMs, policy.backoffMaxMs)
  return { kind: 'restart', lowMs: Math.floor(delayMs * 0.8), highMs: Math.ceil(delayMs) }
}

test('agrees with its naive twin over whole lives', () => {
  fc.assert(
    fc.property(policyArb, fc.array(runArb, { maxLength: 30 }), (policy, runs) => {
      const deaths: { run: Run; restartAtMs: number }[] = []
      let failures = 0
      let nowMs = 0
      let prng = 1
      for (const run of runs) {
        const shown = { ...run, readyForMs: run.wasReady ? run.readyForMs : 0 }
        nowMs += shown.readyForMs + 1
        const status =
          run.code === null
            ? ({ kind: 'unknown' } as const)
            : ({ kind: 'exited', code: run.code } as const)
        const ending = { cause: 'exited', exit: status, reason: 'it ended' } as const
        const restartTimesMs = deaths.map(({ restartAtMs }) => restartAtMs)
        const expected = twin(policy, deaths, shown, nowMs)
        const result = decideRestart(
          policy,
          { failures, restartTimesMs },
          { ending, wasReady: run.wasReady, readyForMs: shown.readyForMs },
          nowMs,
          prng,
        )
        const { decision } = result
        prng = result.prng
        assert.equal(decision.kind, expected.kind)
        if (decision.kind !== 'restart' || expected.kind !== 'restart') return
        assert.ok(decision.delayMs >= expected.lowMs, `${decision.delayMs} >= ${expected.lowMs}`)
        assert.ok(decision.delayMs <= expected.highMs, `${decision.delayMs} <= ${expected.highMs}`)
        failures = decision.failures
        deaths.push({ run: shown, restartAtMs: nowMs })
        nowMs += decision.delayMs
      }
    }),
    { numRuns: 2_000 },
  )
})

const policy: RestartPolicy = {
  policy: 'always',
  backoffMinMs: 100,
  backoffMaxMs: 30_000,
  stableMs: 10_000,
  burst: null,
  successCodes: [],
}

const crash = {
  cause: 'exited',
  exit: { kind: 'exited', code: 1 },
  reason: 'exit 1',
} as const

test('the jitter is spread over a fifth of the delay', () => {
  const delays = new Set<number>()
  let prng = 7
  for (let count = 0; count < 200; count += 1) {
    const run = { ending: crash, wasReady: false, readyForMs: 0 }
    const history = { failures: 9, restartTimesMs: [] }
    const result = decideRestart(policy, history, run, 0, prng)
    prng = result.prng
    if (result.decision.kind === 'restart') delays.add(result.decision.delayMs)
  }
  assert.ok(delays.size > 150)
  assert.ok(Math.min(...delays) >= 24_000 && Math.max(...delays) <= 30_000)
})

test('the delay stays finite after ten thousand failures', () => {
  const run = { ending: crash, wasReady: true, readyForMs: 0 }
  const { decision } = decideRestart(policy, { failures: 10_000, restartTimesMs: [] }, run, 0, 1)
  assert.ok(decision.kind === 'restart' && decision.delayMs <= 30_000)
})

test('an unknown status, a signal and null are not clean', () => {
  assert.equal(isCleanExit(policy, { kind: 'unknown' }), false)
  assert.equal(isCleanExit(policy, { kind: 'signaled', signal: 15, core: false }), false)
  assert.equal(isCleanExit(policy, null), false)
  assert.equal(isCleanExit({ ...policy, successCodes: [3] }, { kind: 'exited', code: 3 }), true)
})

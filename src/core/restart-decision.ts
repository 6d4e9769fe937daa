// What comes after an invocation: again, and when; or rest; or give up. A pure choice. A naive twin
// in the tests judges it.

import type { Milliseconds } from '../base/brands.ts'
import { type ExitStatus, printExitStatus } from '../base/exit-status.ts'
import { nextRandom, type PrngState } from '../base/prng.ts'
import type { RestartPolicy } from '../model/service-definition.ts'
import type { Ending } from './instance-state.ts'

export interface RestartHistory {
  readonly failures: number
  readonly restartTimesMs: readonly Milliseconds[]
}

export interface EndedRun {
  readonly ending: Ending
  readonly wasReady: boolean
  /** From readiness to the end; 0 when it never was ready. */
  readonly readyForMs: Milliseconds
}

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: Milliseconds; readonly failures: number }
  /** It has done what it was for, and its policy does not ask for another run. */
  | { readonly kind: 'finished'; readonly reason: string }
  | { readonly kind: 'give-up'; readonly reason: string }

/** The share of a delay that is left to chance, so that a crowd does not return in step. */
const JITTER = 0.2

/** Decides from policy, history and the end of the run; `prng` in and out is the jitter's. */
export function decideRestart(
  policy: RestartPolicy,
  history: RestartHistory,
  run: EndedRun,
  nowMs: Milliseconds,
  prng: PrngState,
): { readonly decision: RestartDecision; readonly prng: PrngState } {
  const { ending } = run
  const wasSuccess = ending.cause === 'exited' && isCleanExit(policy, ending.exit)
  if (wasSuccess && policy.policy !== 'always') {
    return { decision: { kind: 'finished', reason: `finished: ${ending.reason}` }, prng }
  }
  if (policy.policy === 'never') {
    return {
      decision: { kind: 'give-up', reason: `${ending.reason}; restart policy 'never'` },
      prng,
    }
  }
  const { burst } = policy
  if (burst !== null) {
    const recent = history.restartTimesMs.filter((at) => nowMs - at < burst.intervalMs).length
    if (recent >= burst.count) {
      const limit = `${burst.count} restarts in ${burst.intervalMs / 1_000}s`
      return {
        decision: { kind: 'give-up', reason: `${ending.reason}; burst limit: ${limit}` },
        prng,
      }
    }
  }
  const previous = run.readyForMs >= policy.stableMs ? 0 : history.failures
  const failures = previous + 1
  // The first restart of a service that ran is immediate: most deaths are single ones.
  if (run.wasReady && previous === 0) {
    return { decision: { kind: 'restart', delayMs: 0, failures }, prng }
  }
  const exponent = Math.min(run.wasReady ? previous - 1 : previous, 40)
  const grown = Math.min(policy.backoffMaxMs, policy.backoffMinMs * 2 ** exponent)
  const random = nextRandom(prng)
  const delayMs = Math.round(grown * (1 - JITTER * random.value))
  return { decision: { kind: 'restart', delayMs, failures }, prng: random.state }
}

/** Exit 0, or one of the policy's own success codes. An unknown status is not clean. */
export function isCleanExit(policy: RestartPolicy, exit: ExitStatus | null): boolean {
  return exit?.kind === 'exited' && (exit.code === 0 || policy.successCodes.includes(exit.code))
}

/** `exit 3`, or what else ended it. */
export function endReason(exit: ExitStatus): string {
  return printExitStatus(exit)
}

// Counts the deaths that are our own fault: an exception that nobody caught, an assertion, a fault
// signal. Three within a short time bring the supervisor up in hold mode. Being killed from outside
// (SIGKILL, the OOM killer, an upgrade) is no fault and is not counted.

import { HOLD_CRASH_COUNT, HOLD_CRASH_WINDOW_MS } from '../base/limits.ts'
import { signalNumbers } from '../base/signal.ts'
import type { Journal } from '../runtime/journal.ts'

export interface Crash {
  readonly atWallMs: number
  readonly what: string
}

const KEY = 'crashes'
const faultSignals: readonly number[] = [
  signalNumbers.ILL,
  signalNumbers.ABRT,
  signalNumbers.BUS,
  signalNumbers.FPE,
  signalNumbers.SEGV,
]

export function readCrashes(journal: Journal): readonly Crash[] {
  const value = journal.read().get(KEY)
  return Array.isArray(value) ? (value as readonly Crash[]) : []
}

/** Remembers one more crash; only the last few are kept. */
export function recordCrash(
  journal: Journal,
  crashes: readonly Crash[],
  crash: Crash,
): readonly Crash[] {
  const kept = [...crashes, crash].slice(-HOLD_CRASH_COUNT)
  journal.put(KEY, kept)
  return kept
}

/** What the guardian saw of the last life, when that was a fault that nobody could record. */
export function faultOf(lastExit: string | undefined, wallMs: number): Crash | null {
  const status = Number(lastExit ?? '0')
  const signal = status - 128
  if (!faultSignals.includes(signal)) return null
  return { atWallMs: wallMs, what: `the supervisor died of signal ${signal}` }
}

export function decideMode(crashes: readonly Crash[], wallMs: number): 'normal' | 'hold' {
  const recent = crashes.filter(({ atWallMs }) => wallMs - atWallMs < HOLD_CRASH_WINDOW_MS)
  return recent.length >= HOLD_CRASH_COUNT ? 'hold' : 'normal'
}

// The figures of a chaos run, as text. A line with `must be 0` decides the exit status.

import type { Findings } from './driver.ts'
import type { Verdict } from './judge.ts'
import type { Deaths } from './killer.ts'
import type { WatchResult } from './watch.ts'

export interface ChaosResult {
  readonly deaths: Deaths
  readonly findings: Findings
  readonly watched: WatchResult
  readonly verdict: Verdict
  readonly seconds: number
}

const MAX_EXAMPLES = 5

/** Prints all figures; 1 when one of them must be zero and is not. */
export function printReport(result: ChaosResult): number {
  const { deaths, findings, watched, verdict, seconds } = result
  const zeroes: readonly (readonly [name: string, count: number, examples: readonly string[]])[] = [
    ['log lines missing', verdict.missing, []],
    ['log lines doubled', verdict.doubled, []],
    ['log lines nobody wrote', verdict.foreign.length, verdict.foreign],
    ['restarted without having died', verdict.restarted.length, verdict.restarted],
    ['second copies', watched.copies.length, watched.copies],
    ['left over after a stop', findings.leftOver.length, findings.leftOver],
    ['exit statuses wrong', findings.wrongExits.length, findings.wrongExits],
    ['exit statuses unknown', findings.unknownExits.length, findings.unknownExits],
  ]
  const { supervisor, guardian, both } = deaths
  say('killed', `supervisor ${supervisor}, with its guardian ${both}, guardian ${guardian}`)
  say('time', `${seconds.toFixed(0)} s, ${findings.requests} requests in flight`)
  say('log lines written', verdict.lines)
  say('lives that ended by themselves', verdict.mortalLives + findings.exitsChecked)
  say('exit statuses checked', findings.exitsChecked)
  say('stops checked', findings.stopsChecked)
  say('looks for second copies', watched.looks)
  for (const [name, count, examples] of zeroes) {
    say(name, `${count}${count === 0 ? '' : '   <- must be 0'}`)
    for (const example of examples.slice(0, MAX_EXAMPLES)) console.log(`    ${example}`)
  }
  say('control answers again after', times(deaths.answerMs))
  say('  when the guardian died too', times(deaths.bothAnswerMs))
  say('lost with the guardian', `${findings.excusedExits.length} exit statuses, no log line`)
  const isGood = zeroes.every(([, count]) => count === 0)
  console.log(isGood ? 'chaos: everything that must be 0 is 0' : 'chaos: FAILED')
  return isGood ? 0 : 1
}

function say(name: string, value: string | number): void {
  console.log(`${name.padEnd(34)}${value}`)
}

function times(list: readonly number[]): string {
  if (list.length === 0) return 'never measured'
  const sorted = list.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0
  return `median ${middle.toFixed(0)} ms, worst ${(sorted.at(-1) ?? 0).toFixed(0)} ms`
}

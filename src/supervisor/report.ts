// The only place of the supervisor that writes log lines: standard error, which is the guardian's
// log file, or whatever the init gives us. One line a fact; nothing is said twice in a row.

import type { EffectOf } from '../core/effect.ts'
import { printWallTime } from './wall-time.ts'

export interface Report {
  transition(effect: EffectOf<'report'>): void
  /** Something that an operator should know; kept for `doctor`. */
  problem(message: string): void
  note(message: string): void
  problems(): readonly string[]
}

const MAX_PROBLEMS = 50

export function createReport(): Report {
  const problems = new Map<string, number>()

  const note = (message: string) => {
    process.stderr.write(`${printWallTime(Date.now())} ${message}\n`)
  }

  return {
    note,
    transition: ({ id, from, to, reason }) => {
      // A thousand healthy starts are not worth a thousand lines.
      if (reason === null || from === to || reason === 'stopped') return
      note(`${id}: ${from} -> ${to}: ${reason}`)
    },
    problem: (message) => {
      const count = problems.get(message) ?? 0
      problems.delete(message)
      problems.set(message, count + 1)
      const [oldest] = problems.keys()
      if (problems.size > MAX_PROBLEMS && oldest !== undefined) problems.delete(oldest)
      if (count === 0) note(message)
    },
    problems: () =>
      [...problems].map(([text, count]) => (count > 1 ? `${text} (${count} times)` : text)),
  }
}

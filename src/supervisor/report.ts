// The only place of the supervisor that writes log lines: standard error, which is the guardian's
// log file, or whatever the init gives us. One line a fact; nothing is said twice in a row.

import { copyFileSync, fstatSync, ftruncateSync } from 'node:fs'
import { MAX_SUPERVISOR_LOG_BYTES } from '../base/limits.ts'
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

  const turn = createLogTurn(process.env['EUDAEMON_LOG_FILE'])

  const note = (message: string) => {
    turn(message.length)
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

/**
 * Keeps our own log file within its bound: when it is full, it is copied to `….1` and begun anew.
 * Only for the file that we were started with; what an init or a user gave us is theirs to bound.
 */
function createLogTurn(file: string | undefined): (bytes: number) => void {
  if (file === undefined) return () => {}
  const stderr = 2
  let size = fstatSync(stderr).size
  return (bytes) => {
    size += bytes
    if (size < MAX_SUPERVISOR_LOG_BYTES) return
    size = 0
    try {
      copyFileSync(file, `${file}.1`)
    } catch {
      // No room for a copy: the old lines are given up, because the file must not grow for ever.
    }
    ftruncateSync(stderr, 0)
  }
}

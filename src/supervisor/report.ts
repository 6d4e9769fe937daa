// The only place of the supervisor that writes log lines: standard error, which is the guardian's
// log file, or whatever the init gives us. One line a fact; nothing is said twice in a row.

import { copyFileSync, fstatSync, ftruncateSync, writeSync } from 'node:fs'
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
const STDERR = 2

export function createReport(): Report {
  const problems = new Map<string, number>()

  const turn = createLogTurn(process.env['EUDAEMON_LOG_FILE'])

  const note = (message: string) => {
    try {
      turn(message.length)
      writeLine(`${printWallTime(Date.now())} ${message}\n`)
    } catch (error) {
      // The log's own disk may be full or read-only, or its reader gone. A line less is better than
      // a supervisor less: what matters is kept among the problems, too.
      if (!(error instanceof Error && 'errno' in error)) throw error
    }
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

/** All of it: a write is short where a disk becomes full or a pipe is almost so. */
function writeLine(line: string): void {
  const bytes = Buffer.from(line)
  for (let done = 0; done < bytes.length; ) done += writeSync(STDERR, bytes, done)
}

/**
 * Keeps our own log file within its bound: when it is full, it is copied to `….1` and begun anew.
 * Only for the file that we were started with; what an init or a user gave us is theirs to bound.
 */
function createLogTurn(file: string | undefined): (bytes: number) => void {
  if (file === undefined) return () => {}
  let size = fstatSync(STDERR).size
  return (bytes) => {
    size += bytes
    if (size < MAX_SUPERVISOR_LOG_BYTES) return
    size = 0
    try {
      copyFileSync(file, `${file}.1`)
    } catch {
      // No room for a copy: the old lines are given up, because the file must not grow for ever.
    }
    ftruncateSync(STDERR, 0)
  }
}

// `eudaemon why`: why a service is in its state, in a few sentences, and what comes next.

import type { LogItem } from '../../protocol/log-line.ts'
import { instanceIdOf, type StatusRow } from '../../protocol/response.ts'
import type { Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { readLastLines } from '../last-words.ts'
import { printWhy } from '../print/why.ts'
import { findScope } from '../scope.ts'
import { matchRows } from '../select-rows.ts'

const LOG_LINES = 10

export const run: Run = async (options, deps) => {
  const { project } = await findScope(options, deps)
  const client = await deps.connect()
  const { rows } = await client.status()
  const row = worstOf(matchRows(rows, project, options.operands))
  const answer = await client.why(row.project, row.instance)
  const lines = (await readLastLines(deps, instanceIdOf(row), LOG_LINES)).map(textOf)
  if (options.has('json')) {
    const stdout = `${JSON.stringify({ ...answer, lines }, null, 2)}\n`
    return { output: { stdout }, exitCode: exitCodes.done }
  }
  const { hasColour, isTerminal } = deps.out
  const stdout = printWhy({ answer, lines, nowMs: deps.now(), hasColour, isTerminal })
  return { output: { stdout }, exitCode: exitCodes.done }
}

const badness: Readonly<Partial<Record<StatusRow['phase'], number>>> = {
  failed: 4,
  backoff: 3,
  killing: 2,
  up: 0,
  reloading: 0,
}

/** Of several instances the one that has most to explain. */
function worstOf(rows: readonly StatusRow[]): StatusRow {
  const rank = (row: StatusRow): number => badness[row.phase] ?? 1
  return rows.reduce((worst, row) => (rank(row) > rank(worst) ? row : worst))
}

function textOf(item: LogItem): string {
  if (item.kind === 'line') return item.text
  return item.bytes === null ? '[bytes are missing here]' : `[${item.bytes} bytes are missing here]`
}

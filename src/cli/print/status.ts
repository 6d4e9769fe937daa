// Rows of status as a table for people.

import { printDuration } from '../../base/duration.ts'
import type { ExitAnswer, PhaseName, StatusRow } from '../../protocol/response.ts'
import { createPaint, type Paint, type Style } from './style.ts'
import { printTable } from './table.ts'

export interface StatusView {
  readonly rows: readonly StatusRow[]
  readonly nowMs: number
  readonly hasColour: boolean
  /** Names of the projects too. */
  readonly showsProject: boolean
  /** Of the terminal; absent: nothing is cut. */
  readonly columns?: number
}

const phaseStyles: Readonly<Record<PhaseName, Style>> = {
  down: 'dim',
  waiting: 'yellow',
  setup: 'yellow',
  starting: 'yellow',
  up: 'green',
  reloading: 'green',
  stopping: 'yellow',
  killing: 'red',
  finish: 'yellow',
  backoff: 'red',
  failed: 'red',
}

/** Empty for no rows. */
export function printStatus(view: StatusView): string {
  const { rows, nowMs, hasColour, showsProject } = view
  if (rows.length === 0) return ''
  const paint = createPaint(hasColour)
  const hasSeveral = new Set(
    rows
      .filter((row) => !row.instance.endsWith('@1'))
      .map((row) => `${row.project}/${row.service}`),
  )
  const head = ['SERVICE', 'PHASE', 'PID', 'SINCE', 'RESTARTS', ''].map((word) =>
    paint('dim', word),
  )
  const lines = rows.map((row) => {
    const isOne = !hasSeveral.has(`${row.project}/${row.service}`)
    const name = isOne ? row.service : row.instance
    return [
      showsProject ? `${row.project}/${name}` : name,
      paint(phaseStyles[row.phase], row.phase),
      row.pid === null ? '-' : String(row.pid),
      printSince(row.since, nowMs),
      String(row.restarts),
      printNotes(row, paint),
    ]
  })
  return printTable([head, ...lines], view.columns)
}

function printNotes(row: StatusRow, paint: Paint): string {
  const notes: string[] = []
  if (row.reason !== null && row.reason !== 'stopped') notes.push(row.reason)
  else if (row.phase === 'up' && row.pid === null) notes.push('done')
  if (row.phase === 'down' && row.desired === 'up') notes.push('wanted up')
  if (row.exit !== null && !row.ready && row.reason === null) notes.push(printExit(row.exit))
  if (row.drift) notes.push(paint('yellow', 'differs from the file: `eudaemon plan` shows how'))
  return notes.join('; ')
}

/** `exit 3`, `SIGKILL`, `exit status unknown`. */
function printExit(exit: ExitAnswer): string {
  if ('code' in exit) return `exit ${exit.code}`
  return 'signal' in exit ? exit.signal : 'exit status unknown'
}

/** How long ago, for people. */
export function printSince(since: string, nowMs: number): string {
  const ms = nowMs - Date.parse(since)
  return ms < 1_000 ? 'now' : printDuration(Math.floor(ms / 1_000) * 1_000)
}

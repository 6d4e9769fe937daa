// `eudaemon status`: what runs. Exit status 3 when something asked for is not up.

import { hasCode } from '../../base/toolkit-error.ts'
import type { StatusAnswer } from '../../client/client.ts'
import type { StatusRow } from '../../protocol/response.ts'
import type { CommandResult, Deps, Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { findScope, type Scope } from '../scope.ts'

export const run: Run = async (options, deps) => {
  const scope = await findScope(options, deps)
  const names = options.operands
  const isElsewhere = names.some((name) => name.includes('/'))
  const answer = await statusOrNothing(deps, isElsewhere ? null : scope.project)
  const isJson = options.has('json')
  if (answer === null && names.length === 0) return printNothing(scope, isJson, true)
  const all = withDrift(answer, scope)
  const rows = names.length === 0 ? all : await select(all, scope, names)
  const exitCode = rows.length > 0 && rows.every(({ ready }) => ready) ? 0 : exitCodes.notRunning
  if (isJson) return { output: { stdout: `${JSON.stringify(rows, null, 2)}\n` }, exitCode }
  if (rows.length === 0) return printNothing(scope, false, false)
  const { printStatus } = await import('../print/status.ts')
  const showsProject = scope.project === null || isElsewhere
  const { hasColour } = deps.out
  const stdout = printStatus({ rows, nowMs: deps.now(), hasColour, showsProject })
  return { output: { stdout }, exitCode }
}

async function select(
  rows: readonly StatusRow[],
  scope: Scope,
  names: readonly string[],
): Promise<readonly StatusRow[]> {
  const { matchRows } = await import('../select-rows.ts')
  return matchRows(rows, scope.project, names)
}

/** Null: no supervisor runs, so nothing does. */
async function statusOrNothing(deps: Deps, project: string | null): Promise<StatusAnswer | null> {
  try {
    return await (await deps.connect()).status({ project })
  } catch (error) {
    if (hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')) return null
    throw error
  }
}

function withDrift(answer: StatusAnswer | null, scope: Scope): readonly StatusRow[] {
  if (answer === null) return []
  const { definitionDigest, rows } = answer
  const hasDrift =
    definitionDigest !== null && scope.digest !== null && definitionDigest !== scope.digest
  if (!hasDrift) return rows
  return rows.map((row) => (row.project === scope.project ? { ...row, drift: true } : row))
}

function printNothing(scope: Scope, isJson: boolean, isAlone: boolean): CommandResult {
  const exitCode = exitCodes.notRunning
  if (isJson) return { output: { stdout: '[]\n' }, exitCode }
  const what = scope.project === null ? 'nothing' : `nothing of '${scope.project}'`
  const why = isAlone ? ' (no supervisor is running)' : ''
  return { output: { stdout: `${what} runs${why}\n` }, exitCode }
}

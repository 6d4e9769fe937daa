// `eudaemon status`: what runs. Exit status 3 when something asked for is not up.

import { hasCode } from '../../base/toolkit-error.ts'
import type { StatusAnswer } from '../../client/client.ts'
import type { StatusRow } from '../../protocol/response.ts'
import type { CommandResult, Deps, Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Options } from '../parse-arguments.ts'
import { printStatus } from '../print/status.ts'
import { findScope, type Scope } from '../scope.ts'
import { hasRow, matchRows } from '../select-rows.ts'

/** They go into the address of the request, which is not for long lists. */
const MAX_NAMES_ASKED = 32

export const run: Run = async (options, deps) => {
  const scope = await findScope(options, deps)
  const names = options.operands
  const isElsewhere = names.some((name) => name.includes('/'))
  const answer = await askFor(names, isElsewhere ? null : scope.project, deps)
  const isJson = options.has('json')
  if (answer === null && names.length === 0) return printNothing(scope, isJson, true)
  const all = inOrder(await withDrift(answer, scope, options, deps))
  const rows = names.length === 0 ? all : matchRows(all, scope.project, names)
  const exitCode = rows.length > 0 && rows.every(({ ready }) => ready) ? 0 : exitCodes.notRunning
  const stderr = printHold(answer)
  if (isJson) return { output: { stdout: `${JSON.stringify(rows, null, 2)}\n`, stderr }, exitCode }
  if (rows.length === 0) return printNothing(scope, false, false)
  const showsProject = scope.project === null || isElsewhere
  const { hasColour, isTerminal } = deps.out
  const width = isTerminal ? { columns: deps.out.columns } : {}
  const stdout = printStatus({ rows, nowMs: deps.now(), hasColour, showsProject, ...width })
  return { output: { stdout, stderr }, exitCode }
}

/** Nobody who looks should take what a held supervisor shows for what will happen. */
function printHold(answer: StatusAnswer | null): string {
  const reason = answer?.holdReason ?? null
  return reason === null ? '' : `eudaemon: the supervisor holds and changes nothing: ${reason}\n`
}

/** A few names are all that is asked for; when one is unknown, the others are needed to suggest. */
async function askFor(
  names: readonly string[],
  project: string | null,
  deps: Deps,
): Promise<StatusAnswer | null> {
  if (names.length > 0 && names.length <= MAX_NAMES_ASKED) {
    const answer = await statusOrNothing(deps, project, names)
    if (answer === null || names.every((name) => hasRow(answer.rows, name))) return answer
  }
  return await statusOrNothing(deps, project, [])
}

/** Null: no supervisor runs, so nothing does. */
async function statusOrNothing(
  deps: Deps,
  project: string | null,
  services: readonly string[],
): Promise<StatusAnswer | null> {
  try {
    return await (await deps.connect()).status({ project, services })
  } catch (error) {
    if (hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')) return null
    throw error
  }
}

/** Only when the digests differ is worth to look where. */
async function withDrift(
  answer: StatusAnswer | null,
  scope: Scope,
  options: Options,
  deps: Deps,
): Promise<readonly StatusRow[]> {
  if (answer === null) return []
  const { definitionDigest, rows } = answer
  const isSame = definitionDigest === null || definitionDigest === scope.digest
  if (isSame || scope.digest === null || scope.project === null) return rows
  const { findDrift } = await import('../drift.ts')
  const drifted = await findDrift(scope.project, options, deps)
  return rows.map((row) => (drifted.has(row.service) ? { ...row, drift: true } : row))
}

/** Instances of a service stand together, as a scaled one would not otherwise. */
function inOrder(rows: readonly StatusRow[]): readonly StatusRow[] {
  const groups = new Map<string, StatusRow[]>()
  for (const row of rows) {
    const key = `${row.project}/${row.service}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return [...groups.values()].flat()
}

function printNothing(scope: Scope, isJson: boolean, isAlone: boolean): CommandResult {
  const exitCode = exitCodes.notRunning
  if (isJson) return { output: { stdout: '[]\n' }, exitCode }
  const what = scope.project === null ? 'nothing' : `nothing of '${scope.project}'`
  const why = isAlone ? ' (no supervisor is running)' : ''
  return { output: { stdout: `${what} runs${why}\n` }, exitCode }
}

// `eudaemon status`: what runs. Exit status 3 when something asked for is not up.

import { hasCode, ToolkitError } from '../../base/toolkit-error.ts'
import type { StatusAnswer } from '../../client/client.ts'
import type { StatusRow } from '../../protocol/response.ts'
import type { CommandResult, Deps, Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { findScope, type Scope } from '../scope.ts'

const nothing: StatusAnswer = { rows: [], sequence: 0, definitionDigest: null }

export const run: Run = async (options, deps) => {
  const scope = await findScope(options, deps)
  const services = options.operands
  const { project } = scope
  const client = await deps.connect()
  let answer: StatusAnswer
  try {
    answer = await client.status({ project: asksElsewhere(services) ? null : project, services })
  } catch (error) {
    if (!hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')) throw error
    answer = nothing
    if (services.length === 0) return printNothing(scope, options.has('json'), true)
  }
  const missing = services.find((service) => !answer.rows.some((row) => isNamed(row, service)))
  if (missing !== undefined) {
    const all = services.length === 0 ? answer.rows : (await statusOrNothing(deps, project)).rows
    throw await noService(missing, all)
  }
  const rows = withDrift(answer, scope)
  if (options.has('json')) return { output: { stdout: toJson(rows) }, exitCode: exitCodeOf(rows) }
  if (rows.length === 0) return printNothing(scope, false, false)
  const { printStatus } = await import('../print/status.ts')
  const { hasColour } = deps.out
  const showsProject = project === null || services.some((service) => service.includes('/'))
  const stdout = printStatus({ rows, nowMs: deps.now(), hasColour, showsProject })
  return { output: { stdout }, exitCode: exitCodeOf(rows) }
}

/** `shop/web` is meant wherever this is. */
function asksElsewhere(services: readonly string[]): boolean {
  return services.some((service) => service.includes('/'))
}

async function statusOrNothing(deps: Deps, project: string | null): Promise<StatusAnswer> {
  try {
    return await (await deps.connect()).status({ project })
  } catch (error) {
    if (hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')) return nothing
    throw error
  }
}

function isNamed(row: StatusRow, selector: string): boolean {
  const own = [row.service, row.instance]
  return own.includes(selector) || own.some((name) => `${row.project}/${name}` === selector)
}

function withDrift(answer: StatusAnswer, scope: Scope): readonly StatusRow[] {
  const { definitionDigest } = answer
  const hasDrift =
    definitionDigest !== null && scope.digest !== null && definitionDigest !== scope.digest
  if (!hasDrift) return answer.rows
  return answer.rows.map((row) => (row.project === scope.project ? { ...row, drift: true } : row))
}

function exitCodeOf(rows: readonly StatusRow[]): CommandResult['exitCode'] {
  const isUp = rows.length > 0 && rows.every((row) => row.ready)
  return isUp ? exitCodes.done : exitCodes.notRunning
}

function toJson(rows: readonly StatusRow[]): string {
  return `${JSON.stringify(rows, null, 2)}\n`
}

function printNothing(scope: Scope, isJson: boolean, isSupervisorMissing: boolean): CommandResult {
  const exitCode = exitCodes.notRunning
  if (isJson) return { output: { stdout: '[]\n' }, exitCode }
  const what = scope.project === null ? 'nothing' : `nothing of '${scope.project}'`
  const why = isSupervisorMissing ? ' (no supervisor is running)' : ''
  return { output: { stdout: `${what} runs${why}\n` }, exitCode }
}

async function noService(selector: string, rows: readonly StatusRow[]): Promise<ToolkitError> {
  const { suggest } = await import('../../base/suggest.ts')
  const close = suggest(
    selector,
    rows.flatMap((row) => [row.service, row.instance]),
  )
  const hint = close === undefined ? 'See `eudaemon status --all`.' : `Did you mean '${close}'?`
  return new ToolkitError('ERR_NO_SERVICE', `there is no service '${selector}'`, { hint })
}

// `eudaemon down`: stop everything of a project and wait until nothing is left.

import { hasCode } from '../../base/toolkit-error.ts'
import { expectEnd } from '../../client/await-end.ts'
import type { WantAnswer } from '../../protocol/response.ts'
import { CommandFailure, type CommandResult, type Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import {
  awaitOutcome,
  printKilled,
  printProblems,
  readTimeout,
  sameGoal,
  toExitCode,
} from '../outcome.ts'
import { findScope } from '../scope.ts'

export const run: Run = async (options, deps) => {
  const timeoutMs = readTimeout(options)
  const { project } = await findScope(options, deps)
  if (project === null) {
    throw new CommandFailure(
      exitCodes.invalidDefinition,
      'eudaemon: which project? There is no definition in this folder; name one with -f\n',
    )
  }
  const client = await deps.connect()
  const isJson = options.has('json')
  const awaitEnd = await expectEnd(client, project)
  let answer: WantAnswer
  try {
    answer = await client.remove(project)
  } catch (error) {
    const isDown = hasCode(error, 'ERR_NO_PROJECT') || hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')
    if (!isDown) throw error
    return nothingRuns(project, isJson)
  }
  if (options.has('no-wait')) return { output: {}, exitCode: exitCodes.done }
  const { instances, sequence } = answer
  const goals = sameGoal(instances, 'down')
  const request = { client, goals, project, since: sequence, timeoutMs, doing: 'stopping' }
  const result = await awaitOutcome(request, deps)
  if (result.outcome === 'reached') await awaitEnd()
  const killed = Object.fromEntries(result.killed)
  const stdout = isJson
    ? `${JSON.stringify({ project, stopped: instances, killed, left: result.pending })}\n`
    : printKilled(result)
  return {
    output: { stdout, stderr: printProblems(result, timeoutMs) },
    exitCode: toExitCode(result),
  }
}

/** That is what was asked for: no failure. */
function nothingRuns(project: string, isJson: boolean): CommandResult {
  const stdout = isJson
    ? `${JSON.stringify({ project, stopped: [], killed: {}, left: [] })}\n`
    : `nothing of '${project}' runs\n`
  return { output: { stdout }, exitCode: exitCodes.done }
}

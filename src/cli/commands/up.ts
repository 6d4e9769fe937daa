// `eudaemon up`: apply a definition. With -d wait until all is ready, else go on in follow-up.ts.

import { hasCode } from '../../base/toolkit-error.ts'
import type { Client } from '../../client/client.ts'
import type { WaitResult } from '../../client/wait-for.ts'
import type { ProjectDefinition } from '../../model/service-definition.ts'
import type { ApplyRequest } from '../../protocol/request.ts'
import type { ApplyAnswer } from '../../protocol/response.ts'
import type { CommandResult, Deps, Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import {
  awaitOutcome,
  printProblems,
  readTimeout,
  sameGoal,
  shortId,
  toExitCode,
} from '../outcome.ts'
import type { Options } from '../parse-arguments.ts'
import { printStatus } from '../print/status.ts'
import { requireProject } from '../project.ts'

export const run: Run = async (options, deps) => {
  const timeoutMs = readTimeout(options)
  const definition = await requireProject(options, deps)
  const services = options.operands.length === 0 ? null : options.operands
  const request: ApplyRequest = { definition, services, environment: plainEnvironment(deps) }
  const client = await deps.ensureSupervisor()
  if (options.has('detach')) {
    const answer = await apply(client, request, deps)
    return await untilReady({ client, answer, definition, timeoutMs, options }, deps)
  }
  const { followUp } = await import('../follow-up.ts')
  const startedUs = deps.now() * 1_000
  const answer = await apply(client, request, deps)
  const { instances, sequence } = answer
  return await followUp({ client, definition, instances, startedUs, sequence }, deps)
}

/** The supervisor may just be ending, as its last project is gone: then a new one is needed. */
async function apply(client: Client, request: ApplyRequest, deps: Deps): Promise<ApplyAnswer> {
  try {
    return await client.apply(request)
  } catch (error) {
    const hasEnded = hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')
    if (!hasEnded && !hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE')) throw error
    await deps.ensureSupervisor()
    return await client.apply(request)
  }
}

function plainEnvironment({ env }: Deps): Readonly<Record<string, string>> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined
  })
  return Object.fromEntries(entries)
}

interface Detached {
  readonly client: Client
  readonly answer: ApplyAnswer
  readonly definition: ProjectDefinition
  readonly timeoutMs: number | null
  readonly options: Options
}

async function untilReady(detached: Detached, deps: Deps): Promise<CommandResult> {
  const { client, answer, definition, timeoutMs, options } = detached
  const project = definition.name
  const goals = sameGoal(answer.instances, 'ready')
  const since = answer.sequence
  const request = { client, goals, project, since, timeoutMs, doing: 'starting' }
  const result = await awaitOutcome(request, deps)
  const exitCode = toExitCode(result)
  const problems = printProblems(result, timeoutMs)
  const stderr = `${problems}${await lastWords(result, deps)}`
  const { rows } = await client.status({ project })
  if (options.has('json')) {
    return { output: { stdout: `${JSON.stringify(rows, null, 2)}\n`, stderr }, exitCode }
  }
  if (exitCode !== exitCodes.done && rows.length > MAX_TABLE_ROWS)
    return { output: { stderr }, exitCode }
  const { hasColour, isTerminal } = deps.out
  const width = isTerminal ? { columns: deps.out.columns } : {}
  const view = { rows, nowMs: deps.now(), hasColour, showsProject: false, ...width }
  const table = rows.length > MAX_TABLE_ROWS ? '' : printStatus(view)
  const summary = exitCode === exitCodes.done ? `${project}: ${answer.instances.length} up\n` : ''
  return { output: { stdout: `${table}${summary}`, stderr }, exitCode }
}

/** Of those that failed: their own words say more than ours. */
async function lastWords(result: WaitResult, deps: Deps): Promise<string> {
  if (result.failures.length === 0) return ''
  const { printLastWords } = await import('../last-words.ts')
  const texts = await Promise.all(
    result.failures.slice(0, MAX_LAST_WORDS).map(async ({ id }) => {
      const text = await printLastWords(deps, id)
      return text === '' ? '' : `  the last lines of ${shortId(id)}:\n${text}`
    }),
  )
  return texts.join('')
}

const MAX_LAST_WORDS = 3

/** More than this is not read by anybody; `status` shows it on request. */
const MAX_TABLE_ROWS = 50

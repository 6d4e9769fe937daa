// `eudaemon scale web=3`: how many instances of a service there are.

import { quote } from '../../base/quote.ts'
import { ToolkitError } from '../../base/toolkit-error.ts'
import type { Goal } from '../../client/wait-for.ts'
import { instanceIdOf } from '../../protocol/response.ts'
import { CommandFailure, type Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { readTimeout, settle } from '../outcome.ts'
import { findScope } from '../scope.ts'

export const run: Run = async (options, deps) => {
  const timeoutMs = readTimeout(options)
  const scope = await findScope(options, deps)
  const wanted = options.operands.map((word) => parseCount(word, scope.project))
  const client = await deps.connect()
  const goals = new Map<string, Goal>()
  for (const { project, service, count } of wanted) {
    const { rows } = await client.status({ project })
    const { instances } = await client.scale({ project, service, count })
    for (const row of rows) if (row.service === service) goals.set(instanceIdOf(row), 'down')
    for (const id of instances) goals.set(id, 'ready')
  }
  if (options.has('no-wait')) return { output: {}, exitCode: exitCodes.done }
  return settle({ client, goals, project: null, timeoutMs, doing: 'scaling' }, deps)
}

interface Wanted {
  readonly project: string
  readonly service: string
  readonly count: number
}

function parseCount(word: string, ownProject: string | null): Wanted {
  const match = /^(?:([^/=]+)\/)?([^/=]+)=(\d{1,6})$/.exec(word)
  const service = match?.[2]
  if (!match || service === undefined) {
    throw new CommandFailure(
      exitCodes.wrongUsage,
      `eudaemon scale: ${quote(word)} must look like web=3\n`,
    )
  }
  const project = match[1] ?? ownProject
  if (project === null) {
    const hint = `Write project/${service}=${match[3]}, or go to the folder of the project.`
    throw new ToolkitError('ERR_NO_PROJECT', `which project has '${service}'?`, { hint })
  }
  return { project, service, count: Number(match[3]) }
}

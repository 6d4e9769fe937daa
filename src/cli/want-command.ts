// start, stop, restart and reload are one command with four verbs.

import type { Goal } from '../client/wait-for.ts'
import type { WantVerb } from '../protocol/request.ts'
import type { Run } from './deps.ts'
import { exitCodes } from './exit-codes.ts'
import { readTimeout, sameGoal, settle } from './outcome.ts'
import { findScope } from './scope.ts'

export interface WantCommand {
  readonly verb: WantVerb
  readonly goal: Goal
  readonly doing: string
}

/** The `run` of such a command. */
export function createWantCommand({ verb, goal, doing }: WantCommand): Run {
  return async (options, deps) => {
    const timeoutMs = readTimeout(options)
    const { project } = await findScope(options, deps)
    const client = await deps.connect()
    const before = goal === 'restarted' ? (await client.status({ project })).rows : []
    const services = options.operands
    const force = options.has('kill')
    const { instances, sequence } = await client.want({ verb, project, services, force })
    if (options.has('no-wait')) return { output: {}, exitCode: exitCodes.done }
    const goals = sameGoal(instances, goal)
    return settle({ client, goals, before, project: null, since: sequence, timeoutMs, doing }, deps)
  }
}

// `eudaemon wait`: until services are ready, or down.

import type { Goal } from '../../client/wait-for.ts'
import { instanceIdOf } from '../../protocol/response.ts'
import type { Run } from '../deps.ts'
import { readTimeout, sameGoal, settle } from '../outcome.ts'
import { findScope } from '../scope.ts'
import { matchRows } from '../select-rows.ts'

export const run: Run = async (options, deps) => {
  const timeoutMs = readTimeout(options)
  const goal: Goal = options.value('for') === 'down' ? 'down' : 'ready'
  const { project } = await findScope(options, deps)
  const client = await deps.connect()
  const { rows } = await client.status()
  const asked = matchRows(rows, project, options.operands)
  // Without names: what is wanted up; a service that nobody started is not waited for.
  const isNamed = options.operands.length > 0
  const wanted = asked.filter(({ desired }) => isNamed || goal === 'down' || desired === 'up')
  const goals = sameGoal(wanted.map(instanceIdOf), goal)
  return settle({ client, goals, project: null, timeoutMs, doing: 'waiting for' }, deps)
}

// `eudaemon supervise`: the supervisor in the foreground.

import type { Run } from '../deps.ts'
import { requireProject } from '../project.ts'

export const run: Run = async (options, deps) => {
  const named = options.value('file')
  // A bad definition is told now, with its lines; the supervisor would only note it in its log.
  const file = named === undefined ? null : (await requireProject(options, deps)).file
  const code = await deps.supervise({ file, isOnDemand: options.has('on-demand') })
  return { output: {}, exitCode: code }
}

// `eudaemon run`: a command as a daemon of its own, or as a service of the supervisor.

import type { Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'

export const run: Run = async (options, deps) => {
  if (!options.has('supervised')) {
    const { runDaemon } = await import('../run-daemon.ts')
    return runDaemon(options, deps)
  }
  if (options.operands.length === 0) {
    const stderr = 'eudaemon run: no command given; write it after --\n'
    return { output: { stderr }, exitCode: exitCodes.wrongUsage }
  }
  const { runSupervised } = await import('../run-supervised.ts')
  return runSupervised(options, deps)
}

// `eudaemon completion SHELL`.

import { printCompletion, type Shell } from '../completions.ts'
import type { Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'

export const run: Run = async (options) => {
  // The table has checked the word.
  const shell = options.operands[0] as Shell
  return { output: { stdout: printCompletion(shell) }, exitCode: exitCodes.done }
}

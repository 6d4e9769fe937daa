// `eudaemon signal`: a signal to the main processes of services.

import { quote } from '../../base/quote.ts'
import { parseSignal, signalNumbers } from '../../base/signal.ts'
import { suggest } from '../../base/suggest.ts'
import { CommandFailure, type Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { findScope } from '../scope.ts'

export const run: Run = async (options, deps) => {
  const [name = '', ...services] = options.operands
  const signal = parseSignal(name)
  if (signal === undefined) {
    const close = suggest(name.replace(/^SIG/i, ''), Object.keys(signalNumbers))
    const hint = close === undefined ? '' : `; did you mean '${close}'?`
    throw new CommandFailure(exitCodes.wrongUsage, `eudaemon: ${quote(name)} is no signal${hint}\n`)
  }
  const { project } = await findScope(options, deps)
  const client = await deps.connect()
  const { rows } = await client.status({ project })
  const { instances } = await client.signal({ signal, project, services })
  const asked = new Set(instances)
  const hasProcess = rows.some(
    (row) => row.pid !== null && asked.has(`${row.project}/${row.instance}`),
  )
  if (hasProcess) return { output: {}, exitCode: exitCodes.done }
  return {
    output: { stderr: 'eudaemon: none of them runs: no process got the signal\n' },
    exitCode: exitCodes.notRunning,
  }
}

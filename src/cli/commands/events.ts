// `eudaemon events`: the recent past, then what happens. Survives the death of the supervisor.

import { hasCode } from '../../base/toolkit-error.ts'
import type { EventLine } from '../../protocol/response.ts'
import { CommandFailure, type Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { createLinePrinter } from '../print/log-lines.ts'
import { findScope } from '../scope.ts'

/** After a break the supervisor is waited for this long. */
const RECONNECT_MS = 30_000

export const run: Run = async (options, deps) => {
  const { out } = deps
  const isJson = options.has('json')
  const isFollowing = !options.has('no-follow')
  let since = readSequence(options.value('since'))
  const { project } = await findScope(options, deps)
  const printer = createLinePrinter({
    hasColour: out.hasColour,
    isTerminal: out.isTerminal,
    showsTime: true,
    showsProject: project === null,
    instances: [],
    showsName: true,
  })
  const stop = new AbortController()
  const removeListener = deps.onSignal(['SIGINT', 'SIGTERM'], () => stop.abort())

  function show(line: EventLine): void {
    if ('notice' in line) {
      deps.err.write(`eudaemon: ${line.notice.message}\n`)
      return
    }
    since = line.sequence
    const text = isJson ? `${JSON.stringify(line)}\n` : printer.event(line)
    if (!out.write(text)) stop.abort()
  }

  try {
    for (let isFirst = true; !stop.signal.aborted; isFirst = false) {
      const client = await deps.connect(isFirst ? undefined : RECONNECT_MS)
      try {
        // From the beginning of the history, unless told otherwise.
        const query = { since: since ?? (isFollowing ? 0 : null), isFollowing, project }
        await client.events({ ...query, signal: stop.signal }, show)
        if (!isFollowing) break
      } catch (error) {
        if (stop.signal.aborted) break
        const isBreak = hasCode(error, 'ERR_SUPERVISOR_UNREACHABLE')
        if (isFirst || !isBreak) throw error
      }
    }
  } finally {
    removeListener()
  }
  return { output: {}, exitCode: exitCodes.done }
}

function readSequence(text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^\d{1,16}$/.test(text)) return Number(text)
  throw new CommandFailure(exitCodes.wrongUsage, 'eudaemon events: --since must be a number\n')
}

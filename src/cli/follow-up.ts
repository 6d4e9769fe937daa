// `eudaemon up` in the foreground: merged logs and changes of state until everything has ended or
// somebody presses Ctrl-C. The first stops in order, the second kills; nothing is left behind.

import { hasCode } from '../base/toolkit-error.ts'
import { expectEnd } from '../client/await-end.ts'
import type { Client } from '../client/client.ts'
import { followRows } from '../client/follow-events.ts'
import { noteKilled, waitFor } from '../client/wait-for.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import type { StatusRow } from '../protocol/response.ts'
import type { CommandResult, Deps } from './deps.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { followLogs } from './follow-logs.ts'
import { printKilled, sameGoal } from './outcome.ts'
import { createLinePrinter } from './print/log-lines.ts'
import { createPaint } from './print/style.ts'

export interface FollowUp {
  readonly client: Client
  readonly definition: ProjectDefinition
  /** What is being started: `shop/web@1`. */
  readonly instances: readonly string[]
  readonly startedUs: number
  /** The last event before. */
  readonly sequence: number
}

/** When all is down, the last lines are waited for as long as lines come, at most this long. */
const LAST_LINES_MS = 2_000
const QUIET_MS = 300

export async function followUp(options: FollowUp, deps: Deps): Promise<CommandResult> {
  const { client, definition, startedUs } = options
  const { out, err } = deps
  const project = definition.name
  const paint = createPaint(err.hasColour)
  const printer = createLinePrinter({
    hasColour: out.hasColour,
    isTerminal: out.isTerminal,
    showsTime: false,
    showsProject: false,
    instances: options.instances,
    showsName: true,
  })
  const instances = new Set(options.instances)
  // Told here too: the supervisor may have ended before a wait for the end has begun.
  const killed = new Map<string, string>()
  const logs = new AbortController()
  const rows = new AbortController()
  let lastItemMs = deps.now()
  let code: ExitCode | null = null
  const stop = Promise.withResolvers<void>()

  const logsDone = followLogs({
    directory: deps.directories.log,
    instances,
    sinceUs: startedUs,
    signal: logs.signal,
    onItem: (item) => {
      lastItemMs = deps.now()
      return out.write(printer.logItem(item))
    },
  }).then((end) => {
    if (end === 'unread') stop.resolve()
  })

  const rowsDone = followProject(
    { client, project, signal: rows.signal, sequence: options.sequence, instances, killed },
    (text, all) => {
      out.write(text)
      code ??= codeAtEnd(all)
      if (code !== null) stop.resolve()
    },
    printer,
  )

  let presses = 0
  const removeListener = deps.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => {
    presses += 1
    if (presses === 1) stop.resolve()
    else killAll(client, project)
    const what = presses === 1 ? 'stopping; Ctrl-C again kills at once' : 'killing'
    err.write(`${paint('dim', `eudaemon: ${what}`)}\n`)
  })

  try {
    await Promise.race([stop.promise, rowsDone])
    const others = await removeProject(client, project, [...instances])
    const endMs = deps.now() + LAST_LINES_MS
    while (deps.now() < endMs && deps.now() - lastItemMs < QUIET_MS) await deps.delay(QUIET_MS / 4)
    const stderr = printKilled({ killed: new Map([...others, ...killed]) })
    return { output: { stderr }, exitCode: code ?? exitCodes.done }
  } finally {
    removeListener()
    rows.abort()
    logs.abort()
    await Promise.allSettled([rowsDone, logsDone])
  }
}

interface FollowProject {
  readonly client: Client
  readonly project: string
  readonly signal: AbortSignal
  readonly sequence: number
  /** Those that appear later are added. */
  readonly instances: Set<string>
  readonly killed: Map<string, string>
}

async function followProject(
  { client, project, signal, sequence, instances, killed }: FollowProject,
  onChange: (text: string, all: ReadonlyMap<string, StatusRow>) => void,
  printer: ReturnType<typeof createLinePrinter>,
): Promise<void> {
  let all: ReadonlyMap<string, StatusRow> = new Map()
  await followRows(
    { client, project, signal, mayBeGone: true, firstSince: sequence },
    {
      onPast: (_row, event) => {
        noteKilled(event, killed)
        onChange(printer.event(event), all)
      },
      onRows: (rows) => {
        all = rows
        for (const id of rows.keys()) instances.add(id)
        onChange('', all)
      },
      onRow: (row, event) => {
        instances.add(`${row.project}/${row.instance}`)
        noteKilled(event, killed)
        onChange(printer.event(event), all)
      },
    },
  )
}

/** Null while something runs or is to run. 1 when something has failed. */
function codeAtEnd(rows: ReadonlyMap<string, StatusRow>): ExitCode | null {
  const all = [...rows.values()]
  if (all.length === 0) return null
  const isOver = all.every(({ phase, pid, desired }) => {
    const isDone = phase === 'up' && pid === null
    return (
      phase === 'failed' || isDone || phase === 'down' || (phase === 'waiting' && desired === 'up')
    )
  })
  const mayStillStart = all.some(({ phase }) => phase === 'waiting')
  const hasFailed = all.some(({ phase }) => phase === 'failed')
  if (!isOver || (mayStillStart && !hasFailed)) return null
  return hasFailed ? exitCodes.failed : exitCodes.done
}

/** Resolves when nothing of it is left; gives what had to be killed. */
async function removeProject(
  client: Client,
  project: string,
  instances: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const awaitEnd = await expectEnd(client, project)
  let since: number
  try {
    since = (await client.remove(project)).sequence
  } catch (error) {
    const isGone = hasCode(error, 'ERR_NO_PROJECT') || hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')
    if (isGone) return new Map()
    throw error
  }
  const goals = sameGoal(instances, 'down')
  const waiting = { client, goals, project, since, timeoutMs: null, isFailFast: false }
  const result = await waitFor(waiting)
  await awaitEnd()
  return result.killed
}

/** Not waited for: the first Ctrl-C already waits until everything is down. */
function killAll(client: Client, project: string): void {
  client.want({ verb: 'down', project, services: [], force: true }).catch((error: unknown) => {
    // It may have ended meanwhile, which is what was wanted.
    if (!hasCode(error, 'ERR_NO_PROJECT') && !hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING'))
      throw error
  })
}

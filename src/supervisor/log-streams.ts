// Logs over the control API, for programs that cannot read the files themselves. Read as fast as
// the other side takes them, and not faster: nothing piles up here.

import type { ServerResponse } from 'node:http'
import { type InstanceId, toInstanceId } from '../base/brands.ts'
import { MAX_LINES_ASKED } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { type ReadLogOptions, readLog } from '../client/log-reader.ts'
import { parseLogTime } from '../client/log-time.ts'
import { instanceIdOf } from '../protocol/response.ts'
import { selectRows } from './control-answers.ts'
import type { ControlTarget } from './control-target.ts'

/** The loop gets its turn after so many lines. */
const LINES_A_TURN = 100

/** Resolves when all was sent or the other side has gone. Throws ERR_BAD_REQUEST before that. */
export async function streamLogs(
  target: ControlTarget,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const stop = new AbortController()
  const find = (): readonly InstanceId[] =>
    selectRows(target, query).map((row) => toInstanceId(instanceIdOf(row)))
  const options: ReadLogOptions = {
    directory: target.logDirectory,
    instances: find(),
    ...readFilters(query),
    ...(query.get('follow') === '1'
      ? { follow: { signal: stop.signal, listInstances: find } }
      : {}),
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  response.once('close', () => stop.abort())
  try {
    await send(options, response, stop.signal)
  } catch (error) {
    // What node:fs says of a file: not worth the life of the supervisor.
    const message = error instanceof Error ? error.message : String(error)
    response.write(`${JSON.stringify({ notice: { code: 'ERR_KERNEL_CALL', message } })}\n`)
  }
  response.end()
}

async function send(
  options: ReadLogOptions,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let count = 0
  for await (const { instance, ...item } of readLog(options)) {
    if (signal.aborted) return
    const [project, name] = instance.split('/')
    const hasRoom = response.write(`${JSON.stringify({ project, instance: name, ...item })}\n`)
    count += 1
    if (!hasRoom) await drained(response)
    else if (count % LINES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

function readFilters(query: URLSearchParams): Partial<ReadLogOptions> {
  const lines = query.get('lines')
  if (lines !== null && !(/^\d{1,7}$/.test(lines) && Number(lines) <= MAX_LINES_ASKED)) {
    throw new ToolkitError('ERR_BAD_REQUEST', `'lines' must be a number up to ${MAX_LINES_ASKED}`)
  }
  const stream = query.get('stream')
  if (stream !== null && stream !== 'stdout' && stream !== 'stderr') {
    throw new ToolkitError('ERR_BAD_REQUEST', "'stream' must be stdout or stderr")
  }
  return {
    lastLines: lines === null ? undefined : Number(lines),
    sinceUs: readTime(query, 'since'),
    untilUs: readTime(query, 'until'),
    stream: stream ?? undefined,
  }
}

function readTime(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const time = parseLogTime(text, Date.now())
  if (time !== undefined) return time
  throw new ToolkitError('ERR_BAD_REQUEST', `'${name}' must be a time such as 10min or 14:30`)
}

/** Also when the other side has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve()
    const onDone = (): void => {
      response.off('drain', onDone)
      response.off('close', onDone)
      resolve()
    }
    response.on('drain', onDone)
    response.on('close', onDone)
  })
}

// `eudaemon logs`: from the files themselves, so that it works without a supervisor too.

import { readdirSync } from 'node:fs'
import { toInstanceId } from '../../base/brands.ts'
import { quote } from '../../base/quote.ts'
import { suggest } from '../../base/suggest.ts'
import { ToolkitError } from '../../base/toolkit-error.ts'
import { type ReadLogOptions, readLog } from '../../client/log-reader.ts'
import { parseLogTime } from '../../client/log-time.ts'
import { parseSelector } from '../../model/service-name.ts'
import type { LogItem } from '../../protocol/log-line.ts'
import { CommandFailure, type Deps, type Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Options } from '../parse-arguments.ts'
import { createLinePrinter, printTime } from '../print/log-lines.ts'
import { findScope } from '../scope.ts'

/** The loop gets its turn after so many lines: Ctrl-C must be heard while logs pour out. */
const LINES_A_TURN = 500

export const run: Run = async (options, deps) => {
  const { out } = deps
  const { project } = await findScope(options, deps)
  const directory = deps.directories.log
  const names = options.operands
  const find = (): readonly string[] => findInstances(directory, project, names)
  const instances = find()
  const isFollowing = options.has('follow')
  if (!isFollowing || names.length > 0) assertNamed(instances, names, directory)
  const stop = new AbortController()
  const removeListener = deps.onSignal(['SIGINT', 'SIGTERM'], () => stop.abort())
  const isJson = options.has('json')
  const printer = createLinePrinter({
    hasColour: out.hasColour,
    isTerminal: out.isTerminal,
    showsTime: options.has('timestamps'),
    showsProject: project === null,
    instances,
    showsName: instances.length !== 1 || isFollowing,
  })
  try {
    let count = 0
    const items = readLog({
      directory,
      instances: instances.map(toInstanceId),
      ...readFilters(options, deps),
      ...(isFollowing
        ? { follow: { signal: stop.signal, listInstances: () => find().map(toInstanceId) } }
        : {}),
    })
    for await (const item of items) {
      if (!out.write(isJson ? toJson(item) : printer.logItem(item))) break
      count += 1
      if (count % LINES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
      if (stop.signal.aborted) break
    }
  } finally {
    removeListener()
  }
  return { output: {}, exitCode: exitCodes.done }
}

type Filters = Pick<ReadLogOptions, 'lastLines' | 'sinceUs' | 'untilUs' | 'stream' | 'grep'>

function readFilters(options: Options, deps: Deps): Filters {
  const lines = options.value('lines')
  if (lines !== undefined && !/^\d{1,9}$/.test(lines)) throw wrong(`${quote(lines)} is no number`)
  const stream = options.value('stream')
  return {
    lastLines: lines === undefined ? undefined : Number(lines),
    sinceUs: readTime(options.value('since'), deps),
    untilUs: readTime(options.value('until'), deps),
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
    grep: readPattern(options.value('grep')),
  }
}

function readTime(text: string | undefined, deps: Deps): number | undefined {
  if (text === undefined) return undefined
  const time = parseLogTime(text, deps.now())
  if (time !== undefined) return time
  throw wrong(`${quote(text)} is no time; write 10min, 14:30 or 2026-01-31T14:30`)
}

function readPattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw wrong(`${quote(text)} is no regular expression: ${why}`)
  }
}

function wrong(message: string): CommandFailure {
  return new CommandFailure(exitCodes.wrongUsage, `eudaemon logs: ${message}\n`)
}

/** Those that have a log: `<directory>/<project>/<service>@<n>`. */
function findInstances(
  directory: string,
  project: string | null,
  names: readonly string[],
): readonly string[] {
  const selectors = names.map((name) => parseSelector(name))
  const isElsewhere = selectors.some((selector) => selector?.project)
  const projects = project === null || isElsewhere ? list(directory) : [project]
  const all = projects.flatMap((name) =>
    list(`${directory}/${name}`)
      .filter((instance) => instance.includes('@'))
      .map((instance) => `${name}/${instance}`),
  )
  if (names.length === 0) return all
  return all.filter((id) => {
    const found = parseSelector(id)
    return selectors.some(
      (selector) =>
        selector !== undefined &&
        found?.service === selector.service &&
        (selector.index === null || selector.index === found.index) &&
        (selector.project ?? project ?? found.project) === found.project,
    )
  })
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort(compareNames)
  } catch (error) {
    const code = error instanceof Error ? Reflect.get(error, 'code') : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

/** web@2 before web@10. */
function compareNames(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true })
}

function assertNamed(
  instances: readonly string[],
  names: readonly string[],
  directory: string,
): void {
  for (const name of names) {
    const wanted = parseSelector(name)
    const isThere = instances.some((id) => parseSelector(id)?.service === wanted?.service)
    if (isThere) continue
    const known = list(directory).flatMap((project) => list(`${directory}/${project}`))
    const services = new Set(known.map((instance) => instance.replace(/@.*$/, '')))
    const close = suggest(name, services)
    const hint = close === undefined ? 'It has never run.' : `Did you mean '${close}'?`
    throw new ToolkitError('ERR_NO_SERVICE', `there is no log of '${name}'`, { hint })
  }
}

function toJson(item: LogItem): string {
  const { instance, timeUs, ...rest } = item
  const [project, name] = instance.split('/')
  const shown = { time: printTime(timeUs), project, instance: name, ...rest }
  return `${JSON.stringify(shown)}\n`
}

// The daemon program: wiring, and nothing clever. It has no other way to start than to recover, and
// hardly another way to stop than to die: what it was doing is on disk before it is done.

import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { toPid } from '../base/brands.ts'
import { hasCode, ToolkitError } from '../base/toolkit-error.ts'
import { isActive } from '../core/instance-state.ts'
import { turnIntoGuardian } from '../daemonize/guardian.ts'
import { controlSocketIn, type Directories } from '../protocol/directories.ts'
import { openBaseEnvironments } from '../runtime/base-environment.ts'
import { openStore } from '../runtime/descriptor-store.ts'
import { createEventHistory } from '../runtime/event-history.ts'
import { makeFolder } from '../runtime/folders.ts'
import { openHost } from '../runtime/host.ts'
import { type Journal, openJournal } from '../runtime/journal.ts'
import { openRuntime, type Runtime } from '../runtime/open-runtime.ts'
import { openProjectFiles, type ProjectFiles } from '../runtime/project-files.ts'
import { parseEnvFile } from '../syntax/env-file.ts'
import { openControlServer } from './control-server.ts'
import { type Crash, decideMode, faultOf, readCrashes, recordCrash } from './crash-guard.ts'
import { readProjectFile } from './load-project.ts'
import { createReport } from './report.ts'
import { createSupervisor, pidOf } from './supervisor.ts'

export interface SupervisorOptions {
  readonly directories: Directories
  /** A definition to apply when this is the first life. */
  readonly file: string | null
  /** End when the last project is gone: it was started because a command needed it. */
  readonly isOnDemand: boolean
}

/** Another supervisor holds the lock: the guardian gives up too (EX_TEMPFAIL of sysexits.h). */
const LOCKED_EXIT_CODE = 75

/** How long that lock may be held by somebody who is on the way out. */
const LOCK_PATIENCE_MS = 3_000
const LOCK_POLL_MS = 10

/** Runs until the last project is gone or the guardian is told to end; gives the exit status. */
export async function runSupervisor(options: SupervisorOptions): Promise<number> {
  const { directories } = options
  const report = createReport()
  makeFolder(directories.runtime, 0o700)
  makeFolder(directories.state, 0o700)
  makeFolder(directories.log, 0o750)
  const host = await openHostSoon(directories.runtime)
  if (host === 'locked') {
    report.note(`another supervisor runs in '${directories.home}'`)
    return LOCKED_EXIT_CODE
  }
  const journal = openJournal(directories.state)
  for (const problem of journal.problems) report.problem(problem)
  const wallMs = Date.now()
  let crashes = readCrashes(journal)
  const fault = faultOf(host.lastExit, wallMs)
  if (fault !== null) crashes = noteCrash(journal, crashes, fault)
  const last = crashes.at(-1)?.what ?? 'unknown'
  const isHeld = decideMode(crashes, wallMs) === 'hold'
  const holdReason = isHeld ? `it crashed ${crashes.length} times in a row: ${last}` : null
  process.on('uncaughtException', (error) => die(journal, crashes, error, report.note))
  const projects = openProjectFiles(directories.state)
  for (const problem of projects.problems) report.problem(problem)
  return await live({ options, journal, projects, holdReason, host, report })
}

/** What cannot be recorded counts in this life only. */
function noteCrash(
  journal: Journal,
  crashes: readonly Crash[],
  crash: Crash,
): ReturnType<typeof readCrashes> {
  try {
    return recordCrash(journal, crashes, crash)
  } catch (error) {
    if (!(error instanceof ToolkitError) || hasCode(error, 'ERR_KERNEL_CALL')) throw error
    return [...crashes, crash]
  }
}

/** The one before us may just have been killed, with threads that are not yet gone. */
async function openHostSoon(runtimeDirectory: string): Promise<ReturnType<typeof openHost>> {
  const endMs = performance.now() + LOCK_PATIENCE_MS
  for (;;) {
    const host = openHost(runtimeDirectory, process.env)
    if (host !== 'locked' || performance.now() > endMs) return host
    await delay(LOCK_POLL_MS)
  }
}

interface Life {
  readonly options: SupervisorOptions
  readonly journal: Journal
  readonly projects: ProjectFiles
  readonly holdReason: string | null
  readonly host: Exclude<ReturnType<typeof openHost>, 'locked'>
  readonly report: ReturnType<typeof createReport>
}

async function live(life: Life): Promise<number> {
  const { options, journal, projects, holdReason, host, report } = life
  const { directories } = options
  const history = createEventHistory(Date.now())
  const environments = openBaseEnvironments(`${directories.runtime}/environments`, process.env)
  const ended = Promise.withResolvers<number>()
  let runtime: Runtime | null = null
  runtime = await openRuntime({
    directories,
    journal,
    projects,
    holdReason,
    parseEnvFile,
    softOpenFiles: host.softOpenFiles,
    store: openStore(host.storeFds),
    reaper: toPid(host.guardian ?? process.pid),
    baseEnvironment: environments.of,
    onProblem: report.problem,
    onReport: (effect) => {
      history.add(effect, Date.now(), runtime === null ? null : pidOf(runtime, effect.id))
      report.transition(effect)
    },
    onProjectForgotten: (name) => {
      environments.forget(name)
      if (options.isOnDemand && runtime?.state.projects.size === 0) ended.resolve(0)
    },
  })
  const started = runtime
  collectAfterStorms(started)
  const held = started.holdReason()
  if (held !== null) report.problem(`hold mode, watching and changing nothing: ${held}`)
  host.watchGuardian(started.poller, () => {
    report.note('the guardian is gone: becoming the guardian, a new supervisor follows')
    turnIntoGuardian({
      runtimeDirectory: directories.runtime,
      supervisor: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
      environment: { ...host.environment, EUDAEMON_LAST_EXIT: '137' },
    })
  })
  const target = createSupervisor({
    runtime: started,
    history,
    environments,
    directories,
    version: ownVersion(),
    guardian: host.guardian,
    startedAt: new Date().toISOString(),
    problems: report.problems,
    features: host.features,
    now: host.now,
    checkPeer: host.checkPeer,
    end: () => ended.resolve(0),
  })
  const server = await openControlServer({ path: controlSocketIn(directories), target })
  if (options.file !== null && host.lastExit === undefined) applyFile(options.file, target, report)
  const endInOrder = () => stopEverything(started, () => ended.resolve(0))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, endInOrder)
  // It means nothing here. Node's own answer would be to open its debugger, the kernel's to end us.
  process.on('SIGUSR1', () => {})
  // A signal killed our predecessor before it listened, or it was killed while it stopped services.
  if (host.isAskedToEnd) endInOrder()
  // A project that was being removed when our predecessor died may be the last one.
  const isEmpty = started.state.projects.size === 0 && started.counters.strays === 0
  if (options.isOnDemand && host.lastExit !== undefined && isEmpty) ended.resolve(0)
  const code = await ended.promise
  await server.close()
  rmSync(controlSocketIn(directories), { force: true })
  if (started.state.projects.size === 0) {
    const killed = started.sweep()
    if (killed.length > 0) report.note(`killed what services had left behind: ${killed.join(', ')}`)
  }
  await started.close()
  journal.close()
  return code
}

/**
 * What a thousand starts leave on the heap would stay there for hours, because nothing is allocated
 * at rest. Collects once, some time after the last of many events; no timer is left at rest.
 */
function collectAfterStorms(runtime: Runtime): void {
  let timer: NodeJS.Timeout | null = null
  let seen = 0
  const watch = () => {
    const isStorm = runtime.handledEvents() - seen > STORM_EVENTS
    if (isStorm && globalThis.gc !== undefined) {
      seen = runtime.handledEvents()
      clearTimeout(timer ?? undefined)
      timer = setTimeout(() => globalThis.gc?.(), COLLECT_AFTER_MS)
      timer.unref()
    }
    runtime.onIdle(watch)
  }
  watch()
}

const STORM_EVENTS = 500
const COLLECT_AFTER_MS = 1_000

/** The guardian was told to end: services are stopped in order, then we end too. */
function stopEverything(runtime: Runtime, end: () => void): void {
  const ids = [...runtime.state.instances.keys()]
  runtime.ask({ type: 'want', verb: 'down', ids })
  const check = () => {
    const isBusy = [...runtime.state.instances.values()].some(isActive)
    if (!isBusy && runtime.queueLength() === 0) return end()
    runtime.onIdle(check)
  }
  runtime.onIdle(check)
}

function applyFile(
  file: string,
  target: ReturnType<typeof createSupervisor>,
  report: ReturnType<typeof createReport>,
): void {
  const definition = readProjectFile(file, process.env, report.problem)
  if (definition === null) return
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )
  target.applyProject({ definition, services: null, environment })
  target.onDecided((refusal) => {
    if (refusal !== null) report.problem(`'${file}' was not applied: ${refusal.message}`)
  })
}

function die(
  journal: Journal,
  crashes: ReturnType<typeof readCrashes>,
  error: unknown,
  note: (text: string) => void,
): void {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  note(`supervisor: internal error, starting again: ${what}`)
  noteCrash(journal, crashes, { atWallMs: Date.now(), what: what.slice(0, 2_000) })
  // No other way to stop than to die: no handler, no half-done work, whatever state we are in.
  process.kill(process.pid, 'SIGKILL')
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  return (manifest as { readonly version: string }).version
}

// daemonize(): the same call in two processes. In the first it starts the program again and ends
// with it; in the second it takes the steps that are left and returns. Under a supervisor there is
// one process only, and what belongs to the supervisor is left alone.

import { preventCoreDumps } from '../kernel/this-process.ts'
import { type DaemonizeOptions, type DaemonPlan, planOf } from './daemonize-options.ts'
import {
  changeUser,
  enterDirectory,
  loadEarly,
  replaceStream,
  setUserVariables,
  step,
  withDevNull,
} from './in-process.ts'
import { PidFile, removePidFileAtExit } from './own-pid-file.ts'
import { expectReady, type ReadyOptions, type ReadyResult, sayReady } from './ready.ts'
import { relaunch } from './relaunch.ts'
import { type Relaunched, takeMarker } from './relaunch-marker.ts'
import { findStarter } from './start-facts.ts'
import { isSupervised, type SupervisedBy } from './supervised-by.ts'

/** What daemonize() has made of this process. */
export interface Daemon {
  /** True for a process in the background, false when it stayed where it was. */
  readonly detached: boolean
  /** Who started the program and looks after it; null when nobody does. */
  readonly supervisor: SupervisedBy | null
  /** Absolute; null: there is none. */
  readonly pidFile: string | null
  /** Says that the program serves: the first process ends, the supervisor is told. */
  ready(options?: ReadyOptions): ReadyResult
}

let current: Promise<Daemon> | null = null

/**
 * Makes this program a daemon, unless somebody supervises it already. Node cannot fork, so the
 * program is executed a second time: **everything above this call runs twice**, in two processes
 * that share nothing. Call it first, and await it: what stands behind the call, outside of the
 * await, runs in the first process too.
 *
 * In the first process the promise never resolves. The process shows what the daemon writes to its
 * standard error and ends: with 0 after ready(), with the status of a daemon that ended before (128
 * and the number for a signal), with 2 when the time was over. Ctrl-C stops both.
 *
 * Rejects with a ToolkitError: ERR_BAD_OPTION; and where there is no first process to say it,
 * ERR_DAEMON_STEP, ERR_ALREADY_RUNNING and what a PID file can be refused for.
 */
export function daemonize(options: DaemonizeOptions = {}): Promise<Daemon> {
  current ??= become(options)
  return current
}

async function become(options: DaemonizeOptions): Promise<Daemon> {
  const relaunched = takeMarker()
  if (relaunched !== null) return finishDetached(planOf(options), relaunched)
  const starter = findStarter()
  const supervisor = isSupervised(starter) ? starter : null
  const { detach = 'auto' } = options
  if (detach === true || (detach === 'auto' && supervisor === null)) {
    return relaunch(() => planOf(options))
  }
  return finishInPlace(options, supervisor)
}

/** The second process: the engine has done what comes before a program's first instruction. */
function finishDetached(plan: DaemonPlan, { readyFd }: Relaunched): Daemon {
  const endsQuietly = plan.stderr.kind === 'null'
  if (endsQuietly) loadEarly()
  if (plan.pidFile !== null) removePidFileAtExit(plan.pidFile)
  becomeUser(plan)
  process.umask(plan.umask)
  enterDirectory(plan.directory)
  const before = (): void => {
    if (endsQuietly) withDevNull((devNull) => replaceStream(2, devNull))
  }
  expectReady({ fd: readyFd, before })
  return { detached: true, supervisor: null, pidFile: plan.pidFile, ready: sayReady }
}

/** Only what the program asks for in so many words; streams and session are the supervisor's. */
function finishInPlace(options: DaemonizeOptions, supervisor: SupervisedBy | null): Daemon {
  const plan = planOf(options)
  if (plan.pidFile !== null) {
    const pidFile = new PidFile(plan.pidFile).claim()
    process.on('exit', () => pidFile.release())
  }
  if (options.core === false) step('prevent core dumps', preventCoreDumps)
  becomeUser(plan)
  if (options.umask !== undefined) process.umask(plan.umask)
  if (options.workingDirectory !== undefined) enterDirectory(plan.directory)
  return { detached: false, supervisor, pidFile: plan.pidFile, ready: sayReady }
}

function becomeUser({ change, user }: DaemonPlan): void {
  if (change !== null) changeUser(change)
  if (user !== null) setUserVariables(user)
}

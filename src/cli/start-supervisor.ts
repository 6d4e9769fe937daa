// From a command to a supervisor: in the background when one is needed, in this process for
// `supervise`. In both cases a guardian is above it: this process, turned into a shell.

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ToolkitError } from '../base/toolkit-error.ts'
import { canConnect } from '../client/connection.ts'
import {
  controlSocketIn,
  type Directories,
  MAX_SOCKET_PATH_BYTES,
} from '../protocol/directories.ts'
import type { SuperviseOptions } from './deps.ts'
import { exitCodes } from './exit-codes.ts'

interface Place {
  readonly directories: Directories
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * A small young generation, and the right to collect after a storm instead of at leisure; no
 * debugger for whoever sends SIGUSR1.
 */
const supervisorFlags: readonly string[] = [
  ...['--max-semi-space-size=1', '--expose-gc', '--disable-sigusr1'],
]

/** A cold start with a thousand services to adopt takes less than a tenth of this. */
const START_LIMIT_MS = 20_000
const POLL_MS = 15
/** How long a lock may be held by somebody who does not answer. */
const LOCK_PATIENCE_MS = 5_000
const SHOWN_LOG_BYTES = 2_000

/** Resolves when a supervisor accepts connections. */
export async function ensureSupervisor({ directories, env }: Place): Promise<void> {
  const socketPath = controlSocketIn(directories)
  assertShort(socketPath)
  if (await canConnect(socketPath)) return
  const { startGuardian } = await import('../daemonize/start-guardian.ts')
  const logFile = `${directories.state}/supervisor.log`
  startGuardian({
    runtimeDirectory: directories.runtime,
    logFile,
    command: superviseCommand({ file: null, isOnDemand: true }),
    environment: withoutGuardian(env),
  })
  const endMs = performance.now() + START_LIMIT_MS
  while (!(await canConnect(socketPath))) {
    if (performance.now() > endMs) throw neverCame(logFile)
    await delay(POLL_MS)
  }
}

function assertShort(socketPath: string): void {
  const bytes = Buffer.byteLength(socketPath)
  if (bytes <= MAX_SOCKET_PATH_BYTES) return
  const limit = `${bytes} bytes, a socket may have ${MAX_SOCKET_PATH_BYTES}`
  throw new ToolkitError(
    'ERR_BAD_HOME',
    `the path of the control socket is too long (${limit}): '${socketPath}'`,
    { hint: 'Set EUDAEMON_HOME to a folder with a shorter path.' },
  )
}

/** Becomes the guardian, or runs below one that is there already. */
export async function superviseHere(options: Place & SuperviseOptions): Promise<number> {
  const { directories, env, file, isOnDemand } = options
  const isGuarded = env['EUDAEMON_GUARDIAN_PID'] === String(process.ppid)
  if (isGuarded) {
    const { runSupervisor } = await import('../supervisor/main.ts')
    return runSupervisor({ directories, file, isOnDemand })
  }
  const { mkdirSync } = await import('node:fs')
  mkdirSync(directories.runtime, { recursive: true, mode: 0o700 })
  const { becomeGuardian } = await import('../daemonize/guardian.ts')
  const socketPath = controlSocketIn(directories)
  // Who holds the lock without answering is on its way out: killed a moment ago, its threads not
  // yet gone, or ending because its last project went.
  const endMs = performance.now() + LOCK_PATIENCE_MS
  do {
    becomeGuardian({
      runtimeDirectory: directories.runtime,
      supervisor: superviseCommand({ file, isOnDemand }),
      environment: withoutGuardian(env),
    })
    await delay(POLL_MS)
  } while (performance.now() < endMs && !(await canConnect(socketPath)))
  process.stderr.write(`eudaemon: another supervisor runs in '${directories.home}'\n`)
  return exitCodes.failed
}

function superviseCommand({ file, isOnDemand }: SuperviseOptions): readonly string[] {
  const script = process.argv[1] ?? ''
  const flags = new Set([...process.execArgv, ...supervisorFlags])
  const words = [process.execPath, ...flags, script, 'supervise']
  if (file !== null) words.push('--file', file)
  if (isOnDemand) words.push('--on-demand')
  return words
}

/** A guardian of ours is not the guardian of what runs below it. */
function withoutGuardian(env: Place['env']): Place['env'] {
  const own = /^EUDAEMON_(?:GUARDIAN_|STORE_|LAST_EXIT|PROJECT$|SERVICE$|INSTANCE$|INVOCATION_ID$)/
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name)))
}

function neverCame(logFile: string): ToolkitError {
  const limit = `${START_LIMIT_MS / 1_000} s`
  return new ToolkitError('ERR_SUPERVISOR_UNREACHABLE', `no supervisor answered within ${limit}`, {
    hint: `The end of '${logFile}':\n${endOf(logFile)}`,
  })
}

function endOf(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').slice(-SHOWN_LOG_BYTES)
  } catch {
    return '(nothing could be read)'
  }
}

// The first process of a program that makes itself a daemon. Node cannot fork, so the program is
// executed a second time, with the same words, from the same directory, by the engine; this process
// relays what the second writes to its standard error, and ends when it is ready or has failed.

import type { Milliseconds } from '../base/brands.ts'
import { signalNumbers } from '../base/signal.ts'
import { hasCode, ToolkitError } from '../base/toolkit-error.ts'
import { whyNoDirectory } from '../launch/program.ts'
import { daemonEnvironment, type EnvironmentMode } from './daemon-environment.ts'
import type { DaemonRequest, StreamTarget } from './daemon-request.ts'
import { scriptName } from './daemonize-options.ts'
import { endProcess } from './end-process.ts'
import { exitCodeOf } from './outcome-exit-code.ts'
import { markerVariable } from './relaunch-marker.ts'

export interface RelaunchWish {
  readonly name: string
  readonly stdin: string
  readonly stdout: StreamTarget
  readonly stderr: StreamTarget
  /** Descriptors that the program was started with, which the daemon gets too. */
  readonly keptFds: readonly number[]
  readonly pidFile: string | null
  readonly environment: EnvironmentMode
  readonly coreDumps: boolean
  readonly readyTimeoutMs: Milliseconds
}

const STOP_TIMEOUT_MS = 10_000
/** The system call failed: see cli/exit-codes.ts. */
const EXIT_CANNOT_START = 111

/** Never inherited, whatever the mode: they speak of descriptors and processes that are not its. */
const deadVariables = [
  ...['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID'],
  ...['EUDAEMON_READY', 'EUDAEMON_READY_PID', 'EUDAEMON_READY_STREAM', 'NOTIFY_SOCKET'],
  'EUDAEMON_EXEC_PID',
]

/**
 * Starts the daemon and ends this process. Rejects only for a fault of the program: ERR_BAD_OPTION,
 * and what is no ToolkitError; all else is told to the person in front of it.
 */
export async function relaunch(plan: () => RelaunchWish): Promise<never> {
  const { wish, request } = preparedOrEnded(plan)
  const { startDaemon } = await import('./start-daemon.ts')
  const cancel = new AbortController()
  const hurry = new AbortController()
  let signal: CancelSignal | null = null
  for (const name of cancelSignals) {
    // The program's own handlers are for the daemon: here there is nothing to drain or to reload.
    process.removeAllListeners(name)
    process.on(name, () => {
      if (signal !== null) hurry.abort()
      signal ??= name
      cancel.abort()
    })
  }
  // Whoever reads our messages may be gone before us.
  process.stderr.on('error', () => undefined)
  const tell = (text: string): void => say(wish.name, text)
  try {
    const outcome = await startDaemon(request, {
      relay: (bytes) => void process.stderr.write(bytes),
      tell,
      cancel: cancel.signal,
      hurry: hurry.signal,
    })
    if (outcome.kind === 'ready') return endProcess(0)
    tell(outcome.kind === 'timed-out' ? `${outcome.message}${forgotten}` : outcome.message)
    if (outcome.kind !== 'cancelled') return endProcess(exitCodeOf(outcome))
    return endProcess(128 + signalNumbers[short(signal ?? 'SIGINT')])
  } catch (error) {
    return explainAndEnd(error, wish.name)
  }
}

function preparedOrEnded(plan: () => RelaunchWish): {
  readonly wish: RelaunchWish
  readonly request: DaemonRequest
} {
  try {
    const wish = plan()
    return { wish, request: toRequest(wish) }
  } catch (error) {
    if (hasCode(error, 'ERR_BAD_OPTION')) throw error
    return explainAndEnd(error, scriptName())
  }
}

function explainAndEnd(error: unknown, name: string): never {
  if (!(error instanceof ToolkitError)) throw error
  say(name, error.hint === null ? error.message : `${error.message}\n  ${error.hint}`)
  return endProcess(EXIT_CANNOT_START)
}

function say(name: string, text: string): void {
  process.stderr.write(`${name}: ${text}\n`)
}

const forgotten = '; it did not call ready()'

type CancelSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'
const cancelSignals: readonly CancelSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

function short(name: CancelSignal): 'INT' | 'TERM' | 'HUP' {
  return name === 'SIGINT' ? 'INT' : name === 'SIGTERM' ? 'TERM' : 'HUP'
}

function toRequest(wish: RelaunchWish): DaemonRequest {
  const readyFd = freeNumber(wish.keptFds)
  const directory = startDirectory()
  const environment = daemonEnvironment(process.env, wish.environment)
  for (const name of deadVariables) environment.delete(name)
  environment.set('PWD', directory)
  environment.set(...markerVariable(readyFd))
  return {
    ...wish,
    kind: 'request',
    path: process.execPath,
    argv: ownWords(),
    environment,
    // The rest is done by the second process, where the program asks for it: see in-process.ts.
    settings: {
      directory,
      root: null,
      umask: null,
      nice: null,
      limits: wish.coreDumps ? {} : { core: { soft: 0, hard: 0 } },
    },
    credentials: null,
    ready: { kind: 'fd', fd: readyFd },
    onTimeout: 'stop',
    stopSignal: signalNumbers.TERM,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  }
}

/** Below 16: Node makes what it inherits up to there close-on-exec, for the daemon's children. */
function freeNumber(taken: readonly number[]): number {
  let fd = 10
  while (taken.includes(fd)) fd += 1
  return fd
}

/** The program is to find its files again where it found them the first time. */
function startDirectory(): string {
  try {
    const directory = process.cwd()
    return whyNoDirectory(directory) === null ? directory : '/'
  } catch {
    // It was removed under us.
    return '/'
  }
}

const evaluating = new Set(['-e', '--eval', '-p', '--print', '-pe'])

/** The command line of this process, for a second one. */
function ownWords(): readonly string[] {
  const { execPath, execArgv, argv } = process
  const hasText = execArgv.some((word) => evaluating.has(word.split('=')[0] ?? ''))
  if (!hasText && (argv[1] === undefined || argv[1] === '-')) {
    const message = 'a program that was read from standard input cannot be executed again'
    throw new ToolkitError('ERR_DAEMON_STEP', message, { hint: 'Put it into a file.' })
  }
  return [execPath, ...execArgv, ...(hasText ? ['--'] : []), ...argv.slice(1)]
}

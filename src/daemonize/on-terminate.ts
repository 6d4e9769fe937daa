// A graceful end: at SIGTERM or SIGINT what was registered is run, all of it at the same time, and
// then the program ends, within a limit. A supervisor would send SIGKILL a little later.

import type { Milliseconds } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { DRAIN_TIMEOUT_MS, MAX_TIMER_MS } from '../base/limits.ts'
import { parseSignal } from '../base/signal.ts'
import { bad, type Time, toMilliseconds } from './daemonize-options.ts'
import { endProcess } from './end-process.ts'
import { sendNotification } from './notify-sender.ts'

/** How onTerminate() ends the program. */
export interface TerminateOptions {
  /** For the drain; afterwards the program ends with exit status 1. Default: 8 s. */
  readonly timeout?: Time
  /** Default: SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[]
}

/** Stops what the program does: closes servers, ends connections, writes what is unwritten. */
export type Drain = (signal: NodeJS.Signals) => void | Promise<void>

interface Entry {
  readonly drain: Drain
  readonly timeoutMs: Milliseconds
}

const entries = new Map<NodeJS.Signals, Set<Entry>>()
let isEnding = false

/**
 * Runs the drain at SIGTERM or SIGINT, then ends the program: with exit status 0, or with 1 and a
 * message on standard error when the drain fails or takes too long. A second signal ends it at
 * once, with 128 and the number. Works from the call on, before ready() too. Returns what undoes
 * it. Throws ERR_BAD_OPTION.
 */
export function onTerminate(drain: Drain, options: TerminateOptions = {}): () => void {
  const { timeout = DRAIN_TIMEOUT_MS, signals = ['SIGTERM', 'SIGINT'] } = options
  const entry = { drain, timeoutMs: toMilliseconds('timeout', timeout) }
  for (const signal of signals) {
    if (parseSignal(signal) === undefined) throw bad('signals', `'${signal}' is no signal`)
  }
  for (const signal of signals) add(signal, entry)
  return () => {
    for (const signal of signals) remove(signal, entry)
  }
}

function add(signal: NodeJS.Signals, entry: Entry): void {
  const known = entries.get(signal)
  if (known === undefined) entries.set(signal, new Set([entry]))
  else known.add(entry)
  if (known === undefined || known.size === 1) process.on(signal, onSignal)
}

/** Without a listener the signal has its own effect again. */
function remove(signal: NodeJS.Signals, entry: Entry): void {
  const known = entries.get(signal)
  if (known?.delete(entry) === true && known.size === 0) process.off(signal, onSignal)
}

function onSignal(signal: NodeJS.Signals): void {
  if (isEnding) endProcess(128 + (parseSignal(signal) ?? 0))
  isEnding = true
  void end(signal)
}

async function end(signal: NodeJS.Signals): Promise<void> {
  sendNotification({ stopping: true })
  const running = [...(entries.get(signal) ?? [])].map((entry) => run(entry, signal))
  const problems = (await Promise.all(running)).filter((problem) => problem !== null)
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  endProcess(problems.length === 0 ? 0 : 1)
}

/** Null when all went well. */
async function run({ drain, timeoutMs }: Entry, signal: NodeJS.Signals): Promise<string | null> {
  const { promise: isLate, resolve } = Promise.withResolvers<string>()
  const late = `${signal}: the end took longer than ${printDuration(timeoutMs)}`
  // The timer keeps the process alive: a drain may wait for nothing that the loop knows of.
  const timer = setTimeout(() => resolve(late), Math.min(timeoutMs, MAX_TIMER_MS))
  const drained = async (): Promise<string | null> => {
    try {
      await drain(signal)
      return null
    } catch (error) {
      return `${signal}: the end failed: ${error instanceof Error ? error.stack : String(error)}`
    }
  }
  const problem = await Promise.race([drained(), isLate])
  clearTimeout(timer)
  return problem
}

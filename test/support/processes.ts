// Processes as /proc shows them, found by their environment: everything that belongs to one test
// carries its folder in EUDAEMON_TEST, whatever it forks, execs or detaches from.

import { readdirSync, readFileSync } from 'node:fs'

export interface SeenProcess {
  readonly pid: number
  readonly parent: number
  /** The words of its command; in brackets its name when it has none (a zombie). */
  readonly command: string
  readonly state: string
  /** In clock ticks since boot: with the pid it names one process for good. */
  readonly startTime: number
  readonly env: ReadonlyMap<string, string>
}

/** Undefined when the process is gone or is not ours to look at. */
export function readProcess(pid: number): SeenProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return {
      pid,
      parent: Number(fields[1]),
      command: words === '' ? `[${name}]` : words,
      state: fields[0] ?? '?',
      startTime: Number(fields[19]),
      env: readEnvironment(pid),
    }
  } catch {
    return undefined
  }
}

/** Every living process whose environment says that it belongs to this test. */
export function processesOf(home: string): readonly SeenProcess[] {
  return allProcesses().filter(
    ({ env, state }) =>
      state !== 'Z' && (env.get('EUDAEMON_TEST') === home || env.get('EUDAEMON_HOME') === home),
  )
}

/** Every living process of a service, by the project and instance in its environment. */
export function processesOfInstance(home: string, instance: string): readonly SeenProcess[] {
  return processesOf(home).filter(({ env }) => nameOf(env) === instance)
}

/** A line for error messages. */
export function describeProcess({ pid, command, env }: SeenProcess): string {
  return `${pid} (${nameOf(env) || 'no service'}): ${command}`
}

/** `web@1`; empty for what is no service. */
export function nameOf(env: ReadonlyMap<string, string>): string {
  const service = env.get('EUDAEMON_SERVICE')
  const instance = env.get('EUDAEMON_INSTANCE') ?? ''
  if (service === undefined) return ''
  return instance.includes('@') ? instance : `${service}@${instance}`
}

export function isAlive({ pid, startTime }: SeenProcess): boolean {
  const now = readProcess(pid)
  return now !== undefined && now.startTime === startTime && now.state !== 'Z'
}

/** SIGKILL for this very process; a process that took over its pid is left alone. */
export function killExactly(seen: SeenProcess, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  if (!isAlive(seen)) return false
  try {
    process.kill(seen.pid, signal)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

function allProcesses(): readonly SeenProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((seen) => seen !== undefined)
}

function readEnvironment(pid: number): ReadonlyMap<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  return new Map(
    entries.map((entry) => {
      const equals = entry.indexOf('=')
      return [entry.slice(0, equals), entry.slice(equals + 1)]
    }),
  )
}

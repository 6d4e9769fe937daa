// The processes of one measurement: found by a word in their environment, whatever they fork or
// detach from. What runs one of our programs is a service, everything else is the supervisor's
// side.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** The variable that names the measurement. */
export const TAG = 'SUPERVISOR_BENCH'

export interface Seen {
  readonly pid: number
  readonly program: string
}

/** Everything that carries this tag, in the order of the process numbers. */
export function processesOf(tag: string): readonly Seen[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .flatMap((pid) => {
      const environment = attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1'))
      if (!environment?.includes(`${TAG}=${tag}\0`)) return []
      const program = attempt(() => readlinkSync(`/proc/${pid}/exe`))
      return program === undefined ? [] : [{ pid, program }]
    })
}

/** All that are not services: their program lies outside the folder of ours. */
export function supervisorSide(tag: string, programs: string): readonly number[] {
  return processesOf(tag)
    .filter(({ program }) => !program.startsWith(programs))
    .map(({ pid }) => pid)
}

/** Proportional set size of them together, in MiB (proc_pid_smaps_rollup, proc(5)). */
export function memoryOf(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const text = attempt(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? ''
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024
  })
}

/** Processor time of all their threads, in seconds (schedstat counts nanoseconds). */
export function cpuOf(pids: readonly number[]): number {
  return sum(pids, (pid) =>
    sum(attempt(() => readdirSync(`/proc/${pid}/task`).map(Number)) ?? [], (thread) => {
      const text = attempt(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'))
      return Number(text?.split(' ')[0] ?? 0) / 1e9
    }),
  )
}

/** Kills one; what is gone already is no fault. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  attempt(() => process.kill(pid, signal))
}

/** Kills everything with this tag, parents (who might start others) first, until none is left. */
export async function killAll(tag: string): Promise<void> {
  for (let pass = 0; pass < 200; pass += 1) {
    const left = processesOf(tag)
    if (left.length === 0) return
    for (const { pid } of left) kill(pid)
    await pause(20)
  }
  throw new Error(`cannot kill everything of ${tag}`)
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}

function sum(items: readonly number[], value: (item: number) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}

// What a probe says about itself: the shape that probe.c and probe-node.ts write, and how tests
// read it. Numbers of signals are Linux's; null as a limit means unlimited.

import { readFileSync } from 'node:fs'

export interface Descriptor {
  readonly fd: number
  readonly access: 'read' | 'write' | 'both' | 'none'
  readonly append: boolean
  readonly closeOnExec: boolean
  /** -1 where there is no such thing. */
  readonly offset: number
  readonly inode: number
  readonly target: string
}

export interface ProbeReport {
  /** `node`: the daemon is a Node program, which holds descriptors and a signal of its own. */
  readonly program: 'probe' | 'node'
  readonly pid: number
  /** The parent at the first instruction. */
  readonly firstParent: number
  /** The parent when the test asked: the command that started the daemon had ended. */
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly blocked: readonly number[]
  readonly pending: readonly number[]
  readonly ignored: readonly number[]
  readonly caught: readonly number[]
  readonly descriptors: readonly Descriptor[]
  readonly umask: number
  readonly directory: string
  readonly root: string
  readonly isDirectoryDeleted: boolean
  /** Real, effective, saved. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly groups: readonly number[]
  /** Soft and hard. */
  readonly limits: Readonly<Record<string, readonly [number | null, number | null]>>
  /** A Node program cannot ask. */
  readonly dumpable?: number
  readonly noNewPrivileges: number
  readonly nice: number
  readonly scheduler: number
  /** `NAME=value`. */
  readonly environment: readonly string[]
  /** The device number of the controlling terminal; 0 without one. */
  readonly terminal: number
  /** `opened`, or the name of the error. */
  readonly devTty: string
  /** What opening a free terminal without O_NOCTTY gave, and the controlling terminal then. */
  readonly opening: string
  readonly terminalAfterOpening: number
}

export function readReport(path: string): ProbeReport {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Signals by their numbers, as the probe has counted them. */
export function readCounters(path: string): ReadonlyMap<number, number> {
  const counts: Readonly<Record<string, number>> = JSON.parse(readFileSync(path, 'utf8'))
  return new Map(Object.entries(counts).map(([number, count]) => [Number(number), count]))
}

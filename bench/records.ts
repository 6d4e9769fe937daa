// The file in which every service says that it lives: lines of 64 bytes with name, pid and
// CLOCK_MONOTONIC, which is also the clock of process.hrtime.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

export interface LifeRecord {
  readonly name: string
  readonly pid: number
  readonly atMs: number
}

export interface Records {
  readonly path: string
  count(): number
  /** All from the given one on. */
  from(first: number): readonly LifeRecord[]
  /** Waits until so many are there; gives the time of the last of them. */
  reach(count: number, limitMs?: number): Promise<number>
  close(): void
}

const RECORD_BYTES = 64
const LOOK_MS = 1

export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function openRecords(path: string): Records {
  const fd = openSync(path, 'a+', 0o666)
  const count = () => Math.floor(fstatSync(fd).size / RECORD_BYTES)
  const from = (first: number): readonly LifeRecord[] => {
    const bytes = Buffer.alloc((count() - first) * RECORD_BYTES)
    readSync(fd, bytes, 0, bytes.length, first * RECORD_BYTES)
    return bytes.toString().split('\n').slice(0, -1).map(parse)
  }
  return {
    path,
    count,
    from,
    reach: async (wanted, limitMs = 60_000) => {
      const end = nowMs() + limitMs
      while (count() < wanted) {
        if (nowMs() > end) throw new Error(`${count()} lives instead of ${wanted}`)
        await pause(LOOK_MS)
      }
      return Math.max(
        ...from(0)
          .slice(0, wanted)
          .map(({ atMs }) => atMs),
      )
    },
    close: () => closeSync(fd),
  }
}

function parse(line: string): LifeRecord {
  const [name = '', pid = '', nanoseconds = ''] = line.trim().split(/\s+/)
  return { name, pid: Number(pid), atMs: Number(nanoseconds) / 1e6 }
}

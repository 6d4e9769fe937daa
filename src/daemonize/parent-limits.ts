// The limit on open descriptors of whoever started us. Node raises its own soft limit to the hard
// one at its start; a program that uses select(2) must not inherit that.

import { readFileSync } from 'node:fs'

interface Limit {
  readonly soft: number
  readonly hard: number
}

/** Null when the parent has the same limits, or does not show them (proc(5), PID/limits). */
export function parentDescriptorLimit(): Limit | null {
  const own = readLimit('self')
  const parent = readLimit(String(process.ppid))
  if (own === null || parent === null) return null
  // A parent that is a Node program has raised its own too: nothing to learn from it.
  return parent.soft < own.soft && parent.soft <= own.hard
    ? { soft: parent.soft, hard: own.hard }
    : null
}

function readLimit(pid: string): Limit | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/limits`, 'latin1')
  } catch {
    return null
  }
  const match = /^Max open files +(\S+) +(\S+)/m.exec(text)
  const [, soft, hard] = match ?? []
  if (soft === undefined || hard === undefined) return null
  const parse = (word: string) => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word))
  return { soft: parse(soft), hard: parse(hard) }
}

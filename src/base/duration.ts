// Times as people write them: `10s`, `1min 30s`, `250ms`, `1h`, a bare number is seconds. The only
// place that knows the notation.

import type { Milliseconds } from './brands.ts'

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  msec: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
}

/** Undefined when the text is no duration. Infinity for `infinity` and `never`. */
export function parseDuration(text: string): Milliseconds | undefined {
  const trimmed = text.trim().toLowerCase()
  if (trimmed === 'infinity' || trimmed === 'never') return Number.POSITIVE_INFINITY
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1_000
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/.test(trimmed)) return undefined
  let total = 0
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const factor = unitMs[unit ?? '']
    if (factor === undefined) return undefined
    total += Number(amount) * factor
  }
  return total
}

/** The two largest units: `250ms`, `3s`, `1min 30s`, `2h 5min`, `3d 4h`. */
export function printDuration(ms: Milliseconds): string {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity'
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms < 10_000 && ms % 1_000 !== 0) return `${(ms / 1_000).toFixed(1)}s`
  const seconds = Math.floor(ms / 1_000)
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([amount]) => amount > 0)
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ')
}

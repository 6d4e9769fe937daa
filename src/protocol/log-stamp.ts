// How a line looks in a file with `timestamps = "inline"`: the form that container runtimes use
// (CRI: time, stream, F for a full line or P for a part, text), so that existing tools read it.

import type { LogLine } from './log-line.ts'

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0')

/** `2026-11-21T04:05:06.123456Z`: UTC, microseconds, RFC 3339. */
export function printIsoTime(timeUs: number): string {
  const seconds = Math.floor(timeUs / 1_000_000)
  const micros = timeUs - seconds * 1_000_000
  const days = Math.floor(seconds / 86_400)
  const rest = seconds - days * 86_400
  const [year, month, day] = civilDate(days)
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
  const clock = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60]
  return `${date}T${clock.map((part) => pad(part, 2)).join(':')}.${pad(micros, 6)}Z`
}

/** `2026-11-21T04:05:06.123456Z stderr F text` and a newline. */
export function printStampedLine(line: LogLine): string {
  return `${printIsoTime(line.timeUs)} ${line.stream} ${line.isPartial ? 'P' : 'F'} ${line.text}\n`
}

/** Year, month and day of a day since 1970-01-01, by counting 400-year eras from 1 March 0000. */
function civilDate(days: number): readonly [number, number, number] {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day]
}

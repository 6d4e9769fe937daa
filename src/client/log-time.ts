// Points in time as people write them for `logs --since` and `--until`. Local time unless the text
// says otherwise.

import { parseDuration } from '../base/duration.ts'

const dayPattern = /^(\d{4})-(\d{1,2})-(\d{1,2})$/
const clockPattern = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?$/
const zonePattern = /\s*(?:(z|utc)|([+-])(\d{2}):?(\d{2}))$/i

/**
 * Microseconds since the epoch; undefined when the text is no time. Understood are a duration
 * (`10min`, `2h ago`: before `nowMs`), `now`, `today`, `yesterday`, a day (`2026-11-21`), a time of
 * today (`10:00`), both together with a blank or a `T` and an optional zone, and `@` with seconds
 * since the epoch.
 */
export function parseLogTime(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim()
  const epoch = /^@(\d{1,11}(?:\.\d{1,6})?)$/.exec(trimmed)
  if (epoch) return Math.round(Number(epoch[1]) * 1_000_000)
  if (/^now$/i.test(trimmed)) return nowMs * 1000
  const duration = parseDuration(trimmed.replace(/^-|\s+ago$/gi, ''))
  if (duration !== undefined) return Math.max(0, (nowMs - duration) * 1000)
  return parseDate(trimmed, nowMs)
}

function parseDate(text: string, nowMs: number): number | undefined {
  const zone = /\d:\d/.test(text) ? zonePattern.exec(text) : null
  const bare = zone ? text.slice(0, zone.index) : text
  const [first = '', second, ...rest] = bare.split(/(?<=\d)T(?=\d)|\s+/)
  if (rest.length > 0) return undefined
  const day = /^\d{1,2}:/.test(first) ? dayOf('today', nowMs) : dayOf(first, nowMs)
  const clock = clockOf(/^\d{1,2}:/.test(first) ? first : second)
  if (day === undefined || clock === undefined) return undefined
  if (/^\d{1,2}:/.test(first) && second !== undefined) return undefined
  return toMicroseconds(day, clock, zone)
}

type Three = readonly [number, number, number]

function toMicroseconds(
  [year, month, day]: Three,
  [hour, minute, micros]: Three,
  zone: RegExpExecArray | null,
): number | undefined {
  const check = new Date(Date.UTC(year, month - 1, day))
  if (check.getUTCMonth() !== month - 1 || check.getUTCDate() !== day) return undefined
  if (zone === null) return new Date(year, month - 1, day, hour, minute).getTime() * 1000 + micros
  const sign = zone[2] === '-' ? -1 : 1
  const offsetMinutes = sign * (Number(zone[3] ?? 0) * 60 + Number(zone[4] ?? 0))
  return (Date.UTC(year, month - 1, day, hour, minute) - offsetMinutes * 60_000) * 1000 + micros
}

function dayOf(text: string, nowMs: number): Three | undefined {
  const name = text.toLowerCase()
  if (name === 'today' || name === 'yesterday') {
    const now = new Date(nowMs)
    const day = new Date(
      now.getFullYear(),
      now.getMonth(),
      now.getDate() - (name === 'today' ? 0 : 1),
    )
    return [day.getFullYear(), day.getMonth() + 1, day.getDate()]
  }
  const match = dayPattern.exec(text)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined
}

/** Hour, minute, and microseconds within the minute; midnight when there is no text. */
function clockOf(text: string | undefined): Three | undefined {
  if (text === undefined) return [0, 0, 0]
  const match = clockPattern.exec(text)
  if (!match) return undefined
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
  if (hour > 23 || minute > 59 || second > 60) return undefined
  return [hour, minute, second * 1_000_000 + Number((match[4] ?? '').padEnd(6, '0'))]
}

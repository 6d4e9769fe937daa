// `limits`: resource limits in the units of getrlimit(2).

import { parseByteSize } from '../../base/byte-size.ts'
import { parseDuration } from '../../base/duration.ts'
import { quote } from '../../base/quote.ts'
import type { LimitName, ResourceLimit } from '../../model/service-definition.ts'
import { limitNames } from '../../model/words.ts'
import { readField, readSection, type Section } from './section.ts'
import { accept, isTable, type Parsed, refuse, refuseType, type ValueParser } from './value.ts'

const countedLimits: ReadonlySet<LimitName> = new Set(['nofile', 'nproc', 'rtprio', 'sigpending'])

/** Only the limits that are written. */
export function readLimits(service: Section): Partial<Record<LimitName, ResourceLimit>> {
  const section = readSection(service, 'limits')
  if (section === undefined) return {}
  const limits: Partial<Record<LimitName, ResourceLimit>> = {}
  for (const name of limitNames) {
    const limit = readField(section, name, limitOf(name))
    if (limit !== undefined) limits[name] = limit
  }
  return limits
}

function limitOf(name: LimitName): ValueParser<ResourceLimit> {
  return (value) => {
    if (!isTable(value)) {
      const both = parseAmount(name, value)
      return both.isOk ? accept({ soft: both.value, hard: both.value }) : both
    }
    const unknown = Object.keys(value).find((key) => key !== 'soft' && key !== 'hard')
    if (unknown !== undefined || !('soft' in value) || !('hard' in value)) {
      return refuse(
        'bad-limit',
        'a limit in { } has exactly the keys soft and hard',
        `Write ${name} = { soft = …, hard = … }.`,
      )
    }
    const soft = parseAmount(name, value['soft'])
    if (!soft.isOk) return { ...soft, at: ['soft'] }
    const hard = parseAmount(name, value['hard'])
    if (!hard.isOk) return { ...hard, at: ['hard'] }
    if (soft.value <= hard.value) return accept({ soft: soft.value, hard: hard.value })
    return refuse('bad-limit', `the soft limit is above the hard limit`, 'Exchange the two.')
  }
}

function parseAmount(name: LimitName, value: unknown): Parsed<number> {
  if (value === 'unlimited' || value === 'infinity') return accept(Number.POSITIVE_INFINITY)
  const isCounted = countedLimits.has(name)
  const example = isCounted ? '1024' : name === 'cpu' ? '3600 (seconds)' : '"512M"'
  const hint = `Write a value such as ${example}, or "unlimited".`
  if (typeof value !== 'number' && typeof value !== 'string')
    return refuseType('a limit', value, hint)
  let amount: number | undefined
  if (typeof value === 'number') amount = value
  else if (name === 'cpu') amount = Math.round((parseDuration(value) ?? Number.NaN) / 1_000)
  else if (isCounted) amount = /^\d+$/.test(value) ? Number(value) : undefined
  else amount = parseByteSize(value)
  if (amount !== undefined && Number.isSafeInteger(amount) && amount >= 0) return accept(amount)
  return refuse('bad-limit', `${quote(String(value))} is not a limit for ${name}`, hint)
}

// Checks of data of unknown origin: a shape takes any value and gives it back typed, or reports why
// not. What comes back is built anew: nothing that was not asked for passes through.

import { MAX_DIAGNOSTICS, MAX_LIST_LENGTH, MAX_TEXT_LENGTH } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import type { Problem, SettingPath } from './problem.ts'

/** Undefined means: refused, and reported. No shape stands for undefined. */
export type Shape<T> = (value: unknown, path: SettingPath, problems: Problem[]) => T | undefined

/** Endless input does not make an endless report. */
function refuse(problems: Problem[], path: SettingPath, message: string): undefined {
  if (problems.length < MAX_DIAGNOSTICS) {
    problems.push({ severity: 'error', code: 'bad-shape', path, message })
  }
  return undefined
}

export interface TextRule {
  /** Default: MAX_TEXT_LENGTH. */
  readonly max?: number
  readonly mayBeEmpty?: boolean
  /** What the text must be, and the test for it. */
  readonly rule?: readonly [words: string, test: (text: string) => boolean]
}

/** Text without NUL. */
export function text({
  max = MAX_TEXT_LENGTH,
  mayBeEmpty = false,
  rule,
}: TextRule = {}): Shape<string> {
  return (value, path, problems) => {
    if (typeof value !== 'string') return refuse(problems, path, 'must be text')
    if (value === '' && !mayBeEmpty) return refuse(problems, path, 'must not be empty')
    if (value.length > max) return refuse(problems, path, `must have at most ${max} characters`)
    if (value.includes('\0')) return refuse(problems, path, 'must not hold a NUL character')
    if (rule && !rule[1](value)) return refuse(problems, path, `${quote(value)} is not ${rule[0]}`)
    return value
  }
}

/** A whole number. */
export function integer(least: number, most: number): Shape<number> {
  return (value, path, problems) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
      return value
    }
    return refuse(problems, path, `must be a whole number from ${least} to ${most}`)
  }
}

/** A whole number, or Infinity, which JSON carries as the text `infinity`. */
export function integerOrInfinity(least: number, most: number): Shape<number> {
  const finite = integer(least, most)
  return (value, path, problems) =>
    value === 'infinity' || value === Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : finite(value, path, problems)
}

export const flag: Shape<boolean> = (value, path, problems) =>
  typeof value === 'boolean' ? value : refuse(problems, path, 'must be true or false')

/** One of these words. */
export function word<const T extends string>(words: readonly T[]): Shape<T> {
  return (value, path, problems) =>
    words.find((one) => one === value) ??
    refuse(problems, path, `must be one of ${words.join(', ')}`)
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path, problems) => (value === null ? null : shape(value, path, problems))
}

export function list<T>(shape: Shape<T>, least = 0, most = MAX_LIST_LENGTH): Shape<readonly T[]> {
  return (value, path, problems) => {
    if (!Array.isArray(value)) return refuse(problems, path, 'must be a list')
    if (value.length < least || value.length > most) {
      return refuse(problems, path, `must have from ${least} to ${most} elements`)
    }
    const elements: T[] = []
    for (const [index, item] of (value as readonly unknown[]).entries()) {
      const element = shape(item, [...path, index], problems)
      if (element !== undefined) elements.push(element)
    }
    return elements.length === value.length ? elements : undefined
  }
}

export function pair<T>(shape: Shape<T>): Shape<readonly [T, T]> {
  const both = list(shape, 2, 2)
  return (value, path, problems) => both(value, path, problems) as readonly [T, T] | undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object with any keys that pass `key`. */
export function record<T>(
  key: Shape<string>,
  shape: Shape<T>,
  most: number,
): Shape<Readonly<Record<string, T>>> {
  return (value, path, problems) => {
    if (!isObject(value)) return refuse(problems, path, 'must be an object')
    const names = Object.keys(value)
    if (names.length > most) return refuse(problems, path, `must have at most ${most} entries`)
    const entries: [string, T][] = []
    for (const name of names) {
      const item = shape(value[name], [...path, name], problems)
      const isGood = key(name, [...path, name], problems) !== undefined
      if (item !== undefined && isGood) entries.push([name, item])
    }
    return entries.length === names.length ? Object.fromEntries(entries) : undefined
  }
}

/** For each key of T its shape: a key that is added to T and not here does not compile. */
export type Members<T> = { readonly [K in keyof T]-?: Shape<T[K]> }

/** An object with exactly these keys: an unknown one is a setting of another version. */
export function object<T extends object>(members: Members<T>): Shape<T> {
  const names = Object.keys(members) as (keyof T & string)[]
  return (value, path, problems) => {
    if (!isObject(value)) return refuse(problems, path, 'must be an object')
    const unknown = Object.keys(value).filter((name) => !Object.hasOwn(members, name))
    for (const name of unknown) refuse(problems, [...path, name], 'is unknown to this version')
    const entries: [string, unknown][] = []
    for (const name of names) {
      const isThere = Object.hasOwn(value, name)
      if (!isThere) refuse(problems, [...path, name], 'is missing')
      const item = isThere ? members[name](value[name], [...path, name], problems) : undefined
      if (item !== undefined) entries.push([name, item])
    }
    if (unknown.length > 0 || entries.length < names.length) return undefined
    return Object.fromEntries(entries) as T
  }
}

/** A tagged union: `kind` chooses the shape. */
export function variants<T extends { readonly kind: string }>(
  shapes: { readonly [K in T['kind']]: Shape<Extract<T, { readonly kind: K }>> },
): Shape<T> {
  const kinds = Object.keys(shapes) as T['kind'][]
  return (value, path, problems) => {
    if (!isObject(value)) return refuse(problems, path, 'must be an object')
    const kind = kinds.find((one) => one === value['kind'])
    if (kind === undefined) {
      return refuse(problems, [...path, 'kind'], `must be one of ${kinds.join(', ')}`)
    }
    return shapes[kind](value, path, problems) as T | undefined
  }
}

// What a parser of a value returns, and the parsers of plain values: text, numbers, choices, lists.
// A parser gets what TOML gave and says what is wrong in words for a person.

import type { DiagnosticCode } from '../../base/diagnostic-codes.ts'
import { MAX_LIST_LENGTH, MAX_TEXT_LENGTH } from '../../base/limits.ts'
import { quote } from '../../base/quote.ts'
import { suggest } from '../../base/suggest.ts'
import type { SettingPath } from '../../model/problem.ts'

interface Warning {
  readonly code: DiagnosticCode
  readonly message: string
  readonly hint: string
}

export interface Failure {
  readonly isOk: false
  readonly code: DiagnosticCode
  readonly message: string
  readonly hint: string
  /** Where inside of the value. */
  readonly at?: SettingPath
  /** What else is wrong in the same value. */
  readonly others?: readonly Failure[]
}

export type Parsed<T> =
  | { readonly isOk: true; readonly value: T; readonly warning?: Warning }
  | Failure

export type ValueParser<T> = (value: unknown) => Parsed<T>

export const accept = <T>(value: T): Parsed<T> => ({ isOk: true, value })

export const refuse = (code: DiagnosticCode, message: string, hint: string): Failure => ({
  isOk: false,
  code,
  message,
  hint,
})

/** Moves failures of elements into their place and puts them together; undefined when none. */
export function gatherFailures(
  failures: readonly (readonly [key: string | number, failure: Failure])[],
): Failure | undefined {
  const [first, ...others] = failures.map(([key, failure]) => ({
    ...failure,
    at: [key, ...(failure.at ?? [])],
  }))
  if (first === undefined) return undefined
  return others.length === 0 ? first : { ...first, others: [...(first.others ?? []), ...others] }
}

export function refuseType(expected: string, value: unknown, hint: string): Failure {
  return refuse('wrong-type', `expected ${expected}, but found ${describeValue(value)}`, hint)
}

/** A table of TOML: dates are objects too, but no tables. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** `the text 'x'`, `the number 3`, `a list`, `a table`, `true`, `a date`. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'empty text' : `the text ${quote(value)}`
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`
  if (typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (isTable(value)) return 'a table'
  return 'a date'
}

/** Text that can be handed to the kernel: not empty, no NUL, not too long. */
export const parseText: ValueParser<string> = (value) => {
  if (typeof value !== 'string') return refuseType('text', value, 'Put it in quotes.')
  if (value.trim() === '')
    return refuse('bad-value', 'the text is empty', 'Fill it or remove the line.')
  if (value.includes('\0'))
    return refuse('bad-value', 'the text holds a NUL character', 'Remove it.')
  if (value.length > MAX_TEXT_LENGTH) {
    return refuse(
      'too-many',
      `the text has ${value.length} characters, more than ${MAX_TEXT_LENGTH}`,
      'Put it into a file.',
    )
  }
  return accept(value)
}

/** A whole number within both bounds. */
export function integerFrom(least: number, most: number): ValueParser<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      const isDigits = typeof value === 'string' && /^-?\d+$/.test(value)
      const hint = isDigits ? 'Remove the quotes.' : `Write a whole number ${range}.`
      return refuseType('a whole number', value, hint)
    }
    if (value < least || value > most) {
      return refuse('bad-value', `${value} is out of range`, `Use a number ${range}.`)
    }
    return accept(value)
  }
}

/** One of a few words. */
export function oneOf<const T extends string>(words: readonly T[]): ValueParser<T> {
  const list = words.map((word) => `"${word}"`).join(', ')
  return (value) => {
    const found = words.find((word) => word === value)
    if (found !== undefined) return accept(found)
    if (typeof value !== 'string') return refuseType('text', value, `Use one of ${list}.`)
    const near = suggest(value, words)
    const hint =
      near === undefined ? `Use one of ${list}.` : `Did you mean "${near}"? One of ${list}.`
    return refuse('bad-value', `${quote(value)} is not possible here`, hint)
  }
}

/** A list whose every element is read by `parse`; `what` names them: `service names`. */
export function listOf<T>(parse: ValueParser<T>, what: string): ValueParser<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) {
      const hint =
        typeof value === 'string'
          ? `Put it in brackets: [${JSON.stringify(value)}].`
          : `Write a list of ${what} in [ ].`
      return refuseType(`a list of ${what}`, value, hint)
    }
    if (value.length > MAX_LIST_LENGTH) {
      return refuse(
        'too-many',
        `the list has ${value.length} elements, more than ${MAX_LIST_LENGTH}`,
        'Shorten it.',
      )
    }
    const elements: T[] = []
    const failures: [number, Failure][] = []
    for (const [index, element] of (value as readonly unknown[]).entries()) {
      const parsed = parse(element)
      if (parsed.isOk) elements.push(parsed.value)
      else failures.push([index, parsed])
    }
    return gatherFailures(failures) ?? accept(elements)
  }
}

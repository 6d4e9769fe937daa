// A table of the file while it is read: known keys come from the table of settings, every unknown
// key is reported once, and a value that does not fit is reported and then counts as absent.

import { assert } from '../../base/assert.ts'
import type { DiagnosticCode } from '../../base/diagnostic-codes.ts'
import { quote, quoteList } from '../../base/quote.ts'
import { suggest } from '../../base/suggest.ts'
import { type Problem, printSettingPath, type SettingPath } from '../../model/problem.ts'
import { type FieldScope, fieldsOfScope } from '../../model/service-fields.ts'
import { adviseLaterKey, findAlias } from './later-settings.ts'
import { describeValue, isTable, type ValueParser } from './value.ts'

export interface ReadContext {
  /** Grows while reading. */
  readonly problems: Problem[]
  /** The folder of the file, absolute. */
  readonly directory: string
}

export interface Section {
  readonly context: ReadContext
  readonly path: SettingPath
  readonly scope: FieldScope
  readonly table: Readonly<Record<string, unknown>>
  /** Unknown keys were reported, and this is what was meant: that it is missing is no news. */
  readonly meant: ReadonlySet<string>
}

/** Undefined (and reported) when `value` is no table. Reports the keys that do not belong here. */
export function openSection(
  context: ReadContext,
  path: SettingPath,
  scope: FieldScope,
  value: unknown,
): Section | undefined {
  if (!isTable(value)) {
    context.problems.push({
      severity: 'error',
      code: 'wrong-type',
      path,
      message: `expected a table, but found ${describeValue(value)}`,
      hint: `Write ${showTable(path, scope)}.`,
    })
    return undefined
  }
  const meant = new Set<string>()
  const section = { context, path, scope, table: value, meant }
  for (const key of Object.keys(value)) {
    if (!fieldsOfScope(scope).has(key)) meant.add(reportUnknownKey(section, key))
  }
  return section
}

function showTable(path: SettingPath, scope: FieldScope): string {
  const key = scope.replace(/^service\.?/, '')
  return fieldsOfScope('service').get(key)?.example ?? `[${printSettingPath(path)}]`
}

/** Returns the key that was probably meant, else the key itself. */
function reportUnknownKey(section: Section, key: string): string {
  const { scope } = section
  const known = fieldsOfScope(scope)
  const plain = key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()
  const later = adviseLaterKey(scope, plain)
  if (later !== undefined) {
    report(section, key, 'not-yet', `${quote(key)} belongs to a later version of eudaemon`, later)
    return key
  }
  const alias = findAlias(scope, plain) ?? (known.has(plain) ? plain : suggest(plain, known.keys()))
  let hint = `Known here: ${[...known.keys()].join(', ')}.`
  if (alias !== undefined) hint = `Did you mean ${quote(alias)}?`
  else if (scope === 'project' && fieldsOfScope('service').has(plain)) {
    hint = `It is a setting of a service: put it under a heading [services.NAME].`
  }
  report(section, key, 'unknown-key', `unknown setting ${quote(key)}`, hint)
  return alias ?? key
}

/** Reports about a key of the section, or about the section itself when `key` is null. */
export function report(
  section: Section,
  key: string | null,
  code: DiagnosticCode,
  message: string,
  hint?: string,
): void {
  const path = key === null ? section.path : [...section.path, key]
  const problem: Problem = { severity: 'error', code, path, message }
  section.context.problems.push(hint === undefined ? problem : { ...problem, hint })
}

/** True when the key is written, whatever its value. */
export function hasKey(section: Section, key: string): boolean {
  assert(
    fieldsOfScope(section.scope).has(key),
    `${section.scope}.${key} is not in service-fields.ts`,
  )
  return Object.hasOwn(section.table, key)
}

/** Undefined when the key is absent, or its value was wrong (reported). */
export function readField<T>(section: Section, key: string, parse: ValueParser<T>): T | undefined {
  if (!hasKey(section, key)) return undefined
  const path = [...section.path, key]
  const parsed = parse(section.table[key])
  if (parsed.isOk && parsed.warning !== undefined) {
    section.context.problems.push({ severity: 'warning', path, ...parsed.warning })
  }
  if (parsed.isOk) return parsed.value
  for (const { code, message, hint, at } of [parsed, ...(parsed.others ?? [])]) {
    const where = at === undefined ? path : [...path, ...at]
    section.context.problems.push({ severity: 'error', code, path: where, message, hint })
  }
  return undefined
}

/** Opens a table inside of a section; undefined when it is absent or no table. */
export function readSection(section: Section, key: string): Section | undefined {
  if (!hasKey(section, key)) return undefined
  const scope: FieldScope = section.scope === 'service' ? `service.${key}` : 'service.log'
  return openSection(section.context, [...section.path, key], scope, section.table[key])
}

/** Reports each of `keys` that is written although it has no effect with `reason`. */
export function refuseKeys(section: Section, keys: readonly string[], reason: string): void {
  for (const key of keys) {
    if (!hasKey(section, key)) continue
    report(section, key, 'useless-setting', `${quote(key)} has no effect ${reason}`, 'Remove it.')
  }
}

/** The one of `keys` that is written; reports when it is none or several. */
export function readChoiceKey(
  section: Section,
  keys: readonly string[],
  purpose: string,
): string | undefined {
  const written = keys.filter((key) => hasKey(section, key))
  if (written.length === 1) return written[0]
  if (written.length === 0 && section.meant.size > 0) return undefined
  if (written.length === 0) {
    report(
      section,
      null,
      'missing-setting',
      `${purpose} is not said`,
      `Give exactly one of ${keys.join(', ')}.`,
    )
  } else {
    report(
      section,
      written[1] ?? null,
      'conflict',
      `${quoteList(written)} exclude each other`,
      'Keep one of them.',
    )
  }
  return undefined
}

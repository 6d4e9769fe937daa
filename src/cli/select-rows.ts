// Which rows the names on a command line mean: `web`, `web@2`, `shop/web`, `shop/web@2`.

import { suggest } from '../base/suggest.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { StatusRow } from '../protocol/response.ts'

/** No names: all of the project, or of every project. Throws ERR_NO_SERVICE with a suggestion. */
export function matchRows(
  rows: readonly StatusRow[],
  project: string | null,
  names: readonly string[],
): readonly StatusRow[] {
  const own = rows.filter((row) => project === null || row.project === project)
  if (names.length === 0) return own
  const found = new Set<StatusRow>()
  for (const name of names) {
    const candidates = name.includes('/') ? rows : own
    const matches = candidates.filter((row) => isNamed(row, name))
    if (matches.length === 0) throw noService(name, candidates)
    for (const row of matches) found.add(row)
  }
  return [...found]
}

/** One of the rows is what the name means, in whatever project. */
export function hasRow(rows: readonly StatusRow[], name: string): boolean {
  return rows.some((row) => isNamed(row, name))
}

function isNamed(row: StatusRow, name: string): boolean {
  const { project, service, instance } = row
  return [service, instance, `${project}/${service}`, `${project}/${instance}`].includes(name)
}

function noService(name: string, rows: readonly StatusRow[]): ToolkitError {
  const known = rows.flatMap(({ service, instance }) => [service, instance])
  const close = suggest(name.replace(/^.*\//, ''), new Set(known))
  const hint = close === undefined ? 'See `eudaemon status --all`.' : `Did you mean '${close}'?`
  return new ToolkitError('ERR_NO_SERVICE', `there is no service '${name}'`, { hint })
}

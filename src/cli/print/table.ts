// Tables for people: columns as wide as their content, two spaces between, the last one open.

import { widthOf } from './style.ts'

/**
 * Cells may contain colours; the last of a row is cut to fit into `columns`, if it has none. Lines
 * end with a newline and have no trailing spaces.
 */
export function printTable(
  rows: readonly (readonly string[])[],
  columns = Number.POSITIVE_INFINITY,
): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))
    }
  }
  return rows
    .map((row) => {
      const used = widths.slice(0, row.length - 1).reduce((sum, width) => sum + width + 2, 0)
      const cells = row.map((cell, index) => {
        if (index === row.length - 1) return cut(cell, columns - used)
        return cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell))
      })
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}

/** At least some of it is always shown. */
function cut(cell: string, columns: number): string {
  const room = Math.max(columns, 16)
  if (cell.includes('\u001b') || widthOf(cell) <= room) return cell
  return `${[...cell].slice(0, room - 1).join('')}…`
}

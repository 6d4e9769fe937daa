// Tables for people: columns as wide as their content, two spaces between, the last one open.

import { widthOf } from './style.ts'

/** Cells may contain colours. Lines end with a newline and have no trailing spaces. */
export function printTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))
    }
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, index) => {
        if (index === row.length - 1) return cell
        return cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell))
      })
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}

// Problems in a definition, each with its line of the file and a caret under the place.

import type { Diagnostic } from '../../base/diagnostic.ts'
import { printPosition } from '../../base/source-position.ts'
import { createPaint, type Paint, type Style } from './style.ts'

const MAX_SHOWN_LINE = 120
const styles: Readonly<Record<Diagnostic['severity'], Style>> = {
  error: 'red',
  warning: 'yellow',
  note: 'blue',
}

export interface DiagnosticsView {
  readonly diagnostics: readonly Diagnostic[]
  /** The text of a file by its name; undefined: shown without its lines. */
  readonly textOf: (file: string) => string | undefined
  readonly hasColour: boolean
}

export function printDiagnostics({ diagnostics, textOf, hasColour }: DiagnosticsView): string {
  const paint = createPaint(hasColour)
  return diagnostics.map((diagnostic) => printOne(diagnostic, textOf, paint)).join('')
}

/** `2 errors, 1 warning`; empty when there are none. */
export function printCounts(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Diagnostic['severity']): string => {
    const found = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length
    return found === 0 ? '' : `${found} ${severity}${found === 1 ? '' : 's'}`
  }
  return [count('error'), count('warning'), count('note')].filter((text) => text !== '').join(', ')
}

function printOne(
  diagnostic: Diagnostic,
  textOf: (file: string) => string | undefined,
  paint: Paint,
): string {
  const { position, severity, message, setting, hint } = diagnostic
  const where = position === undefined ? '' : `${paint('bold', printPosition(position))}: `
  const about = setting === undefined ? '' : paint('dim', ` [${setting}]`)
  const lines = [`${where}${paint(styles[severity], severity)}: ${message}${about}`]
  const text = position && textOf(position.file)?.split(/\r?\n/)[position.line - 1]
  if (position !== undefined && text !== undefined) lines.push(...quoteLine(position, text, paint))
  if (hint !== undefined) lines.push(`    ${hint}`)
  return `${lines.join('\n')}\n`
}

function quoteLine(
  { line, column }: { readonly line: number; readonly column: number },
  text: string,
  paint: Paint,
): readonly string[] {
  // A very long line is shown from shortly before the place.
  const start = column > MAX_SHOWN_LINE ? column - MAX_SHOWN_LINE / 2 : 0
  const characters = [...text].map((character) => (/\p{Cc}/u.test(character) ? ' ' : character))
  const shown = characters.slice(start, start + MAX_SHOWN_LINE).join('')
  const number = String(line)
  const gap = ' '.repeat(number.length)
  const indent = ' '.repeat(Math.max(0, column - 1 - start))
  return [
    `    ${paint('dim', `${number} |`)} ${shown}`,
    `    ${paint('dim', `${gap} |`)} ${indent}${paint('red', '^')}`,
  ]
}

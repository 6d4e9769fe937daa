// A problem in user input, as data. Parsers and validators return lists of these and go on; they
// never throw for content and never stop at the first problem.

import { printExcerpt, printPosition, type SourcePosition } from './source-position.ts'

/** How bad a problem is: only an `error` stops the definition from being used. */
export type Severity = 'error' | 'warning' | 'note'

/** One problem in user input. */
export interface Diagnostic {
  readonly severity: Severity
  /** A stable word for programs, for example `unknown-key`. */
  readonly code: string
  readonly message: string
  /** What to do about it, as a whole sentence. */
  readonly hint?: string
  readonly position?: SourcePosition
  /** The setting concerned, as a dotted path: `services.web.ready.http`. */
  readonly setting?: string
}

/** True when nothing in the list stops the definition from being used. */
export function isUsable(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.every((diagnostic) => diagnostic.severity !== 'error')
}

/** One line, in the form that editors and CI systems recognise: `file:line:column: severity: …`. */
export function printDiagnostic(diagnostic: Diagnostic): string {
  const where = diagnostic.position ? `${printPosition(diagnostic.position)}: ` : ''
  const setting = diagnostic.setting ? ` [${diagnostic.setting}]` : ''
  const hint = diagnostic.hint ? ` ${diagnostic.hint}` : ''
  return `${where}${diagnostic.severity}: ${diagnostic.message}${setting}${hint}`
}

/** Several lines: what is wrong, the line of `text` (the file's content) with a caret, the hint. */
export function printDiagnosticWithExcerpt(diagnostic: Diagnostic, text: string): string {
  const { hint, ...rest } = diagnostic
  const excerpt = diagnostic.position ? printExcerpt(text, diagnostic.position) : ''
  const lines = [printDiagnostic(rest)]
  if (excerpt !== '') lines.push(...excerpt.split('\n').map((line) => `  ${line}`))
  if (hint !== undefined) lines.push(`  ${hint}`)
  return lines.join('\n')
}

// Where in a user's text something stands. Lines and columns count from 1, columns in characters.

export interface SourcePosition {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `eudaemon.toml:12:5` */
export function printPosition(position: SourcePosition): string {
  return `${position.file}:${position.line}:${position.column}`
}

/** The line of `text` at `position` with a caret under the column; empty when it has none. */
export function printExcerpt(text: string, position: SourcePosition): string {
  const line = text.split('\n', position.line)[position.line - 1]?.replace(/\r$/, '')
  if (line === undefined || line.trim() === '') return ''
  const before = [...line].slice(0, position.column - 1)
  const start = Math.max(0, before.length - 60)
  const shown = [...line]
    .slice(start, start + 100)
    .map((character) => plain(character))
    .join('')
  // Tabs are kept in front of the caret, so that it lines up at any tab width.
  const margin = before
    .slice(start)
    .map((character) => (character === '\t' ? '\t' : ' '))
    .join('')
  const prefix = `${position.line} | `
  return `${prefix}${shown}\n${' '.repeat(prefix.length)}${margin}^`
}

function plain(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const isControl = (code < 0x20 && character !== '\t') || (code >= 0x7f && code < 0xa0)
  return isControl ? '?' : character
}

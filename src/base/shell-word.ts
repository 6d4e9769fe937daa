// One argument for a POSIX shell. Nothing in it is expanded, whatever it holds; only NUL, which no
// argument of a process can hold, has no notation.

const plain = /^[-/][\w@%+:,./=-]*$/

/**
 * A word that sh(1) reads back as exactly this text. Options and paths of plain characters stay as
 * they are; all else is put between single quotes, so that neither a reserved word nor an
 * assignment can come of it.
 */
export function quoteShellWord(text: string): string {
  if (plain.test(text)) return text
  return `'${text.replaceAll("'", "'\\''")}'`
}

// Words of a command line as a POSIX shell splits and quotes them (XCU 2.2), without expansion of
// any kind: `$HOME` stays `$HOME`. Operators such as `|` and `;` are ordinary characters here.

export type SplitWords =
  | { readonly words: readonly string[]; readonly problem: null }
  | { readonly words: null; readonly problem: string }

/** Splits at blanks outside of quotes; `problem` says which quote or backslash is left open. */
export function splitWords(text: string): SplitWords {
  const words: string[] = []
  let word: string | null = null
  let at = 0
  while (at < text.length) {
    const character = text[at] ?? ''
    at += 1
    if (character === ' ' || character === '\t' || character === '\n') {
      if (word !== null) words.push(word)
      word = null
    } else if (character === "'") {
      const end = text.indexOf("'", at)
      if (end < 0) return { words: null, problem: "a single quote (') is not closed" }
      word = (word ?? '') + text.slice(at, end)
      at = end + 1
    } else if (character === '"') {
      const part = readDoubleQuoted(text, at)
      if (part === null) return { words: null, problem: 'a double quote (") is not closed' }
      word = (word ?? '') + part.text
      at = part.end
    } else if (character === '\\') {
      if (at >= text.length) return { words: null, problem: 'a backslash ends the line' }
      if (text[at] !== '\n') word = (word ?? '') + text[at]
      at += 1
    } else word = (word ?? '') + character
  }
  if (word !== null) words.push(word)
  return { words, problem: null }
}

/** Inside double quotes a backslash only escapes `$`, `` ` ``, `"`, `\` and the end of a line. */
function readDoubleQuoted(text: string, start: number): { text: string; end: number } | null {
  let value = ''
  for (let at = start; at < text.length; at += 1) {
    const character = text[at] ?? ''
    if (character === '"') return { text: value, end: at + 1 }
    const next = text[at + 1]
    if (character === '\\' && next !== undefined && '$`"\\\n'.includes(next)) {
      if (next !== '\n') value += next
      at += 1
    } else value += character
  }
  return null
}

/** The word as it must be typed so that a shell reads back exactly it. */
function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** A command line that a shell splits back into exactly these words. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

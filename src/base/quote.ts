// User text inside messages: in single quotes, escaped and cut, so that no text from a file can
// break a terminal or hide the rest of the message.

const MAX_QUOTED = 60

/** `'it\'s'`: control characters, backslashes and single quotes escaped, at most 60 characters. */
export function quote(text: string): string {
  const characters = [...text.slice(0, MAX_QUOTED * 2)]
  const isCut = characters.length > MAX_QUOTED || text.length > MAX_QUOTED * 2
  const shown = characters.slice(0, MAX_QUOTED).map(escapeCharacter).join('')
  return `'${shown}${isCut ? '…' : ''}'`
}

/** A list for a sentence: `'a', 'b' and 'c'`. */
export function quoteList(words: readonly string[], joint = 'and'): string {
  const quoted = words.map(quote)
  if (quoted.length <= 1) return quoted.join('')
  return `${quoted.slice(0, -1).join(', ')} ${joint} ${quoted.at(-1)}`
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  "'": "\\'",
}

function escapeCharacter(character: string): string {
  const short = shortEscapes[character]
  if (short !== undefined) return short
  const code = character.codePointAt(0) ?? 0
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0)
  const isDirection =
    (code >= 0x200e && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  const isLoneSurrogate = code >= 0xd800 && code <= 0xdfff
  if (!isControl && !isDirection && !isLoneSurrogate) return character
  return `\\u{${code.toString(16)}}`
}

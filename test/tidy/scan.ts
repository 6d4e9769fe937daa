// A light scanner for TypeScript: separates code from comments and strings, so that rules look at
// code only. It knows no grammar. The one hard part is `/`: division or regular expression, decided
// by the token before it.

export interface Scan {
  /** The text with comments, strings and regular expressions blanked; same length, same lines. */
  readonly code: string
  readonly comments: readonly Piece[]
  /** String literals without their quotes; templates in parts, without their substitutions. */
  readonly strings: readonly Piece[]
}

export interface Piece {
  readonly text: string
  readonly start: number
  readonly end: number
}

const wordBeforeRegex =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)$/

interface Cursor {
  readonly text: string
  readonly code: string[]
  readonly comments: Piece[]
  readonly strings: Piece[]
  /** For each open template substitution: how many braces are open inside it. */
  readonly substitutions: number[]
  at: number
}

/** Splits a source text. */
export function scan(text: string): Scan {
  const cursor: Cursor = {
    text,
    code: text.split(''),
    comments: [],
    strings: [],
    substitutions: [],
    at: 0,
  }
  while (cursor.at < text.length) scanToken(cursor)
  return { code: cursor.code.join(''), comments: cursor.comments, strings: cursor.strings }
}

function scanToken(cursor: Cursor): void {
  const { text, at } = cursor
  const char = text[at]
  const pair = text.slice(at, at + 2)
  if (pair === '//' || (at === 0 && pair === '#!')) {
    scanComment(cursor, indexOrEnd(text, '\n', at))
  } else if (pair === '/*') {
    scanComment(cursor, Math.min(text.length, indexOrEnd(text, '*/', at + 2) + 2))
  } else if (char === "'" || char === '"') {
    scanQuoted(cursor, char)
  } else if (char === '`') {
    scanTemplate(cursor)
  } else if (char === '/' && isRegexPlace(cursor)) {
    scanRegex(cursor)
  } else {
    scanBrace(cursor, char)
  }
}

function scanComment(cursor: Cursor, end: number): void {
  cursor.comments.push({ text: cursor.text.slice(cursor.at, end), start: cursor.at, end })
  blank(cursor, cursor.at, end)
  cursor.at = end
}

function scanQuoted(cursor: Cursor, quote: string): void {
  const start = cursor.at + 1
  let end = start
  while (end < cursor.text.length && cursor.text[end] !== quote && cursor.text[end] !== '\n') {
    end += cursor.text[end] === '\\' ? 2 : 1
  }
  pushString(cursor, start, end)
  cursor.at = end + 1
}

/** Called at the opening backquote and again at the `}` that ends a substitution. */
function scanTemplate(cursor: Cursor): void {
  const start = cursor.at + 1
  let end = start
  while (end < cursor.text.length && cursor.text[end] !== '`') {
    if (cursor.text[end] === '$' && cursor.text[end + 1] === '{') {
      pushString(cursor, start, end)
      cursor.substitutions.push(0)
      cursor.at = end + 2
      return
    }
    end += cursor.text[end] === '\\' ? 2 : 1
  }
  pushString(cursor, start, end)
  cursor.at = end + 1
}

function scanBrace(cursor: Cursor, char: string | undefined): void {
  const last = cursor.substitutions.length - 1
  const open = cursor.substitutions[last]
  if (char === '}' && open === 0) {
    cursor.substitutions.pop()
    scanTemplate(cursor)
    return
  }
  if (open !== undefined && char === '{') cursor.substitutions[last] = open + 1
  if (open !== undefined && char === '}') cursor.substitutions[last] = open - 1
  cursor.at += 1
}

function scanRegex(cursor: Cursor): void {
  let end = cursor.at + 1
  let inClass = false
  while (end < cursor.text.length && cursor.text[end] !== '\n') {
    const char = cursor.text[end]
    if (char === '/' && !inClass) break
    if (char === '[') inClass = true
    if (char === ']') inClass = false
    end += char === '\\' ? 2 : 1
  }
  blank(cursor, cursor.at + 1, end)
  cursor.at = end + 1
}

function isRegexPlace(cursor: Cursor): boolean {
  let back = cursor.at - 1
  while (back >= 0 && /\s/.test(cursor.code[back] ?? '')) back -= 1
  if (back < 0) return true
  const before = cursor.code.slice(Math.max(0, back - 12), back + 1).join('')
  if (/[\w$]$/.test(before)) return wordBeforeRegex.test(before)
  return !/[)\]}'"`/]$/.test(before)
}

function pushString(cursor: Cursor, start: number, end: number): void {
  const stop = Math.min(end, cursor.text.length)
  cursor.strings.push({ text: cursor.text.slice(start, stop), start, end: stop })
  blank(cursor, start, stop)
}

function blank(cursor: Cursor, start: number, end: number): void {
  for (let index = start; index < end && index < cursor.code.length; index += 1) {
    if (cursor.code[index] !== '\n') cursor.code[index] = ' '
  }
}

function indexOrEnd(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from)
  return index < 0 ? text.length : index
}

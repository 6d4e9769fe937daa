// Values of unit files, written so that systemd reads back exactly what was meant
// (systemd.syntax(7), "Quoting"; systemd.service(5), "Command lines"; systemd.unit(5),
// "Specifiers").

import { quote } from '../../base/quote.ts'
import { refuseBoot } from './boot-command.ts'

/** One word of a list of words: quoted where that is needed, `%` doubled. */
export function unitWord(text: string): string {
  checkCharacters(text)
  const doubled = text.replaceAll('%', '%%')
  if (/^[\w@%+:,./=-]+$/.test(doubled)) return doubled
  return `"${doubled.replace(/["\\\p{Cc}]/gu, escapeCharacter)}"`
}

/**
 * The words of ExecStart=, each on a line of its own when there are many. The colon in front of the
 * program has systemd leave `$` alone; it is written only when there is one.
 */
export function commandLine(argv: readonly string[]): string {
  const [program = '', ...rest] = argv
  const colon = argv.some((word) => word.includes('$')) ? ':' : ''
  // Quotes are read first, so the colon belongs inside of them.
  const words = [unitWord(colon + program), ...rest.map(unitWord)]
  const line = words.join(' ')
  return line.length <= 80 ? line : words.join(' \\\n    ')
}

/** A value that is not made of words: only `%` means something there. See `isUnitPath`. */
export function unitText(text: string): string {
  checkCharacters(text)
  return text.replaceAll('%', '%%')
}

/**
 * True when systemd takes the path as a value of its own. Such values know no quotes: a line break
 * or a space at the end would be lost, a backslash there would join lines; nor may they hold `..`.
 */
export function isUnitPath(path: string): boolean {
  return path.startsWith('/') && !/\p{Cc}|[\s\\]$/u.test(path) && !path.split('/').includes('..')
}

/** True when systemd takes it as the program of ExecStart=, quoted or not. */
export function isUnitProgram(path: string): boolean {
  return !/["'\\\p{Cc}]/u.test(path)
}

/** True when it can stand in EnvironmentFile=, which is a pattern. */
export function isUnitPattern(path: string): boolean {
  return isUnitPath(path) && !/[*?[\]\\]/.test(path)
}

/** systemd takes no other names in Environment=. */
export function isUnitVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}

/** The names of users and groups that systemd accepts without a word; numbers too. */
export function isUnitUser(name: string): boolean {
  return /^(?:\d+|[A-Za-z_][A-Za-z0-9_-]*)$/.test(name)
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function escapeCharacter(character: string): string {
  const short = shortEscapes[character]
  if (short !== undefined) return short
  const code = character.codePointAt(0) ?? 0
  return code < 0x80
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}

/** systemd drops a whole line that holds a code point which Unicode gives no character. */
function checkCharacters(text: string): void {
  if (/[\0\p{Noncharacter_Code_Point}\p{Surrogate}]/u.test(text)) {
    refuseBoot(`a unit file cannot hold ${quote(text)}: a part of it is no text`)
  }
}

// Env files: KEY=VALUE lines, `export` in front allowed, `#` comments. Single quotes are literal;
// double quotes know \n, \r, \t, \", \\ and \$. Nothing is ever expanded: `$HOME` stays `$HOME`.
// Quoted values may go over several lines. A line that is not understood is told, never dropped.

import type { Diagnostic } from '../base/diagnostic.ts'
import { quote } from '../base/quote.ts'
import type { SourcePosition } from '../base/source-position.ts'
import { createPositionFinder } from './text-lines.ts'

export interface EnvFile {
  /** The later of two lines with the same name wins. */
  readonly variables: ReadonlyMap<string, string>
  readonly positions: ReadonlyMap<string, SourcePosition>
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads the whole text and reports each line that cannot be understood. Never throws. */
export function parseEnvFile(text: string, file: string): EnvFile {
  const variables = new Map<string, string>()
  const positions = new Map<string, SourcePosition>()
  const diagnostics: Diagnostic[] = []
  const findPosition = createPositionFinder(text, file)
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  while (at < text.length) {
    const end = lineEnd(text, at)
    const line = text.slice(at, end)
    const head = /^\s*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/.exec(line)
    const name = head?.[1]
    if (head === null || name === undefined) {
      if (!/^\s*(?:#.*)?$/.test(line)) diagnostics.push(describeLine(line, findPosition(at)))
      at = end + 1
      continue
    }
    const value = readValue(text, at + head[0].length, end)
    if ('problem' in value) {
      diagnostics.push({
        severity: 'error',
        code: 'bad-line',
        position: findPosition(at),
        message: `${name}: ${value.problem}`,
        hint: value.hint,
      })
    } else {
      variables.set(name, value.text)
      positions.set(name, findPosition(at))
    }
    at = value.end
  }
  return { variables, positions, diagnostics }
}

function describeLine(line: string, position: SourcePosition): Diagnostic {
  const name = /^\s*(?:export[ \t]+)?([^=]*?)[ \t]*=/.exec(line)?.[1]
  const message =
    name === undefined
      ? `${quote(line.trim())} is not KEY=VALUE`
      : `${quote(name)} is not a name of an environment variable`
  const hint =
    name === undefined
      ? 'Write KEY=VALUE, or put # in front of a comment.'
      : 'Names have letters, digits and "_", and do not begin with a digit.'
  return { severity: 'error', code: 'bad-line', message, hint, position }
}

type Value =
  | { readonly text: string; readonly end: number }
  | { readonly problem: string; readonly hint: string; readonly end: number }

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

/** `end` of the result is the start of the next line. */
function readValue(text: string, start: number, end: number): Value {
  const first = text[start]
  if (start < end && (first === "'" || first === '"')) return readQuoted(text, start, first)
  // A comment needs a blank in front of it: `#` inside of a password is kept.
  const bare = text
    .slice(start, end)
    .replace(/(?:^|(?<=[ \t]))#.*$/, '')
    .trim()
  if (bare.includes('\0'))
    return { problem: 'the value holds a NUL', hint: 'Remove it.', end: end + 1 }
  return { text: bare, end: end + 1 }
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  $: '$',
}

function readQuoted(text: string, start: number, mark: string): Value {
  let value = ''
  let at = start + 1
  while (at < text.length && text[at] !== mark) {
    const next = text[at + 1]
    const escaped = mark === '"' && text[at] === '\\' ? escapes[next ?? ''] : undefined
    value += escaped ?? text[at]
    at += escaped === undefined ? 1 : 2
  }
  if (at >= text.length) {
    const hint = 'Close it with the same quote, or leave the quotes away.'
    return { problem: `the quote ${mark} is not closed`, hint, end: lineEnd(text, start) + 1 }
  }
  const end = lineEnd(text, at)
  if (!/^\s*(?:#.*)?$/.test(text.slice(at + 1, end))) {
    const hint = 'Put the whole value in quotes.'
    return { problem: 'there is text after the closing quote', hint, end: end + 1 }
  }
  if (value.includes('\0')) {
    return { problem: 'the value holds a NUL', hint: 'Remove it.', end: end + 1 }
  }
  return { text: value, end: end + 1 }
}

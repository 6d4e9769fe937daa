// TOML text to plain values, with the position of every key. The grammar is smol-toml's; what it
// says about a syntax error is put into words for someone who does not know TOML by heart.

import { parse, TomlError } from 'smol-toml'
import type { Diagnostic } from '../base/diagnostic.ts'
import { MAX_DEFINITION_DEPTH, MAX_DEFINITION_TEXT } from '../base/limits.ts'
import type { SourcePosition } from '../base/source-position.ts'
import { createPositionFinder } from './text-lines.ts'
import { pathKey, scanTomlPositions } from './toml-positions.ts'

export interface TomlDocument {
  /** Null when the text is not TOML. Dates are objects, all else is plain data. */
  readonly value: Readonly<Record<string, unknown>> | null
  /**
   * Where a key or list element stands, else the nearest table or list around it, else undefined
   * (for a document without keys).
   */
  readonly positionOf: (path: readonly (string | number)[]) => SourcePosition | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** Never throws for content. `file` only names the text in positions. */
export function parseToml(text: string, file: string): TomlDocument {
  if (text.length > MAX_DEFINITION_TEXT) {
    const message = `the file has ${text.length} characters, more than ${MAX_DEFINITION_TEXT}`
    return refused({
      severity: 'error',
      code: 'too-many',
      message,
      hint: 'Split it into several projects.',
      position: { file, line: 1, column: 1 },
    })
  }
  let value: Readonly<Record<string, unknown>>
  try {
    value = parse(text, { maxDepth: MAX_DEFINITION_DEPTH })
  } catch (error) {
    if (error instanceof TomlError) return refused(describeSyntaxError(error, text, file))
    throw error
  }
  let offsets: ReadonlyMap<string, number> | undefined
  let findPosition: ((offset: number) => SourcePosition) | undefined
  // Most files are right, and then no position is ever asked for.
  const positionOf = (path: readonly (string | number)[]): SourcePosition | undefined => {
    offsets ??= scanTomlPositions(text)
    findPosition ??= createPositionFinder(text, file)
    for (let length = path.length; length > 0; length -= 1) {
      const offset = offsets.get(pathKey(path.slice(0, length)))
      if (offset !== undefined) return findPosition(offset)
    }
    return undefined
  }
  return { value, positionOf, diagnostics: [] }
}

function refused(diagnostic: Diagnostic): TomlDocument {
  return { value: null, positionOf: () => undefined, diagnostics: [diagnostic] }
}

interface SyntaxAdvice {
  readonly about: RegExp
  readonly message: (line: string) => string
  readonly hint: (line: string, column: number) => string
}

const bareValue = /=\s*([A-Za-z/.~$][^#]*?)\s*(?:#.*)?$/

/** `column` from 1, on the word that is no value. */
const quoteAdvice = (line: string, column: number): string => {
  const word = [...line.matchAll(/[^\s,=[\]{}#"']+/g)].find(
    ({ index, 0: found }) => index < column && column <= index + found.length + 1,
  )
  const bare = bareValue.exec(line)?.[1] ?? word?.[0]
  const text = bare === undefined ? '"…"' : JSON.stringify(bare.slice(0, 60))
  return `Text must stand in quotes: ${text}.`
}

// What smol-toml calls it -> what a newcomer did.
const advices: readonly SyntaxAdvice[] = [
  {
    about: /redefine|already defined/,
    message: () => 'this key or table is defined twice',
    hint: () => 'Keep one of the two, or merge them: a table may be opened only once.',
  },
  {
    about: /control characters are not allowed in strings|unfinished string/,
    message: () => 'this text has no closing quote on its line',
    hint: () => 'Close it with the same quote, or use """ for text of several lines.',
  },
  {
    about: /unrecognised escape|invalid escape/,
    message: () => 'unknown escape after a backslash in double quotes',
    hint: () =>
      "Double the backslash, or put the text in single quotes ('…'), which escape nothing.",
  },
  {
    about: /incomplete key-value|unexpected end of key/,
    message: () => 'a line with a key but no value',
    hint: () => 'Write KEY = VALUE, or [TABLE] for a heading.',
  },
  {
    about: /illegal character in key|illegal empty bare key/,
    message: (line) => {
      if (isOpenHeading(line)) return 'this heading is not closed'
      return line.includes('=')
        ? 'a key holds a character that needs quotes'
        : 'a line that is neither KEY = VALUE nor a [TABLE] heading'
    },
    hint: (line) => {
      if (isOpenHeading(line)) return 'Write it as [services.NAME], on one line.'
      if (/^\s*[\w.-]+\s*:/.test(line)) return 'TOML separates key and value by "=", not by ":".'
      return line.includes('=')
        ? 'Bare keys have letters, digits, "_" and "-" only; put other keys in quotes.'
        : 'Write for example command = "node server.js".'
    },
  },
  {
    about: /illegal leading zero/,
    message: () => 'a number may not begin with 0',
    hint: () => 'Drop the zero, or put it in quotes if it is octal: umask = "022".',
  },
  {
    about: /followed by an end-of-line/,
    message: () => 'there is more text after the value',
    hint: () => 'One KEY = VALUE a line; lists stand in [ ], text in quotes.',
  },
  {
    about: /expected comma|unfinished array|unfinished table/,
    message: () => 'a list or table is not closed, or lacks a comma',
    hint: () => 'Separate elements by commas and close with "]" or "}"; it may begin further up.',
  },
  {
    about: /numeric literal|numeric value|invalid value|underscore/,
    message: (line) =>
      bareValue.test(line) ? 'the value has no quotes' : 'this is no valid value',
    hint: quoteAdvice,
  },
  {
    about: /excessively nested/,
    message: () => `lists or tables nested deeper than ${MAX_DEFINITION_DEPTH}`,
    hint: () => 'No setting needs more than four levels.',
  },
]

function isOpenHeading(line: string): boolean {
  return /^\s*\[[^\]]*$/.test(line)
}

function describeSyntaxError(error: TomlError, text: string, file: string): Diagnostic {
  // Advice reads a line of reasonable length only.
  const line = text.split('\n', error.line)[error.line - 1]?.slice(0, 300).trimEnd() ?? ''
  const said = /^Invalid TOML document: (.*)/.exec(error.message)?.[1] ?? error.message
  const advice = advices.find(({ about }) => about.test(said))
  const what = advice?.message(line) ?? said.split('\n', 1)[0] ?? 'invalid text'
  return {
    severity: 'error',
    code: 'syntax',
    message: `TOML syntax: ${what}`,
    hint: advice?.hint(line, error.column) ?? 'See https://toml.io for the notation.',
    position: { file, line: error.line, column: Math.max(1, error.column) },
  }
}

// How long things may be: lines, functions, files; and that a file opens with what it is about.
// A function is found by its body: an opening brace after `=>`, or after a parameter list that no
// `if`, `for`, `while`, `switch`, `catch` or `with` stands before.

import { lineOf, type Rule, type SourceFile, type Violation } from './source-file.ts'

const MAX_LINE = 100
const MAX_FUNCTION_LINES = 70
const MAX_FILE_LINES = 300
/** Worlds and stories are read from top to bottom. */
const MAX_TEST_FILE_LINES = 400

/** Tables and the grid, by name: they are read entry by entry, not as a whole. */
const longFiles: ReadonlySet<string> = new Set([
  'src/base/error-codes.ts',
  'src/base/limits.ts',
  'src/model/service-fields.ts',
  'src/core/instance-grid.ts',
  'src/core/instance-state.ts',
  'src/core/supervisor-step.ts',
  'src/kernel/layouts.ts',
  'src/kernel/libc.ts',
  'src/cli/commands.ts',
  'src/protocol/routes.ts',
])

/** Wiring, by name: a list of parts and who gets which, with no step that could stand alone. */
const wiringFiles: ReadonlySet<string> = new Set(['src/runtime/open-runtime.ts'])

export const lineLength: Rule = (files) =>
  files.flatMap((file) =>
    file.text.split('\n').flatMap((line, index) => {
      if ([...line].length <= MAX_LINE) return []
      const message = `a line of ${[...line].length} characters: break it, ${MAX_LINE} is the limit`
      return [{ path: file.path, line: index + 1, message }]
    }),
  )

export const fileLength: Rule = (files) =>
  files.flatMap((file) => {
    const lines = file.text.split('\n').length - 1
    const limit = file.path.startsWith('test/') ? MAX_TEST_FILE_LINES : MAX_FILE_LINES
    if (lines <= limit || longFiles.has(file.path)) return []
    const message = `${lines} lines: split it by idea, ${limit} is the limit`
    return [{ path: file.path, line: 1, message }]
  })

export const functionLength: Rule = (files) => files.flatMap(longFunctions)

export const openingComment: Rule = (files) =>
  files
    .filter((file) => /^(?:src|bin|scripts|test)\//.test(file.path))
    .filter((file) => !/^(?:#!.*\n)?\/[/*]/.test(file.text))
    .map((file) => ({
      path: file.path,
      line: 1,
      message: 'open with two to six lines of comment: what lives here, and the one thing to know',
    }))

function longFunctions(file: SourceFile): Violation[] {
  const closings = matchBraces(file.code)
  const violations: Violation[] = []
  for (const [open, close] of closings) {
    if (!isFunctionBody(file.code, open)) continue
    const line = lineOf(file.text, open)
    const length = lineOf(file.text, close) - line + 1 - nestedLines(file, closings, open, close)
    if (length <= MAX_FUNCTION_LINES || isSuite(file.code, open)) continue
    if (wiringFiles.has(file.path)) continue
    const message = `a function of ${length} lines: split it, ${MAX_FUNCTION_LINES} is the limit`
    violations.push({ path: file.path, line, message })
  }
  return violations
}

/**
 * The lines of named functions inside count for themselves: a factory that returns a record of
 * functions over shared state is as long as what it says itself.
 */
function nestedLines(
  file: SourceFile,
  closings: ReadonlyMap<number, number>,
  open: number,
  close: number,
): number {
  let sum = 0
  let after = open
  for (const [inner, end] of [...closings].sort(([left], [right]) => left - right)) {
    if (inner <= after || end > close || !isFunctionBody(file.code, inner)) continue
    sum += lineOf(file.text, end) - lineOf(file.text, inner)
    after = end
  }
  return sum
}

function matchBraces(code: string): ReadonlyMap<number, number> {
  const closings = new Map<number, number>()
  const open: number[] = []
  for (let at = 0; at < code.length; at += 1) {
    if (code[at] === '{') open.push(at)
    if (code[at] !== '}') continue
    const start = open.pop()
    if (start !== undefined) closings.set(start, at)
  }
  return closings
}

function isFunctionBody(code: string, open: number): boolean {
  const before = code.slice(Math.max(0, open - 600), open).trimEnd()
  if (before.endsWith('=>')) return true
  const list = parameterListEnd(before)
  if (list < 0) return false
  const head = before.slice(0, openingParenthesis(before, list)).trimEnd()
  return (
    !/(?<![\w$.])(?:if|for|while|switch|catch|with|await)$/.test(head) && /[\w$>\])]$/.test(head)
  )
}

/** Where the `)` of `(…) {` or `(…): Type {` stands; -1 when the brace follows neither. */
function parameterListEnd(before: string): number {
  if (before.endsWith(')')) return before.length - 1
  const typed = /\)\s*:[^;(){}=]*(?:\{[^{}]*\}[^;(){}=]*)*$/.exec(before)
  return typed && /[\w$\]>}]$/.test(before) ? typed.index : -1
}

function openingParenthesis(text: string, closing: number): number {
  let depth = 0
  for (let at = closing; at >= 0; at -= 1) {
    if (text[at] === ')') depth += 1
    if (text[at] === '(') depth -= 1
    if (depth === 0) return at
  }
  return 0
}

/** The body of `describe(…)` is a list of tests, not a function that somebody follows. */
function isSuite(code: string, open: number): boolean {
  const line = code.slice(code.lastIndexOf('\n', open) + 1, open)
  return /^\s*(?:describe|suite)(?:\.\w+)?\(/.test(line)
}

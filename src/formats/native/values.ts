// Parsers of the notations of the native file: durations, sizes, signals, commands, ranges. Those
// of probes are in probe-values.ts. Each says what is wrong and shows how it is written.

import { parseByteSize } from '../../base/byte-size.ts'
import { parseDuration } from '../../base/duration.ts'
import { MAX_ARGUMENTS, MAX_DURATION_MS, MAX_RESTART_HISTORY } from '../../base/limits.ts'
import { quote } from '../../base/quote.ts'
import { parseSignal, signalName, signalNumbers } from '../../base/signal.ts'
import { suggest } from '../../base/suggest.ts'
import type { BurstLimit, Command } from '../../model/service-definition.ts'
import { isValidName, nameRule } from '../../model/service-name.ts'
import {
  accept,
  type Failure,
  gatherFailures,
  type Parsed,
  parseText,
  refuse,
  refuseType,
  type ValueParser,
} from './value.ts'

const durationHint = 'Write it like "250ms", "10s" or "1min 30s".'

/** Milliseconds, more than 0 and finite. */
export const parseTime: ValueParser<number> = (value) => {
  const parsed = parseTimeOrInfinity(value)
  if (!parsed.isOk || Number.isFinite(parsed.value)) return parsed
  return refuse('bad-duration', 'this time cannot be infinite', durationHint)
}

/** Milliseconds, more than 0; Infinity for `infinity` and `never`. */
export const parseTimeOrInfinity: ValueParser<number> = (value) => {
  if (typeof value !== 'number' && typeof value !== 'string') {
    return refuseType('a duration', value, durationHint)
  }
  const ms = typeof value === 'number' ? value * 1_000 : parseDuration(value)
  if (ms === undefined || Number.isNaN(ms)) {
    return refuse('bad-duration', `${quote(String(value))} is not a duration`, durationHint)
  }
  if (ms < 1) {
    return refuse(
      'bad-duration',
      `${quote(String(value))} is too short: at least 1ms`,
      durationHint,
    )
  }
  if (Number.isFinite(ms) && ms > MAX_DURATION_MS) {
    return refuse('bad-duration', `${quote(String(value))} is longer than 100 years`, durationHint)
  }
  return accept(Number.isFinite(ms) ? Math.round(ms) : ms)
}

/** Milliseconds; 0 for `none`, Infinity for `infinity`. */
export const parseGrace: ValueParser<number> = (value) =>
  value === 'none' ? accept(0) : parseTimeOrInfinity(value)

/** Bytes, at least 4 KiB: a log file of less would be rotated at every line. */
export const parseLogSize: ValueParser<number> = (value) => {
  const hint = 'Write it like "512K", "10M" or "2G".'
  const bytes = typeof value === 'string' ? parseByteSize(value) : value
  if (typeof value !== 'string' && typeof value !== 'number')
    return refuseType('a size', value, hint)
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes)) {
    return refuse('bad-size', `${quote(String(value))} is not a size`, hint)
  }
  if (bytes < 4_096) {
    return refuse('bad-size', `${quote(String(value))} is too small: at least "4K"`, hint)
  }
  return accept(bytes)
}

export const parseSignalValue: ValueParser<number> = (value) => {
  if (typeof value !== 'string' && typeof value !== 'number') {
    return refuseType('a signal', value, 'Write it like "TERM" or "SIGHUP".')
  }
  const number = parseSignal(String(value).trim())
  if (number !== undefined) return accept(number)
  const near = suggest(String(value).toUpperCase().replace(/^SIG/, ''), Object.keys(signalNumbers))
  const hint = near === undefined ? 'See `kill -l` for the names.' : `Did you mean "${near}"?`
  return refuse('bad-signal', `${quote(String(value))} is not a signal`, hint)
}

/** A signal that a process can act on: KILL and STOP are refused. */
export const parseReloadSignal: ValueParser<number> = (value) => {
  const parsed = parseSignalValue(value)
  if (!parsed.isOk) return parsed
  if (parsed.value !== signalNumbers.KILL && parsed.value !== signalNumbers.STOP) return parsed
  return refuse(
    'bad-signal',
    `${signalName(parsed.value)} cannot be caught by a program`,
    'Use the signal on which it reloads, most often "HUP".',
  )
}

/** A list is a vector of words, text is a line for `sh -c`. */
export const parseCommand: ValueParser<Command> = (value) => {
  if (typeof value === 'string') {
    if (value.trim() === '')
      return refuse('bad-command', 'the command is empty', 'Say what to run.')
    const text = parseText(value)
    if (!text.isOk) return text
    const command: Command = { kind: 'shell', line: value }
    if (!/[^&]&\s*$/.test(value)) return accept(command)
    return {
      isOk: true,
      value: command,
      warning: {
        code: 'suspicious',
        message: 'the command ends with "&": the shell ends at once, so the service seems to end',
        hint: 'Remove the "&": the supervisor is what keeps it in the background.',
      },
    }
  }
  if (!Array.isArray(value)) {
    return refuseType('a command', value, 'Write command = ["node", "server.js"] or one text.')
  }
  return parseWords(value)
}

function parseWords(value: readonly unknown[]): Parsed<Command> {
  if (value.length === 0) return refuse('bad-command', 'the command is empty', 'Say what to run.')
  if (value.length > MAX_ARGUMENTS) {
    return refuse(
      'too-many',
      `the command has ${value.length} words, more than ${MAX_ARGUMENTS}`,
      'Put them into a script.',
    )
  }
  const argv: string[] = []
  const failures: [number, Failure][] = []
  for (const [index, word] of value.entries()) {
    const parsed = parseWord(word, index)
    if (parsed.isOk) argv.push(parsed.value)
    else failures.push([index, parsed])
  }
  const failure = gatherFailures(failures)
  if (failure !== undefined) return failure
  const command: Command = { kind: 'argv', argv }
  const warning = warnOfWords(argv)
  return warning === undefined ? accept(command) : { isOk: true, value: command, warning }
}

/** An empty or blank argument is a real argument; an empty name of a program is not. */
function parseWord(word: unknown, index: number): Parsed<string> {
  if (word === '' && index === 0) {
    return refuse(
      'bad-command',
      'the name of the program is empty',
      'The first word is the program.',
    )
  }
  if (typeof word !== 'string') {
    return refuseType('text', word, `Put it in quotes: ${quoteWordHint(word)}.`)
  }
  return word.trim() === '' ? accept(word) : parseText(word)
}

function quoteWordHint(word: unknown): string {
  const isPlain = typeof word === 'number' || typeof word === 'boolean'
  return isPlain ? JSON.stringify(String(word)) : '"…"'
}

function warnOfWords(argv: readonly string[]) {
  const program = argv[0] ?? ''
  if (argv.length === 1 && /\s/.test(program)) {
    return {
      code: 'suspicious',
      message: `this looks for a program whose name is ${quote(program)}`,
      hint: 'Make each word an element of its own, or write the command as text without [ ].',
    } as const
  }
  const operator = argv.find((word) =>
    ['&&', '||', '|', '>', '>>', '<', ';', '&', '2>&1'].includes(word),
  )
  if (operator === undefined) return undefined
  return {
    code: 'suspicious',
    message: `${quote(operator)} is passed to the program, no shell reads it`,
    hint: 'Write the command as text without [ ] to have it run by sh -c.',
  } as const
}

export const parseName: ValueParser<string> = (value) => {
  if (typeof value !== 'string') return refuseType('a name', value, 'Put it in quotes.')
  if (isValidName(value)) return accept(value)
  return refuse('bad-name', `${quote(value)} is not a valid name`, nameRule)
}

/** Octal digits in quotes, as chmod(1) takes them. */
export const parseUmask: ValueParser<number> = (value) => {
  const hint = 'Write octal digits in quotes, such as "022".'
  if (typeof value !== 'string') return refuseType('octal digits in quotes', value, hint)
  if (!/^0?[0-7]{1,3}$/.test(value)) {
    return refuse('bad-value', `${quote(value)} is not a umask`, hint)
  }
  return accept(Number.parseInt(value, 8))
}

/** `100ms..30s`, or one time for both. */
export const parseBackoff: ValueParser<readonly [number, number]> = (value) => {
  const hint = 'Write it like "100ms..30s", or "1s" for a pause that does not grow.'
  if (typeof value !== 'string') return refuseType('a range of times', value, hint)
  const [first, last, ...more] = value.split('..')
  const least = parseDuration(first ?? '')
  const most = last === undefined ? least : parseDuration(last)
  if (least === undefined || most === undefined || more.length > 0) {
    return refuse('bad-duration', `${quote(value)} is not a range of times`, hint)
  }
  if (least < 1 || most > MAX_DURATION_MS) {
    return refuse('bad-duration', `${quote(value)} goes below 1ms or above 100 years`, hint)
  }
  if (least > most) {
    return refuse('bad-duration', `${quote(value)} has the larger time in front`, hint)
  }
  return accept([Math.round(least), Math.round(most)])
}

/** `5/10s`, or `none` (null). */
export const parseBurst: ValueParser<BurstLimit | null> = (value) => {
  const hint = 'Write it like "5/10s" (5 restarts in 10 seconds), or "none".'
  if (value === 'none') return accept(null)
  if (typeof value !== 'string') return refuseType('restarts/time', value, hint)
  const match = /^\s*(\d+)\s*\/\s*(.+)$/.exec(value)
  const intervalMs = parseDuration(match?.[2] ?? '')
  if (
    match === null ||
    intervalMs === undefined ||
    intervalMs > MAX_DURATION_MS ||
    intervalMs < 1
  ) {
    return refuse('bad-value', `${quote(value)} is not a number of restarts in a time`, hint)
  }
  const count = Number(match[1])
  if (count < 1 || count > MAX_RESTART_HISTORY) {
    return refuse(
      'bad-value',
      `${count} restarts cannot be counted`,
      `Use a number from 1 to ${MAX_RESTART_HISTORY}.`,
    )
  }
  return accept({ count, intervalMs: Math.round(intervalMs) })
}

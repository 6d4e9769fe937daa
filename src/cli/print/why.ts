// The answer of `why`, as a few sentences.

import { printByteSize } from '../../base/byte-size.ts'
import type { ExitAnswer, WhyAnswer } from '../../protocol/response.ts'
import { printChange } from './log-lines.ts'
import { printSince } from './status.ts'
import { createPaint, toSafeLine } from './style.ts'

export interface WhyView {
  readonly answer: WhyAnswer
  /** The last lines of its log. */
  readonly lines: readonly string[]
  readonly nowMs: number
  readonly hasColour: boolean
  readonly isTerminal: boolean
}

const SHOWN_CHANGES = 5

export function printWhy({ answer, lines, nowMs, hasColour, isTerminal }: WhyView): string {
  const { status, blockedBy, lastExit, next, log, transitions } = answer
  const paint = createPaint(hasColour)
  const name = paint('bold', status.instance)
  const because = status.reason === null ? '' : `: ${status.reason}`
  const parts = [`${name} is ${status.phase} since ${ago(status.since, nowMs)}${because}.`]
  if (status.desired === 'down' && status.phase !== 'down') parts.push('It is wanted down.')
  if (status.desired === 'up' && status.phase === 'down') parts.push('It is wanted up.')
  if (status.restarts > 0) parts.push(`It was restarted ${times(status.restarts)} automatically.`)
  for (const blocker of blockedBy) {
    const why = blocker.reason === null ? '' : `: ${blocker.reason}`
    parts.push(`It waits for ${blocker.instance}, which is ${blocker.phase}${why}.`)
  }
  if (lastExit !== null) {
    parts.push(`It last ended ${ago(lastExit.at, nowMs)} ago: ${explainExit(lastExit.exit)}.`)
  }
  if (next !== null) parts.push(`Next: ${next}.`)
  if (log.droppedBytes > 0) {
    parts.push(`${printByteSize(log.droppedBytes)} of its log could not be stored.`)
  }
  const changes = transitions.slice(-SHOWN_CHANGES).map((event) => {
    return `  ${paint('dim', event.time)} ${printChange(event)}`
  })
  if (changes.length > 0) parts.push('', 'What happened:', ...changes)
  const shown = lines.map((line) => `  ${isTerminal ? toSafeLine(line) : line}`)
  parts.push('', ...(shown.length === 0 ? ['It has written nothing.'] : ['Last lines:', ...shown]))
  return `${parts.join('\n')}\n`
}

function ago(time: string, nowMs: number): string {
  const text = printSince(time, nowMs)
  return text === 'now' ? 'a moment' : text
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

const knownCodes: Readonly<Record<number, string>> = {
  0: 'success',
  1: 'a general error',
  2: 'often wrong usage',
  126: 'the command could not be executed',
  127: 'the command was not found',
}

const knownSignals: Readonly<Record<string, string>> = {
  SIGABRT: 'it aborted itself, usually after a failed assertion',
  SIGBUS: 'it touched memory that is not there',
  SIGFPE: 'an arithmetic error such as a division by zero',
  SIGHUP: 'hang-up',
  SIGILL: 'it executed an illegal instruction',
  SIGINT: 'interrupted, as by Ctrl-C',
  SIGKILL: 'killed: by somebody, a stop timeout, or for want of memory',
  SIGPIPE: 'it wrote to something that nobody reads',
  SIGSEGV: 'it touched memory that is not its own',
  SIGTERM: 'it was asked to end',
}

/** `exit 127 (the command was not found)` */
export function explainExit(exit: ExitAnswer): string {
  if ('code' in exit) {
    const isShell = exit.code > 128 && exit.code < 128 + 65
    const hint = isShell ? `what a shell says for signal ${exit.code - 128}` : knownCodes[exit.code]
    return hint === undefined ? `exit ${exit.code}` : `exit ${exit.code} (${hint})`
  }
  if ('signal' in exit) {
    const hint = knownSignals[exit.signal]
    return hint === undefined ? exit.signal : `${exit.signal} (${hint})`
  }
  return 'nobody could see its exit status'
}

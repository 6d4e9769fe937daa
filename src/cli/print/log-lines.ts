// Lines of logs and changes of state, as people read them while services run.

import type { LogItem } from '../../protocol/log-line.ts'
import type { EventRow } from '../../protocol/response.ts'
import { createPaint, type Paint, type Style, toSafeLine } from './style.ts'

const colours: readonly Style[] = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red']

export interface LinePrinter {
  /** With its newline. */
  logItem(item: LogItem): string
  event(event: EventRow): string
}

export interface LinePrinterOptions {
  readonly hasColour: boolean
  /** Escape sequences of services are shown, not obeyed. */
  readonly isTerminal: boolean
  readonly showsTime: boolean
  readonly showsProject: boolean
  /** Names that are known from the start, so that the column has its width. */
  readonly instances: readonly string[]
  /** False: the bare line, for a single instance that was asked for. */
  readonly showsName: boolean
}

/** Keeps a colour for each service, in the order in which they appear. */
export function createLinePrinter(options: LinePrinterOptions): LinePrinter {
  const paint = createPaint(options.hasColour)
  const styles = new Map<string, Style>()
  let width = 0

  function nameOf(id: string): string {
    return options.showsProject ? id : id.slice(id.indexOf('/') + 1)
  }

  function prefix(id: string): string {
    const name = nameOf(id)
    width = Math.max(width, name.length)
    const service = name.replace(/@\d+$/, '')
    const style = styles.get(service) ?? colours[styles.size % colours.length] ?? 'cyan'
    styles.set(service, style)
    return paint(style, `${name.padEnd(width)} |`)
  }

  for (const id of options.instances) width = Math.max(width, nameOf(id).length)

  function logItem(item: LogItem): string {
    const time = options.showsTime ? `${paint('dim', printTime(item.timeUs))} ` : ''
    const name = options.showsName ? `${prefix(item.instance)} ` : ''
    return `${time}${name}${textOf(item, options.isTerminal, paint)}\n`
  }

  function event(row: EventRow): string {
    const id = `${row.project}/${row.instance}`
    const time = options.showsTime ? `${paint('dim', row.time)} ` : ''
    return `${time}${prefix(id)} ${paint('dim', printChange(row))}\n`
  }

  return { logItem, event }
}

/** `starting → up`, and why. */
export function printChange(row: EventRow): string {
  const reason = row.reason === null || row.reason === row.to ? '' : `: ${row.reason}`
  const change = row.from === row.to ? row.to : `${row.from} → ${row.to}`
  return `${change}${reason}`
}

function textOf(item: LogItem, isTerminal: boolean, paint: Paint): string {
  if (item.kind === 'gap') {
    const size = item.bytes === null ? 'bytes' : `${item.bytes} bytes`
    return paint('red', `[${size} are missing here: they could not be stored]`)
  }
  return isTerminal ? toSafeLine(item.text) : item.text
}

/** ISO 8601 with microseconds. */
export function printTime(timeUs: number): string {
  const micros = String(timeUs % 1_000).padStart(3, '0')
  return new Date(Math.floor(timeUs / 1_000)).toISOString().replace('Z', `${micros}Z`)
}

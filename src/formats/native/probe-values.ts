// Parsers of what probes need: URLs, ports, HTTP statuses, patterns.

import { parseHttpUrl } from '../../base/http-url.ts'
import { MAX_PATTERN_LENGTH } from '../../base/limits.ts'
import { quote } from '../../base/quote.ts'
import { accept, describeValue, parseText, refuse, refuseType, type ValueParser } from './value.ts'

/** A plain HTTP address. */
export const parseUrl: ValueParser<string> = (value) => {
  const example = 'Write it like "http://127.0.0.1:8080/health".'
  if (typeof value !== 'string') return refuseType('a URL', value, example)
  if (/^https:/i.test(value)) {
    return refuse(
      'bad-url',
      'https probes are not supported',
      'Probe a plain http port of the service, or use exec = ["curl", "-fsS", "https://…"].',
    )
  }
  const url = parseHttpUrl(value)
  if (url === undefined) return refuse('bad-url', `${quote(value)} is not an http URL`, example)
  if (isPort(url.port)) return accept(value)
  return refuse('bad-port', `${url.port} is not a port`, 'Ports go from 1 to 65535.')
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 65_535
}

/** `8080` is a port of this machine; `host:port`, `[::1]:port`. */
export const parseTcp: ValueParser<{ readonly host: string; readonly port: number }> = (value) => {
  const hint = 'Write a port such as 8080, or "127.0.0.1:8080".'
  if (typeof value !== 'number' && typeof value !== 'string')
    return refuseType('a port', value, hint)
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):)?(\d+)$/.exec(String(value))
  if (match === null) {
    return refuse('bad-port', `${quote(String(value))} is not a port or host:port`, hint)
  }
  const port = Number(match[2])
  if (!isPort(port))
    return refuse('bad-port', `${match[2]} is not a port`, 'Ports go from 1 to 65535.')
  return accept({ host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port })
}

/** `200`, or `200-399`. */
export const parseStatusRange: ValueParser<readonly [number, number]> = (value) => {
  const hint = 'Write it like 204 or "200-399".'
  if (typeof value !== 'number' && typeof value !== 'string') {
    return refuseType('HTTP statuses', value, hint)
  }
  const match = /^\s*(\d{3})\s*(?:-\s*(\d{3}))?\s*$/.exec(String(value))
  const low = Number(match?.[1])
  const high = Number(match?.[2] ?? match?.[1])
  if (match === null || low < 100 || high > 599 || low > high) {
    return refuse('bad-value', `${describeValue(value)} is no range of HTTP statuses`, hint)
  }
  return accept([low, high])
}

/** A regular expression that compiles. */
export const parsePattern: ValueParser<string> = (value) => {
  const text = parseText(value)
  if (!text.isOk) return text
  if (text.value.length > MAX_PATTERN_LENGTH) {
    return refuse(
      'bad-pattern',
      `the pattern is longer than ${MAX_PATTERN_LENGTH} characters`,
      'A part of the line is enough.',
    )
  }
  try {
    new RegExp(text.value)
    return text
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message.replace(/^.*: /, '') : 'unknown reason'
    return refuse(
      'bad-pattern',
      `${quote(text.value)} is not a regular expression: ${why}`,
      'Put a backslash in front of ( ) [ ] { } . * + ? that are meant as they are.',
    )
  }
}

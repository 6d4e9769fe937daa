// The words after `--ready`, and what they mean.

import { parseDuration } from '../base/duration.ts'
import { quote } from '../base/quote.ts'
import { suggest } from '../base/suggest.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { ReadyDialect } from './daemon-request.ts'

const plain = ['exec', 'stderr-closed', 'notify', 'signal', 'stop', 'forking'] as const
const withValue = ['fd', 'tcp', 'http', 'log', 'delay'] as const
type WithValue = (typeof withValue)[number]

/** Throws ERR_BAD_OPTION. */
export function parseReadyDialect(text: string): ReadyDialect {
  const at = text.indexOf('=')
  const word = at === -1 ? text : text.slice(0, at)
  const kind = plain.find((known) => known === word)
  if (kind !== undefined) {
    if (at !== -1) throw bad(`'${kind}' takes no value`)
    return { kind }
  }
  const valued = withValue.find((known) => known === word)
  if (valued === undefined) {
    const close = suggest(word, [...plain, ...withValue])
    const advice = close === undefined ? '' : `; did you mean '${close}'?`
    throw bad(`${quote(word)} is not known${advice}`)
  }
  if (at === -1) throw bad(`'${valued}' needs a value: ${examples[valued]}`)
  const parsed = parsers[valued](text.slice(at + 1))
  if (parsed === null) throw bad(`${quote(text)} is not like ${examples[valued]}`)
  return parsed
}

const examples: Readonly<Record<WithValue, string>> = {
  fd: 'fd=3',
  tcp: 'tcp=8080, tcp=127.0.0.1:8080 or tcp=[::1]:8080',
  http: 'http=http://127.0.0.1:8080/health',
  log: 'log=listening on',
  delay: 'delay=500ms',
}

const parsers: Readonly<Record<WithValue, (text: string) => ReadyDialect | null>> = {
  fd: (text) => {
    const fd = Number(text)
    return /^\d{1,4}$/.test(text) && fd > 2 ? { kind: 'fd', fd } : null
  },
  tcp: (text) => {
    const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]:|([^:[\]]+):)?(\d{1,5})$/.exec(text)
    const port = Number(match?.[3] ?? 0)
    if (port < 1 || port > 65_535) return null
    return { kind: 'tcp', host: match?.[1] ?? match?.[2] ?? '127.0.0.1', port }
  },
  http: (text) => {
    if (!URL.canParse(text)) return null
    const { protocol } = new URL(text)
    if (protocol === 'https:') throw bad('https is not spoken; ask the plain port, or use tcp=')
    return protocol === 'http:' ? { kind: 'http', url: text } : null
  },
  log: (text) => {
    try {
      return text === '' ? null : { kind: 'log', pattern: new RegExp(text, 'u') }
    } catch (error) {
      throw bad(error instanceof Error ? error.message : String(error))
    }
  },
  delay: (text) => {
    const ms = parseDuration(text)
    return ms === undefined ? null : { kind: 'delay', ms }
  },
}

function bad(problem: string): ToolkitError {
  return new ToolkitError('ERR_BAD_OPTION', `option '--ready': ${problem}`)
}

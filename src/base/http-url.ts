// The plain HTTP addresses that probes can ask: `http://host[:port][/path][?query]`. No user name,
// no fragment, no other scheme.

export interface HttpUrl {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  /** 80 when the text has none; not yet checked to be a port. */
  readonly port: number
  /** With the query; at least `/`. */
  readonly path: string
}

const hostPattern = /^http:\/\/(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))/i
const restPattern = /^(?::(\d{1,9}))?([/?][^\s#]*)?$/

/** Undefined when the text is no such address. */
export function parseHttpUrl(text: string): HttpUrl | undefined {
  const start = hostPattern.exec(text)
  const host = start?.[1] ?? start?.[2]
  const rest = restPattern.exec(text.slice(start?.[0].length))
  if (!start || !rest || host === undefined) return undefined
  const path = rest[2] ?? '/'
  return {
    host,
    port: Number(rest[1] ?? 80),
    path: path.startsWith('/') ? path : `/${path}`,
  }
}

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

const pattern =
  /^http:\/\/(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))(?::(\d{1,9}))?([/?][^\s#]*)?$/i

/** Undefined when the text is no such address. */
export function parseHttpUrl(text: string): HttpUrl | undefined {
  const match = pattern.exec(text)
  const host = match?.[1] ?? match?.[2]
  if (!match || host === undefined) return undefined
  const path = match[4] ?? '/'
  return {
    host,
    port: Number(match[3] ?? 80),
    path: path.startsWith('/') ? path : `/${path}`,
  }
}

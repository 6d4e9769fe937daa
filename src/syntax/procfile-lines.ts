// Lines of a Procfile: `name: command`. Blank lines and `#` comments are skipped; any other line
// comes back as `ignored`, so that the importer can tell it.

export interface ProcfileEntry {
  readonly name: string
  readonly command: string
  /** From 1. */
  readonly line: number
}

export interface ProcfileLines {
  readonly entries: readonly ProcfileEntry[]
  readonly ignored: readonly { readonly text: string; readonly line: number }[]
}

/** The blank after the colon may be absent, as foreman allows. Never throws. */
export function parseProcfileLines(text: string): ProcfileLines {
  const entries: ProcfileEntry[] = []
  const ignored: { text: string; line: number }[] = []
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  for (const [index, raw] of lines.entries()) {
    const line = raw.replace(/\r$/, '')
    if (/^\s*(?:#.*)?$/.test(line)) continue
    const match = /^([A-Za-z0-9_-]+):[ \t]*(.*)$/.exec(line)
    if (match === null) ignored.push({ text: line, line: index + 1 })
    else
      entries.push({ name: match[1] ?? '', command: (match[2] ?? '').trimEnd(), line: index + 1 })
  }
  return { entries, ignored }
}

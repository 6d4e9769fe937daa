// One message of the descriptor store: which of the descriptors that travel with it belong to which
// name. The newest sequence number of a name wins; an entry without descriptors removes the name.

const FORMAT = 1

export interface StoreEntry {
  readonly name: string
  /** How many of the message's descriptors, in the order of the entries. */
  readonly count: number
  readonly sequence: number
}

/** One object with short rows: the size of a message decides how many fit into a queue. */
export function packStoreMessage(entries: readonly StoreEntry[]): string {
  const rows = entries.map(({ name, count, sequence }) => [name, count, sequence])
  return JSON.stringify({ format: FORMAT, entries: rows })
}

/** Null when it is no message of this format, or does not fit to the number of descriptors. */
export function unpackStoreMessage(
  text: string,
  descriptorCount: number,
): readonly StoreEntry[] | null {
  const entries = parseEntries(text)
  if (entries === null) return null
  const total = entries.reduce((sum, { count }) => sum + count, 0)
  return total === descriptorCount ? entries : null
}

function parseEntries(text: string): readonly StoreEntry[] | null {
  try {
    const message = JSON.parse(text) as { format?: unknown; entries?: unknown } | null
    if (message?.format !== FORMAT || !Array.isArray(message.entries)) return null
    const entries = (message.entries as unknown[]).map(toEntry)
    return entries.every((entry) => entry !== null) ? entries : null
  } catch {
    return null
  }
}

function toEntry(row: unknown): StoreEntry | null {
  if (!Array.isArray(row)) return null
  const [name, count, sequence] = row as unknown[]
  if (typeof name !== 'string' || !isCount(count) || !isCount(sequence)) return null
  return { name, count, sequence }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

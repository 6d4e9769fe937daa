// Sizes as people write them: `10M`, `512K`, `1.5GiB`, a bare number is bytes. Factors are 1024.

const factors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
}

/** Undefined when the text is no size. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim())
  if (!match) return undefined
  const factor = factors[(match[2] ?? '').toLowerCase()]
  return factor === undefined ? undefined : Math.round(Number(match[1]) * factor)
}

/** `512 B`, `1.5 MiB`, `20 GiB`. */
export function printByteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let amount = bytes
  let unit = 0
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024
    unit += 1
  }
  const text = amount >= 100 || Number.isInteger(amount) ? Math.round(amount) : amount.toFixed(1)
  return `${text} ${units[unit]}`
}

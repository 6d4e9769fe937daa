// What was measured, as one table: a row a figure, a column a supervisor, medians, and behind each
// figure of ours the ratio to the best of the others.

export interface Figure {
  readonly title: string
  readonly unit: string
  readonly digits: number
  /** Throughput: more is better. */
  readonly isMoreBetter?: boolean
}

export interface Results {
  add(figure: Figure, peer: string, value: number): void
  print(): string
  toJson(): readonly unknown[]
}

const OURS = 'eudaemon'

export function createResults(): Results {
  const rows = new Map<
    string,
    { readonly figure: Figure; readonly values: Map<string, number[]> }
  >()

  const columns = (): readonly string[] => {
    const names = [...new Set([...rows.values()].flatMap(({ values }) => [...values.keys()]))]
    return [OURS, ...names.filter((name) => name !== OURS)]
  }

  return {
    add: (figure, peer, value) => {
      const row = rows.get(figure.title) ?? { figure, values: new Map<string, number[]>() }
      rows.set(figure.title, row)
      row.values.set(peer, [...(row.values.get(peer) ?? []), value])
    },
    print: () => {
      const names = columns()
      const lines = [...rows.values()].map(({ figure, values }) => {
        const cells = names.map((name) => {
          const all = values.get(name)
          return all === undefined ? '' : median(all).toFixed(figure.digits)
        })
        return [`${figure.title}, ${figure.unit}`, ...cells, ratioOf(figure, values)]
      })
      const heads = ['', ...names, `${OURS} / best other`]
      const rule = heads.map((_, index) => (index === 0 ? '---' : '--:'))
      return [heads, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
    },
    toJson: () =>
      [...rows.values()].flatMap(({ figure, values }) =>
        [...values].map(([peer, all]) => ({
          figure: figure.title,
          unit: figure.unit,
          peer,
          median: median(all),
          values: all,
        })),
      ),
  }
}

function ratioOf({ isMoreBetter }: Figure, values: ReadonlyMap<string, readonly number[]>): string {
  const ours = values.get(OURS)
  const others = [...values].filter(([name]) => name !== OURS).map(([, all]) => median(all))
  if (ours === undefined || others.length === 0) return ''
  const best = isMoreBetter ? Math.max(...others) : Math.min(...others)
  return best === 0 ? '' : (median(ours) / best).toFixed(2)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

// The dependencies of one project as lists in both directions, made once when its definition is
// applied. `order` joins all four kinds: who must be settled before whom. A service that is gone
// from the file still has its place, so that it stops before what it needs.

import type { ProjectRecord } from './effect.ts'

export interface ServiceLinks {
  /** Must be up before this one starts; when it is stopped this one is stopped. */
  readonly requires: readonly string[]
  /** Started too, and waited for until it is up or has failed. */
  readonly wants: readonly string[]
  /** What starts before this one, of any kind; this one stops before them. */
  readonly order: readonly string[]
  /** The reverse of `order`. */
  readonly followers: readonly string[]
  /** The reverse of `requires`. */
  readonly requiredBy: readonly string[]
}

export type ProjectLinks = ReadonlyMap<string, ServiceLinks>

interface OpenLinks {
  readonly requires: readonly string[]
  readonly wants: readonly string[]
  readonly order: Set<string>
  readonly followers: Set<string>
  readonly requiredBy: Set<string>
}

/** Names that no service has were refused by validation, and are ignored here. */
export function linkProject(record: Pick<ProjectRecord, 'definition' | 'retired'>): ProjectLinks {
  const links = new Map<string, OpenLinks>()
  const services = { ...record.retired, ...record.definition.services }
  for (const [name, { requires, wants }] of Object.entries(services)) {
    const isKnown = (other: string) => Object.hasOwn(services, other)
    links.set(name, {
      requires: requires.filter(isKnown),
      wants: wants.filter(isKnown),
      order: new Set(),
      followers: new Set(),
      requiredBy: new Set(),
    })
  }
  const addOrder = (first: string, then: string) => {
    links.get(then)?.order.add(first)
    links.get(first)?.followers.add(then)
  }
  for (const [name, definition] of Object.entries(services)) {
    const { requires, wants, after } = definition
    // What is gone holds nobody up: together with new services its `before` could make a cycle.
    const before = Object.hasOwn(record.definition.services, name) ? definition.before : []
    for (const other of [...requires, ...wants, ...after]) {
      if (links.has(other)) addOrder(other, name)
    }
    for (const other of before) if (links.has(other)) addOrder(name, other)
    for (const other of requires) links.get(other)?.requiredBy.add(name)
  }
  return new Map(
    [...links].map(([name, open]) => [
      name,
      {
        ...open,
        order: [...open.order],
        followers: [...open.followers],
        requiredBy: [...open.requiredBy],
      },
    ]),
  )
}

// The dependencies of one project as lists in both directions, made once when its definition is
// applied. `order` joins all four kinds: who must be settled before whom.

import type { ProjectDefinition } from '../model/service-definition.ts'

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
export function linkProject(project: ProjectDefinition): ProjectLinks {
  const links = new Map<string, OpenLinks>()
  for (const [name, { requires, wants }] of Object.entries(project.services)) {
    const isKnown = (other: string) => Object.hasOwn(project.services, other)
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
  for (const [name, definition] of Object.entries(project.services)) {
    const { requires, wants, after, before } = definition
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

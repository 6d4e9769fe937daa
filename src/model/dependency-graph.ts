// Who needs whom, and in which order. Built once for a project; every question is answered in time
// linear in services and dependencies, without recursion. Names that are not defined are left out:
// validate-project.ts reports them.
//
// `requires` and `wants` pull the other service in and order it first; `after` and `before` only
// order. An edge goes from the service that waits to the one it waits for.

import type { ServiceDefinition } from './service-definition.ts'

export type DependencyKind = 'requires' | 'wants' | 'after' | 'before'

/** `from` waits for `to`. For `before` the setting stands in the definition of `to`. */
export interface Dependency {
  readonly kind: DependencyKind
  readonly from: string
  readonly to: string
  /** Where in the list of the setting. */
  readonly index: number
}

export interface DependencyGraph {
  /** In the order of the definition. */
  readonly names: readonly string[]
  /** By name: what it waits for. */
  readonly waitsFor: ReadonlyMap<string, readonly Dependency[]>
  /** By name: what waits for it. */
  readonly waitedForBy: ReadonlyMap<string, readonly Dependency[]>
}

type Services = Readonly<Record<string, Pick<ServiceDefinition, DependencyKind>>>

export const dependencyKinds: readonly DependencyKind[] = ['requires', 'wants', 'after', 'before']

/** Self-dependencies and undefined names are left out. */
export function buildDependencyGraph(services: Services): DependencyGraph {
  const names = Object.keys(services)
  const waitsFor = new Map<string, Dependency[]>(names.map((name) => [name, []]))
  const waitedForBy = new Map<string, Dependency[]>(names.map((name) => [name, []]))
  for (const name of names) {
    for (const kind of dependencyKinds) {
      for (const [index, other] of (services[name]?.[kind] ?? []).entries()) {
        if (other === name || !waitsFor.has(other)) continue
        const [from, to] = kind === 'before' ? [other, name] : [name, other]
        const dependency = { kind, from, to, index }
        waitsFor.get(from)?.push(dependency)
        waitedForBy.get(to)?.push(dependency)
      }
    }
  }
  return { names, waitsFor, waitedForBy }
}

function follow(
  graph: DependencyGraph,
  names: readonly string[],
  neighbours: (name: string) => readonly string[],
): readonly string[] {
  const found = new Set(names.filter((name) => graph.waitsFor.has(name)))
  // A Set hands out what is added while it is walked.
  for (const name of found) for (const other of neighbours(name)) found.add(other)
  return [...found]
}

/** The names and all that they require or want, directly or not: what `up NAME…` starts. */
export function closureOf(graph: DependencyGraph, names: readonly string[]): readonly string[] {
  return follow(graph, names, (name) =>
    (graph.waitsFor.get(name) ?? [])
      .filter(({ kind }) => kind === 'requires' || kind === 'wants')
      .map(({ to }) => to),
  )
}

/** The names and all that require them, directly or not: what stops when they stop. */
export function dependentsOf(graph: DependencyGraph, names: readonly string[]): readonly string[] {
  return follow(graph, names, (name) =>
    (graph.waitedForBy.get(name) ?? [])
      .filter(({ kind }) => kind === 'requires')
      .map(({ from }) => from),
  )
}

/**
 * Each service after all that it waits for; among equals the order of the definition. Members of a
 * cycle, and what waits for them, are left out.
 */
export function startOrder(graph: DependencyGraph): readonly string[] {
  const missing = new Map(graph.names.map((name) => [name, graph.waitsFor.get(name)?.length ?? 0]))
  const order = graph.names.filter((name) => missing.get(name) === 0)
  // A list hands out what is pushed to it while it is walked.
  for (const name of order) {
    for (const { from } of graph.waitedForBy.get(name) ?? []) {
      const left = (missing.get(from) ?? 0) - 1
      missing.set(from, left)
      if (left === 0) order.push(from)
    }
  }
  return order
}

/**
 * One short cycle for each knot of services that wait for each other, as a closed chain: the `to`
 * of each dependency is the `from` of the next, and the last leads back to the first.
 */
export function findCycles(graph: DependencyGraph): readonly (readonly Dependency[])[] {
  const cycles: (readonly Dependency[])[] = []
  for (const knot of findKnots(graph)) {
    const cycle = shortestCycle(graph, knot)
    if (cycle.length > 0) cycles.push(cycle)
  }
  return cycles
}

/** Sets of more than one service that all reach each other (Tarjan's algorithm, with own stack). */
function findKnots(graph: DependencyGraph): readonly (readonly string[])[] {
  const knots: string[][] = []
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const open: string[] = []
  const isOpen = new Set<string>()
  for (const root of graph.names) {
    if (index.has(root)) continue
    const path: { name: string; next: number }[] = [{ name: root, next: 0 }]
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const { name } = frame
      if (frame.next === 0) {
        index.set(name, index.size)
        low.set(name, index.get(name) ?? 0)
        open.push(name)
        isOpen.add(name)
      }
      const to = graph.waitsFor.get(name)?.[frame.next]?.to
      frame.next += 1
      if (to !== undefined) {
        if (!index.has(to)) path.push({ name: to, next: 0 })
        else if (isOpen.has(to)) lower(low, name, index.get(to) ?? 0)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent !== undefined) lower(low, parent.name, low.get(name) ?? 0)
      if (low.get(name) !== index.get(name)) continue
      const knot = open.splice(open.lastIndexOf(name))
      for (const member of knot) isOpen.delete(member)
      if (knot.length > 1) knots.push(knot)
    }
  }
  return knots
}

function lower(low: Map<string, number>, name: string, value: number): void {
  if (value < (low.get(name) ?? Number.POSITIVE_INFINITY)) low.set(name, value)
}

/** Breadth first from one member of the knot until a dependency leads back to it. */
function shortestCycle(graph: DependencyGraph, knot: readonly string[]): readonly Dependency[] {
  const start = knot[0] ?? ''
  const members = new Set(knot)
  const cameBy = new Map<string, Dependency>()
  const queue = [start]
  for (const name of queue) {
    for (const dependency of graph.waitsFor.get(name) ?? []) {
      const { to } = dependency
      if (to === start) return chainTo(cameBy, dependency, start)
      if (!members.has(to) || cameBy.has(to)) continue
      cameBy.set(to, dependency)
      queue.push(to)
    }
  }
  return []
}

function chainTo(
  cameBy: ReadonlyMap<string, Dependency>,
  last: Dependency,
  start: string,
): readonly Dependency[] {
  const chain = [last]
  for (let name = last.from; name !== start; ) {
    const step = cameBy.get(name)
    if (step === undefined) break
    chain.unshift(step)
    name = step.from
  }
  return chain
}

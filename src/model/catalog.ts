// All projects, checked, each with its dependency graph: the only thing that the core accepts.
// Lookups go through Maps, because a service may well be called `constructor`.

import type { Diagnostic } from '../base/diagnostic.ts'
import { quote } from '../base/quote.ts'
import { digestDefinition } from './definition-digest.ts'
import { buildDependencyGraph, type DependencyGraph } from './dependency-graph.ts'
import { toDiagnostic } from './problem.ts'
import type { ProjectDefinition, ServiceDefinition } from './service-definition.ts'
import { validateProject } from './validate.ts'

export interface CatalogProject {
  readonly definition: ProjectDefinition
  readonly services: ReadonlyMap<string, ServiceDefinition>
  readonly graph: DependencyGraph
  /** By service: changes when, and only when, its definition does. */
  readonly digests: ReadonlyMap<string, string>
}

export interface Catalog {
  readonly projects: ReadonlyMap<string, CatalogProject>
}

export interface BuiltCatalog {
  /** Null when a diagnostic is an error. */
  readonly catalog: Catalog | null
  readonly diagnostics: readonly Diagnostic[]
}

/** Checks every project as a whole. Linear in services and dependencies. */
export function buildCatalog(projects: readonly ProjectDefinition[]): BuiltCatalog {
  const diagnostics: Diagnostic[] = []
  const byName = new Map<string, CatalogProject>()
  for (const definition of projects) {
    const graph = buildDependencyGraph(definition.services)
    const other = byName.get(definition.name)
    if (other !== undefined) diagnostics.push(describeDuplicate(definition, other.definition))
    diagnostics.push(...validateProject(definition, graph).map((problem) => toDiagnostic(problem)))
    const services = new Map(Object.entries(definition.services))
    const digests = new Map(
      [...services].map(([name, service]) => [name, digestDefinition(service)]),
    )
    byName.set(definition.name, { definition, services, graph, digests })
  }
  const isBroken = diagnostics.some(({ severity }) => severity === 'error')
  return { catalog: isBroken ? null : { projects: byName }, diagnostics }
}

function describeDuplicate(project: ProjectDefinition, other: ProjectDefinition): Diagnostic {
  return {
    severity: 'error',
    code: 'duplicate-project',
    message: `project ${quote(project.name)} of ${project.file} exists already, from ${other.file}`,
    hint: 'Set name = "…" at the top of one of the two files.',
    setting: 'name',
  }
}

// Definitions as JSON, for the control API and for the state directory. JSON has no Infinity: it is
// written as the text `infinity`.

import { type Diagnostic, isUsable } from '../base/diagnostic.ts'
import { quote } from '../base/quote.ts'
import { projectShape } from './definition-shape.ts'
import { type Problem, type SettingPath, toDiagnostic } from './problem.ts'
import type { ProjectDefinition, ServiceDefinition } from './service-definition.ts'
import { validateProject } from './validate.ts'

/** The text that parseProjectDefinition reads back after JSON.parse. */
export function encodeDefinition(definition: ProjectDefinition | ServiceDefinition): string {
  return JSON.stringify(definition, (_key, value: unknown) =>
    value === Number.POSITIVE_INFINITY ? 'infinity' : value,
  )
}

export interface ParsedProject {
  /** Null when a diagnostic is an error. */
  readonly project: ProjectDefinition | null
  readonly diagnostics: readonly Diagnostic[]
}

/** Checks data of unknown origin; trusts nothing, never throws. */
export function parseProjectDefinition(value: unknown): ParsedProject {
  const problems: Problem[] = []
  const project = projectShape(value, [], problems)
  if (project !== undefined) {
    for (const [key, service] of Object.entries(project.services)) {
      problems.push(...checkService(key, service))
    }
    problems.push(...validateProject(project))
  }
  const diagnostics = problems.map((problem) => toDiagnostic(problem))
  return { project: project !== undefined && isUsable(diagnostics) ? project : null, diagnostics }
}

/** What a shape cannot see because it concerns two values. */
function checkService(key: string, service: ServiceDefinition): readonly Problem[] {
  const problems: Problem[] = []
  const refuse = (path: SettingPath, message: string): void => {
    problems.push({
      severity: 'error',
      code: 'bad-shape',
      path: ['services', key, ...path],
      message,
    })
  }
  if (service.name !== key)
    refuse(['name'], `is ${quote(service.name)}, but the key is ${quote(key)}`)
  if (service.restart.backoffMinMs > service.restart.backoffMaxMs) {
    refuse(['restart', 'backoffMinMs'], 'must not be above backoffMaxMs')
  }
  for (const [name, limit] of Object.entries(service.limits)) {
    if (limit.soft > limit.hard) refuse(['limits', name, 'soft'], 'must not be above hard')
  }
  const probes = [
    service.readiness.kind === 'probe' ? service.readiness.probe : null,
    service.liveness?.probe,
  ]
  for (const probe of probes) {
    if (probe?.action.kind === 'http' && probe.action.status[0] > probe.action.status[1]) {
      refuse(['status'], 'must have the smaller status first')
    }
  }
  return problems
}

// Checks of complete definitions: do the parts of a service fit together, and the services of a
// project. Values by themselves are checked where they are read (formats/) or received
// (definition-shape.ts). Paths are those of the native file, so that every format can place them.

import {
  MAX_INSTANCES_PER_PROJECT,
  MAX_INSTANCES_PER_SERVICE,
  MAX_SERVICES_PER_PROJECT,
} from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { suggest } from '../base/suggest.ts'
import {
  buildDependencyGraph,
  type Dependency,
  type DependencyGraph,
  dependencyKinds,
  findCycles,
} from './dependency-graph.ts'
import type { Problem, SettingPath } from './problem.ts'
import type { ProjectDefinition, ServiceDefinition } from './service-definition.ts'
import { isValidName, nameRule } from './service-name.ts'

/** Suggestions cost a comparison with every name; after so many they help nobody. */
const MAX_SUGGESTIONS = 20

/** Every contradiction inside of the project. `graph` saves building it again. */
export function validateProject(
  project: ProjectDefinition,
  graph: DependencyGraph = buildDependencyGraph(project.services),
): readonly Problem[] {
  const problems: Problem[] = []
  if (!isValidName(project.name)) {
    problems.push(
      error(
        'bad-name',
        ['name'],
        `${quote(project.name)} is not a valid project name`,
        'Set name = "…" with letters, digits, "_", "." and "-".',
      ),
    )
  }
  const services = Object.values(project.services)
  checkCounts(services, problems)
  for (const service of services) problems.push(...validateService(service))
  checkNames(project, problems)
  for (const cycle of findCycles(graph)) problems.push(describeCycle(cycle))
  return problems
}

function error(code: Problem['code'], path: SettingPath, message: string, hint: string): Problem {
  return { severity: 'error', code, path, message, hint }
}

function checkCounts(services: readonly ServiceDefinition[], problems: Problem[]): void {
  if (services.length > MAX_SERVICES_PER_PROJECT) {
    problems.push(
      error(
        'too-many',
        ['services'],
        `${services.length} services, more than ${MAX_SERVICES_PER_PROJECT}`,
        'Split the file into several projects.',
      ),
    )
  }
  const instances = services.reduce((sum, service) => sum + service.instances, 0)
  if (instances > MAX_INSTANCES_PER_PROJECT) {
    problems.push(
      error(
        'too-many',
        ['services'],
        `${instances} instances in all, more than ${MAX_INSTANCES_PER_PROJECT}`,
        'Lower the numbers of instances.',
      ),
    )
  }
}

/** Contradictions inside of one definition. */
function validateService(service: ServiceDefinition): readonly Problem[] {
  const problems: Problem[] = []
  const at = (key: string): SettingPath => ['services', service.name, key]
  if (!isValidName(service.name)) {
    problems.push(
      error(
        'bad-name',
        ['services', service.name],
        `${quote(service.name)} is not a valid service name`,
        nameRule,
      ),
    )
  }
  if (service.instances > MAX_INSTANCES_PER_SERVICE) {
    problems.push(
      error(
        'too-many',
        at('instances'),
        `${service.instances} instances, more than ${MAX_INSTANCES_PER_SERVICE}`,
        'Lower the number.',
      ),
    )
  }
  if (service.kind === 'oneshot') problems.push(...validateOneshot(service, at))
  return problems
}

function validateOneshot(
  service: ServiceDefinition,
  at: (key: string) => SettingPath,
): readonly Problem[] {
  const problems: Problem[] = []
  const refuse = (key: string, why: string, hint: string): void => {
    problems.push(error('conflict', at(key), `a oneshot cannot have ${quote(key)}: ${why}`, hint))
  }
  const instead = 'Remove it, or use kind = "longrun".'
  if (service.readiness.kind !== 'immediate') {
    refuse('ready', 'it is ready when it has ended with success', instead)
  }
  if (service.liveness !== null) refuse('live', 'it does not stay', instead)
  if (service.reload !== null) refuse('reload', 'it does not stay', instead)
  if (service.restart.policy === 'always') {
    problems.push(
      error(
        'conflict',
        at('restart'),
        'a oneshot that is always restarted would never be done',
        'Use "on-failure" or "never", or kind = "longrun".',
      ),
    )
  }
  return problems
}

function checkNames(project: ProjectDefinition, problems: Problem[]): void {
  let suggestions = 0
  const names = Object.keys(project.services)
  for (const service of Object.values(project.services)) {
    for (const kind of dependencyKinds) {
      for (const [index, name] of service[kind].entries()) {
        const path = ['services', service.name, kind, index]
        if (name === service.name) {
          problems.push(
            error(
              'self-dependency',
              path,
              `${quote(name)} cannot depend on itself`,
              'Remove the name from the list.',
            ),
          )
          continue
        }
        if (Object.hasOwn(project.services, name)) continue
        suggestions += 1
        const near = suggestions > MAX_SUGGESTIONS ? undefined : suggest(name, names)
        const defined = names.length <= 12 ? ` Defined are: ${names.join(', ')}.` : ''
        problems.push(
          error(
            'unknown-dependency',
            path,
            `${quote(service.name)} ${printKind(kind)} ${quote(name)}, which is not defined`,
            near === undefined
              ? `Define [services.${name}] or remove the name.${defined}`
              : `Did you mean ${quote(near)}?`,
          ),
        )
      }
    }
  }
}

function printKind(kind: Dependency['kind']): string {
  return kind === 'after' || kind === 'before' ? `starts ${kind}` : kind
}

/** The setting that makes the dependency, as a sentence. */
function printDependency({ kind, from, to }: Dependency): string {
  return kind === 'before' ? `${to} starts before ${from}` : `${from} ${printKind(kind)} ${to}`
}

/** Pure order is cut most easily, then what is only wanted. */
const cutOrder: readonly Dependency['kind'][] = ['after', 'before', 'wants', 'requires']
const MAX_SHOWN = 10

function describeCycle(cycle: readonly Dependency[]): Problem {
  const [first] = cycle
  const weakest =
    cutOrder
      .map((kind) => cycle.find((one) => one.kind === kind))
      .find((one) => one !== undefined) ?? first
  const owner = weakest?.kind === 'before' ? weakest.to : (weakest?.from ?? '')
  const other = weakest?.kind === 'before' ? weakest.from : (weakest?.to ?? '')
  const kind = weakest?.kind ?? 'requires'
  const ring = cycle.slice(0, MAX_SHOWN).map(printDependency)
  if (cycle.length > MAX_SHOWN) ring.push(`… (${cycle.length} in all)`)
  return error(
    'dependency-cycle',
    ['services', owner, kind, weakest?.index ?? 0],
    `services wait for each other in a circle: ${ring.join(', ')}`,
    `Cut it at its weakest link: remove ${quote(other)} from ${quote(kind)} of ${quote(owner)}` +
      `${kind === 'requires' ? ', or at another of these' : ''}.`,
  )
}

// Which services of a project run with another definition than the file has.

import { diffProjects } from '../model/catalog-diff.ts'
import { redactDefinition } from '../protocol/redact-definition.ts'
import type { Deps } from './deps.ts'
import type { Options } from './parse-arguments.ts'
import { readDefinition } from './project.ts'

/** Names of services that `up` would restart, change or remove. */
export async function findDrift(
  name: string,
  options: Options,
  deps: Deps,
): Promise<ReadonlySet<string>> {
  const { project } = await readDefinition(options, deps)
  if (project === null) return new Set()
  const running = await (await deps.connect()).project(name)
  const changes = diffProjects(running, redactDefinition(project))
  return new Set(changes.filter(({ kind }) => kind !== 'unchanged').map(({ service }) => service))
}

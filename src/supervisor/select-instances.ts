// What an operator names, as instances: `web`, `web@2`, `shop/web`, or everything of a project.

import type { InstanceId } from '../base/brands.ts'
import { suggest } from '../base/suggest.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { SupervisorState } from '../core/supervisor-state.ts'
import { parseInstanceId, parseSelector } from '../model/service-name.ts'

/**
 * Empty `selectors` mean all; those on their way out only when asked for. Throws ERR_NO_PROJECT and
 * ERR_NO_SERVICE.
 */
export function selectInstances(
  state: SupervisorState,
  project: string | null,
  selectors: readonly string[],
  includesRemoved = false,
): readonly InstanceId[] {
  if (project !== null && !state.projects.has(project)) throw noProject(state, project)
  const all = [...state.instances.values()].filter(({ isRemoved }) => includesRemoved || !isRemoved)
  const found = new Set<InstanceId>()
  if (selectors.length === 0) {
    for (const { id } of all) if (project === null || id.startsWith(`${project}/`)) found.add(id)
  }
  for (const selector of selectors) {
    const wanted = parseSelector(selector)
    const inProject = wanted?.project ?? project
    const matches = all.filter(({ id }) => {
      const name = parseInstanceId(id)
      return (
        name !== undefined &&
        wanted !== undefined &&
        name.service === wanted.service &&
        (inProject === null || name.project === inProject) &&
        (wanted.index === null || name.index === wanted.index)
      )
    })
    if (matches.length === 0)
      throw noService(
        all.map(({ id }) => id),
        selector,
      )
    for (const { id } of matches) found.add(id)
  }
  return [...found]
}

/** Throws ERR_BAD_REQUEST for the first that has no way to read its configuration again. */
export function assertReloadable(state: SupervisorState, ids: readonly InstanceId[]): void {
  for (const id of ids) {
    const name = parseInstanceId(id)
    const definition = name && state.projects.get(name.project)?.record.definition
    const service = name && definition?.services[name.service]
    if (!service || service.reload !== null) continue
    const message = `'${service.name}' has no 'reload': it cannot read its configuration again`
    const hint = `Set reload = { signal = "HUP" } if it knows that, or restart it.`
    throw new ToolkitError('ERR_BAD_REQUEST', message, { hint })
  }
}

function noProject(state: SupervisorState, project: string): ToolkitError {
  const close = suggest(project, state.projects.keys())
  const hint = close === undefined ? {} : { hint: `Did you mean '${close}'?` }
  return new ToolkitError('ERR_NO_PROJECT', `no project '${project}' is running`, hint)
}

function noService(ids: readonly InstanceId[], selector: string): ToolkitError {
  const names = new Set(ids.map((id) => parseInstanceId(id)?.service ?? ''))
  const close = suggest(selector.replace(/^.*\//, '').replace(/@.*$/, ''), names)
  const hint = close === undefined ? {} : { hint: `Did you mean '${close}'?` }
  return new ToolkitError('ERR_NO_SERVICE', `there is no service '${selector}'`, hint)
}

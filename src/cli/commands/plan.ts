// `eudaemon plan`: what `up` would change. Changes nothing.

import { hasCode } from '../../base/toolkit-error.ts'
import { diffProjects, type ServiceChange } from '../../model/catalog-diff.ts'
import type { ProjectDefinition } from '../../model/service-definition.ts'
import { redactDefinition } from '../../protocol/redact-definition.ts'
import type { Deps, Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { createPaint, type Paint } from '../print/style.ts'
import { requireProject } from '../project.ts'

export const run: Run = async (options, deps) => {
  const project = await requireProject(options, deps)
  const running = await readRunning(deps, project.name)
  const changes = diffProjects(running, redactDefinition(project)).filter(
    ({ kind }) => kind !== 'unchanged',
  )
  const exitCode = exitCodes.done
  if (options.has('json')) {
    const answer = { project: project.name, running: running !== null, changes }
    return { output: { stdout: `${JSON.stringify(answer, null, 2)}\n` }, exitCode }
  }
  const paint = createPaint(deps.out.hasColour)
  const stdout =
    changes.length === 0
      ? `${project.name}: nothing would change\n`
      : changes.map((change) => printChange(change, project, paint)).join('')
  return { output: { stdout }, exitCode }
}

/** Null when it does not run. */
async function readRunning(deps: Deps, project: string): Promise<ProjectDefinition | null> {
  try {
    return await (await deps.connect()).project(project)
  } catch (error) {
    const isDown = hasCode(error, 'ERR_NO_PROJECT') || hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')
    if (isDown) return null
    throw error
  }
}

function printChange(change: ServiceChange, project: ProjectDefinition, paint: Paint): string {
  const { service, kind, settings, restartSettings } = change
  if (kind === 'added') {
    const isStarted = project.services[service]?.isStartedAtBoot === true
    const what = isStarted ? 'start' : 'add, not started by itself'
    return `${paint('green', '+')} ${service}: ${what}\n`
  }
  if (kind === 'removed') return `${paint('red', '-')} ${service}: stop and forget\n`
  if (kind === 'restart-needed') {
    return `${paint('yellow', '!')} ${service}: restart, because of ${restartSettings.join(', ')}\n`
  }
  return `${paint('blue', '~')} ${service}: change while it runs: ${settings.join(', ')}\n`
}

// eudaemon.toml to a project. The whole file is read whatever is wrong in it, so that all problems
// come at once, in the order of the text.

import { isUsable } from '../../base/diagnostic.ts'
import { withDefaults } from '../../model/defaults.ts'
import { type Problem, toDiagnostic } from '../../model/problem.ts'
import type { ProjectDefinition, ServiceDefinition } from '../../model/service-definition.ts'
import { validateProject } from '../../model/validate.ts'
import { parseToml } from '../../syntax/toml.ts'
import { type Importer, type ProjectSource, type ReadResult, sortDiagnostics } from '../format.ts'
import { environmentFilesFrom, parseEnvironment } from './read-environment.ts'
import { readLog } from './read-plans.ts'
import { type Inherited, noCommand, readService } from './read-service.ts'
import {
  hasKey,
  openSection,
  type ReadContext,
  readField,
  report,
  type Section,
} from './section.ts'
import { describeValue, isTable } from './value.ts'
import { parseName } from './values.ts'

export const nativeImporter: Importer = {
  format: 'native',
  fileNames: ['eudaemon.toml'],
  sideFileNames: [],
  detect: (text) => /^\s*\[\s*services\s*[.\]]/m.test(text),
  read: readProject,
}

/** Never throws for content. */
export function readProject(source: ProjectSource): ReadResult {
  const document = parseToml(source.text, source.file)
  if (document.value === null) return { project: null, diagnostics: document.diagnostics }
  const problems: Problem[] = []
  const context: ReadContext = { problems, directory: source.directory }
  const project = readTop(context, source, document.value)
  problems.push(...validateProject(project))
  const start = { file: source.file, line: 1, column: 1 }
  const diagnostics = sortDiagnostics(
    problems.map((problem) => toDiagnostic(problem, (path) => document.positionOf(path) ?? start)),
  )
  return { project: isUsable(diagnostics) ? project : null, diagnostics }
}

function readTop(
  context: ReadContext,
  source: ProjectSource,
  value: Readonly<Record<string, unknown>>,
): ProjectDefinition {
  const { file, directory } = source
  const top = openSection(context, [], 'project', value)
  const services = top === undefined ? {} : readServices(top)
  const name = top && readField(top, 'name', parseName)
  return { name: name ?? source.projectName, file, directory, services }
}

function readServices(top: Section): Readonly<Record<string, ServiceDefinition>> {
  const { context } = top
  const inherited: Inherited = {
    environment: readField(top, 'env', parseEnvironment) ?? {},
    environmentFiles: readField(top, 'env-file', environmentFilesFrom(context.directory)) ?? [],
    log: readLog(top),
  }
  const value = hasKey(top, 'services') ? top.table['services'] : {}
  if (!isTable(value)) {
    report(
      top,
      'services',
      'wrong-type',
      `expected a table, but found ${describeValue(value)}`,
      'Write one heading a service: [services.web].',
    )
    return {}
  }
  const names = Object.keys(value)
  if (names.length === 0 && !top.meant.has('services')) {
    report(
      top,
      null,
      'no-services',
      'the file defines no service',
      'Add a heading [services.NAME] and below it command = "…".',
    )
  }
  // A service that cannot be read keeps its place, so that what depends on it is not blamed too.
  return Object.fromEntries(
    names.map((name) => {
      const service = readService(context, name, value[name], inherited)
      return [
        name,
        service ?? withDefaults({ name, command: noCommand, directory: context.directory }),
      ]
    }),
  )
}

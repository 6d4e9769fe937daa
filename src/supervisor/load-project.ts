// Disk to definition, for `supervise -f FILE`: the same reading as the command's, without a
// command.

import { readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { printDiagnostic } from '../base/diagnostic.ts'
import { detectFormat } from '../formats/registry.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import { toProjectName } from '../model/service-name.ts'

/** Null when it cannot be used; every problem is told. */
export function readProjectFile(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  onProblem: (message: string) => void,
): ProjectDefinition | null {
  const file = resolve(path)
  const text = readText(file)
  if (text === null) {
    onProblem(`cannot read the definition '${file}'`)
    return null
  }
  const importer = detectFormat(file, text)
  if (importer === undefined) {
    onProblem(`'${file}' has no format that is known`)
    return null
  }
  const directory = dirname(file)
  const sideFiles = new Map<string, string>()
  for (const name of importer.sideFileNames) {
    const side = readText(join(directory, name))
    if (side !== null) sideFiles.set(name, side)
  }
  const { project, diagnostics } = importer.read({
    file,
    text,
    directory,
    sideFiles,
    projectName: toProjectName(basename(directory)),
    callerEnvironment: environment,
  })
  for (const diagnostic of diagnostics) onProblem(printDiagnostic(diagnostic))
  return project
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') return null
    throw error
  }
}

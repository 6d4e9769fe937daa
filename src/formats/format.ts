// What every format of definitions offers: read text into a project, with all problems at once.
// Importers touch no disk: whoever has one hands over the file and its side files.

import type { Diagnostic } from '../base/diagnostic.ts'
import { MAX_DIAGNOSTICS } from '../base/limits.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'

export type FormatName = 'native' | 'procfile'

export interface ProjectSource {
  /** The absolute path of the file. */
  readonly file: string
  readonly text: string
  /** The absolute path of its folder. */
  readonly directory: string
  /** Used when the file itself names none; see toProjectName. */
  readonly projectName: string
  /** By name, as seen from the folder: what exists of the importer's `sideFileNames`. */
  readonly sideFiles: ReadonlyMap<string, string>
  /** The environment of whoever asks; a Procfile takes its base port from it. */
  readonly callerEnvironment: Readonly<Record<string, string | undefined>>
}

export interface ReadResult {
  /** Null when a diagnostic is an error. */
  readonly project: ProjectDefinition | null
  readonly diagnostics: readonly Diagnostic[]
}

export interface Importer {
  readonly format: FormatName
  /** Looked for in a folder, the first first. */
  readonly fileNames: readonly string[]
  /** Files beside it that `read` wants to see, if they exist. */
  readonly sideFileNames: readonly string[]
  /** True when the text looks like this format, whatever its name. */
  readonly detect: (text: string) => boolean
  /** Never throws for content. */
  readonly read: (source: ProjectSource) => ReadResult
}

/** In the order of the text, errors and warnings mixed, at most MAX_DIAGNOSTICS. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const sorted = [...diagnostics].sort(
    (left, right) =>
      (left.position?.line ?? 0) - (right.position?.line ?? 0) ||
      (left.position?.column ?? 0) - (right.position?.column ?? 0),
  )
  if (sorted.length <= MAX_DIAGNOSTICS) return sorted
  const left = sorted.length - MAX_DIAGNOSTICS
  return [
    ...sorted.slice(0, MAX_DIAGNOSTICS),
    {
      severity: sorted.slice(MAX_DIAGNOSTICS).some(({ severity }) => severity === 'error')
        ? 'error'
        : 'warning',
      code: 'too-many',
      message: `${left} more problems are not shown`,
      hint: 'Correct these first.',
    },
  ]
}

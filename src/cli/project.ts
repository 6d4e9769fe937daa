// The definition that a command is about: `-f FILE`, or eudaemon.toml or Procfile in this folder,
// and nowhere else. Reading and checking are in formats/, loaded only when a file must be read.

import type { Diagnostic } from '../base/diagnostic.ts'
import { quote } from '../base/quote.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { ProjectDefinition } from '../model/service-definition.ts'
import { toProjectName } from '../model/service-name.ts'
import { fs, path } from './builtin.ts'
import { CommandFailure, type Deps } from './deps.ts'
import { exitCodes } from './exit-codes.ts'
import type { Options } from './parse-arguments.ts'

/** The names that formats/registry.ts knows; a test compares. Here, so that it need not load. */
export const definitionNames: readonly string[] = ['eudaemon.toml', 'Procfile']

export interface ReadDefinition {
  /** As the user would type it. */
  readonly shownFile: string
  readonly file: string
  readonly text: string
  /** Null when a diagnostic is an error. */
  readonly project: ProjectDefinition | null
  readonly diagnostics: readonly Diagnostic[]
}

/** The absolute path; null when this folder has none and none was named. */
export function findDefinition(options: Options, deps: Deps): string | null {
  const named = options.value('file')
  if (named !== undefined) return path.resolve(deps.directory, named)
  for (const name of definitionNames) {
    const candidate = path.join(deps.directory, name)
    if (exists(candidate)) return candidate
  }
  return null
}

/** Reads and checks it. Throws ERR_NO_DEFINITION when there is none that can be read. */
export async function readDefinition(options: Options, deps: Deps): Promise<ReadDefinition> {
  const file = findDefinition(options, deps)
  if (file === null) throw noDefinition(deps)
  const text = readNamed(file)
  const { detectFormat } = await import('../formats/registry.ts')
  const importer = detectFormat(file, text)
  if (importer === undefined) {
    throw new ToolkitError('ERR_NO_DEFINITION', `${quote(file)} is in no format that is known`, {
      hint: 'Definitions are eudaemon.toml files or Procfiles.',
    })
  }
  const directory = path.dirname(file)
  const sideFiles = new Map<string, string>()
  for (const name of importer.sideFileNames) {
    const side = readIfThere(path.join(directory, name))
    if (side !== null) sideFiles.set(name, side)
  }
  const { project, diagnostics } = importer.read({
    file,
    text,
    directory,
    sideFiles,
    projectName: toProjectName(path.basename(directory)),
    callerEnvironment: deps.env,
  })
  return { shownFile: shorten(file, deps.directory), file, text, project, diagnostics }
}

/** The project, when it can be used; warnings are told. Else throws what to print, status 5. */
export async function requireProject(options: Options, deps: Deps): Promise<ProjectDefinition> {
  const read = await readDefinition(options, deps)
  if (read.project === null) {
    throw new CommandFailure(exitCodes.invalidDefinition, await printRefusal(read, deps))
  }
  const warnings = read.diagnostics.filter(({ severity }) => severity === 'warning')
  if (warnings.length > 0) deps.err.write(await printProblems(read, warnings, deps))
  return read.project
}

async function printProblems(
  read: ReadDefinition,
  diagnostics: readonly Diagnostic[],
  deps: Deps,
): Promise<string> {
  const { printDiagnostics } = await import('./print/diagnostics.ts')
  return printDiagnostics({
    diagnostics: diagnostics.map((diagnostic) => shortenPosition(diagnostic, deps.directory)),
    textOf: (name) => (name === read.shownFile ? read.text : undefined),
    hasColour: deps.err.hasColour,
  })
}

async function printRefusal(read: ReadDefinition, deps: Deps): Promise<string> {
  const { printCounts } = await import('./print/diagnostics.ts')
  const errors = read.diagnostics.filter(({ severity }) => severity === 'error')
  const shown = await printProblems(read, errors, deps)
  return `${shown}eudaemon: ${read.shownFile} has ${printCounts(errors)}; nothing was changed\n`
}

/** Positions with the path as the user would type it. */
export function shortenPosition(diagnostic: Diagnostic, directory: string): Diagnostic {
  const { position } = diagnostic
  if (position === undefined) return diagnostic
  return { ...diagnostic, position: { ...position, file: shorten(position.file, directory) } }
}

function shorten(file: string, directory: string): string {
  return file.startsWith(`${directory}/`) ? file.slice(directory.length + 1) : file
}

function noDefinition(deps: Deps): CommandFailure {
  return new CommandFailure(
    exitCodes.invalidDefinition,
    `eudaemon: no definition in ${quote(deps.directory)}: looked for ${definitionNames.join(', ')}
  Name a file with -f, or write a first eudaemon.toml, for example:

    [services.web]
    command = ["node", "server.js"]
    ready = { http = "http://127.0.0.1:8080/" }
    env = { PORT = "8080" }
`,
  )
}

function readNamed(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(file: string, cause: unknown): ToolkitError {
  const code = codeOf(cause)
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'you may not read it',
    EISDIR: 'it is a directory; name the file in it',
  }
  const reason = reasons[code] ?? code
  return new ToolkitError('ERR_NO_DEFINITION', `cannot read ${quote(file)}: ${reason}`, { cause })
}

function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR'].includes(codeOf(error))) return null
    throw error
  }
}

function exists(file: string): boolean {
  return fs.existsSync(file)
}

/** `ENOENT` of an error of node:fs; its text when it has no code. */
function codeOf(error: unknown): string {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : String(error)
}

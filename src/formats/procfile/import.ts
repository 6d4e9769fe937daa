// Procfiles: each line a service that `sh -c` runs, with foreman's rules for `.env` and PORT.
// PORT is base + 100 * (place of the line, from 0) + (instance - 1); the base is PORT of `.env`,
// else PORT of the caller, else 5000.

import { type Diagnostic, isUsable } from '../../base/diagnostic.ts'
import { quote } from '../../base/quote.ts'
import type { SourcePosition } from '../../base/source-position.ts'
import { withDefaults } from '../../model/defaults.ts'
import { toDiagnostic } from '../../model/problem.ts'
import type { ProjectDefinition, ServiceDefinition } from '../../model/service-definition.ts'
import { validateProject } from '../../model/validate.ts'
import { parseEnvFile } from '../../syntax/env-file.ts'
import { type ProcfileEntry, parseProcfileLines } from '../../syntax/procfile-lines.ts'
import { type Importer, type ProjectSource, type ReadResult, sortDiagnostics } from '../format.ts'

const ENV_FILE = '.env'
const FIRST_PORT = 5_000
const PORT_STEP = 100
const LAST_PORT = 65_535

export const procfileImporter: Importer = {
  format: 'procfile',
  fileNames: ['Procfile'],
  sideFileNames: [ENV_FILE],
  detect: (text) => {
    const { entries, ignored } = parseProcfileLines(text)
    return entries.length > 0 && ignored.length === 0
  },
  read: readProcfile,
}

function readProcfile(source: ProjectSource): ReadResult {
  const diagnostics: Diagnostic[] = []
  const at = (line: number): SourcePosition => ({ file: source.file, line, column: 1 })
  const { entries, ignored } = parseProcfileLines(source.text)
  for (const { text, line } of ignored) diagnostics.push(describeIgnored(text, at(line)))
  const usable = entries.filter((entry, index) =>
    checkEntry(entry, index, entries, at, diagnostics),
  )
  if (entries.length === 0) {
    diagnostics.push({
      severity: 'error',
      code: 'no-services',
      message: 'the Procfile defines no process',
      hint: 'Write a line such as "web: node server.js".',
      position: at(1),
    })
  }
  const { environment, basePort } = readEnvironment(source, diagnostics)
  const project: ProjectDefinition = {
    name: source.projectName,
    file: source.file,
    directory: source.directory,
    services: Object.fromEntries(
      usable.map((entry) => {
        const base = basePort + PORT_STEP * entries.indexOf(entry)
        if (base > LAST_PORT) diagnostics.push(describePort(entry, base, at(entry.line)))
        return [entry.name, toService(entry, source.directory, environment, base)]
      }),
    ),
  }
  const lines = new Map(entries.map(({ name, line }) => [name, line]))
  for (const problem of validateProject(project)) {
    diagnostics.push(toDiagnostic(problem, ([, name]) => at(lines.get(String(name)) ?? 1)))
  }
  const sorted = sortDiagnostics(diagnostics)
  return { project: isUsable(sorted) ? project : null, diagnostics: sorted }
}

function toService(
  entry: ProcfileEntry,
  directory: string,
  environment: Readonly<Record<string, string>>,
  basePort: number,
): ServiceDefinition {
  return withDefaults({
    name: entry.name,
    directory,
    command: { kind: 'shell', line: entry.command },
    environment,
    instanceEnvironment: [{ name: 'PORT', base: basePort, step: 1 }],
  })
}

function describeIgnored(text: string, position: SourcePosition): Diagnostic {
  return {
    severity: 'warning',
    code: 'bad-line',
    position,
    message: `${quote(text)} is not NAME: COMMAND; ignoring the line`,
    hint: 'Names have letters, digits, "_" and "-"; put # in front of a comment.',
  }
}

function checkEntry(
  entry: ProcfileEntry,
  index: number,
  entries: readonly ProcfileEntry[],
  at: (line: number) => SourcePosition,
  diagnostics: Diagnostic[],
): boolean {
  const earlier = entries.slice(0, index).find(({ name }) => name === entry.name)
  if (entry.command === '') {
    diagnostics.push({
      severity: 'error',
      code: 'bad-command',
      position: at(entry.line),
      message: `process ${quote(entry.name)} has no command`,
      hint: `Write "${entry.name}: COMMAND" on one line.`,
    })
  }
  if (earlier !== undefined) {
    diagnostics.push({
      severity: 'error',
      code: 'duplicate-service',
      position: at(entry.line),
      message: `process ${quote(entry.name)} is defined on line ${earlier.line} already`,
      hint: 'Rename or remove one of the two.',
    })
  }
  return entry.command !== '' && earlier === undefined
}

function describePort(entry: ProcfileEntry, port: number, position: SourcePosition): Diagnostic {
  return {
    severity: 'error',
    code: 'bad-port',
    position,
    message: `process ${quote(entry.name)} would get PORT=${port}, which is no port`,
    hint: `Each line gets ${PORT_STEP} more than the one above: set a lower PORT in ${ENV_FILE}.`,
  }
}

interface Environment {
  readonly environment: Readonly<Record<string, string>>
  readonly basePort: number
}

function readEnvironment(source: ProjectSource, diagnostics: Diagnostic[]): Environment {
  const file = `${source.directory.replace(/\/$/, '')}/${ENV_FILE}`
  const parsed = parseEnvFile(source.sideFiles.get(ENV_FILE) ?? '', file)
  diagnostics.push(...parsed.diagnostics)
  const environment: Record<string, string> = {}
  for (const [name, value] of parsed.variables) {
    if (!name.startsWith('EUDAEMON_'))
      Object.defineProperty(environment, name, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      })
  }
  const written = parsed.variables.get('PORT') ?? source.callerEnvironment['PORT'] ?? ''
  if (written === '') return { environment, basePort: FIRST_PORT }
  const port = Number(written)
  if (/^\d+$/.test(written) && port >= 1 && port <= LAST_PORT)
    return { environment, basePort: port }
  const position = parsed.positions.get('PORT')
  diagnostics.push({
    severity: 'error',
    code: 'bad-port',
    message: `PORT=${quote(written)} ${position ? '' : 'in your environment '}is not a port`,
    hint: 'Set a number from 1 to 65535, or leave PORT out to begin at 5000.',
    ...(position === undefined ? {} : { position }),
  })
  return { environment, basePort: FIRST_PORT }
}

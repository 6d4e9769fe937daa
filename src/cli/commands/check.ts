// `eudaemon check`: every problem of a definition with its place, and what this machine lacks.

import type { Diagnostic } from '../../base/diagnostic.ts'
import type { Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Options } from '../parse-arguments.ts'
import { preflight } from '../preflight.ts'
import { printCounts, printDiagnostics } from '../print/diagnostics.ts'
import { readDefinition, shortenPosition } from '../project.ts'

export const run: Run = async (options, deps) => {
  const read = await readDefinition(withOperand(options), deps)
  const found: Diagnostic[] = [...read.diagnostics]
  if (read.project !== null) found.push(...preflight(read.project, deps.env, deps.uid))
  const diagnostics = found.map((diagnostic) => shortenPosition(diagnostic, deps.directory))
  const exitCode = read.project === null ? exitCodes.invalidDefinition : exitCodes.done
  if (options.has('json')) {
    const answer = { file: read.file, valid: read.project !== null, diagnostics }
    return { output: { stdout: `${JSON.stringify(answer, null, 2)}\n` }, exitCode }
  }
  const text = printDiagnostics({
    diagnostics,
    textOf: (name) => (name === read.shownFile ? read.text : undefined),
    hasColour: deps.out.hasColour,
  })
  const counts = printCounts(diagnostics)
  const services = Object.keys(read.project?.services ?? {}).length
  const verdict = read.project === null ? 'cannot be used' : `is valid (${count(services)})`
  const summary = `${read.shownFile} ${verdict}${counts === '' ? '' : `: ${counts}`}\n`
  return { output: { stdout: `${text}${summary}` }, exitCode }
}

function count(services: number): string {
  return services === 1 ? '1 service' : `${services} services`
}

/** `check FILE` and `check -f FILE` are the same. */
function withOperand(options: Options): Options {
  const [file] = options.operands
  if (file === undefined) return options
  return { ...options, value: (name) => (name === 'file' ? file : options.value(name)) }
}

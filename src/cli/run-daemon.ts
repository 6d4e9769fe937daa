// `eudaemon run` but for `--supervised`. The work is in src/daemonize/; here are the terminal, the
// signals and the exit status. The only file here that imports daemonize/ in the ordinary way: it
// is loaded for nothing else, and the prompt is waited for.

import { MAX_ENV_FILE_BYTES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { runDaemonCommand } from '../daemonize/run-command.ts'
import { fs } from './builtin.ts'
import type { CommandResult, PlainDeps, StopSignal } from './deps.ts'
import { exitCodes } from './exit-codes.ts'
import type { Options } from './parse-arguments.ts'
import { toSafeLine } from './print/style.ts'

const signalNumber: Readonly<Record<StopSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

/** Starts a daemon, or acts on one. */
export async function runDaemon(options: Options, deps: PlainDeps): Promise<CommandResult> {
  const envFiles = await readEnvFiles(options.values('environment-file'), deps)
  const cancel = new AbortController()
  const hurry = new AbortController()
  let signal: StopSignal | null = null
  // To the very end: a signal to whoever has a ready daemon must not make that a failure. Who only
  // asks or waits for a daemon's end is ended by a signal as any program.
  if (!['stop', 'reload', 'status', 'signal'].some(options.has)) {
    deps.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], (received) => {
      if (signal !== null) hurry.abort()
      signal ??= received
      cancel.abort()
    })
  }
  const result = await runDaemonCommand({
    command: options.operands,
    directory: whereWeAre(deps),
    ownEnvironment: deps.env,
    value: options.value,
    values: options.values,
    has: options.has,
    fileVariables: envFiles,
    relay: (bytes) => void deps.err.write(bytes),
    // A daemon may say anything: STATUS= of sd_notify(3) is its own text.
    tell: (line) => void deps.err.write(`${toSafeLine(line)}\n`),
    cancel: cancel.signal,
    hurry: hurry.signal,
  })
  const { stdout = '', stderr = '' } = result
  const output = { stdout, stderr }
  if (result.kind === 'wrong-usage') return { output, exitCode: exitCodes.wrongUsage }
  if (result.kind === 'cancelled' && signal !== null) {
    return { output, exitCode: 128 + signalNumber[signal] }
  }
  return { output, exitCode: result.exitCode }
}

/** The folder may have been removed under us: what is relative then has no meaning. */
function whereWeAre(deps: PlainDeps): string {
  try {
    return deps.directory
  } catch {
    return '/'
  }
}

async function readEnvFiles(
  paths: readonly string[],
  deps: PlainDeps,
): Promise<readonly (readonly [string, string])[]> {
  if (paths.length === 0) return []
  const { parseEnvFile } = await import('../syntax/env-file.ts')
  const { printDiagnostic } = await import('../base/diagnostic.ts')
  const { resolve } = await import('node:path')
  return paths.flatMap((given) => {
    const path = resolve(whereWeAre(deps), given)
    const { variables, diagnostics } = parseEnvFile(readBounded(path), path)
    const problem = diagnostics.find(({ severity }) => severity === 'error')
    if (problem === undefined) return [...variables]
    throw badEnvFile(printDiagnostic(problem))
  })
}

function readBounded(path: string): string {
  try {
    const { size } = fs.statSync(path)
    if (size <= MAX_ENV_FILE_BYTES) return fs.readFileSync(path, 'utf8')
  } catch (cause) {
    throw badEnvFile(String(cause))
  }
  throw badEnvFile(`'${path}' is larger than ${MAX_ENV_FILE_BYTES} bytes`)
}

function badEnvFile(problem: string): ToolkitError {
  return new ToolkitError('ERR_BAD_OPTION', `option '--environment-file': ${problem}`)
}

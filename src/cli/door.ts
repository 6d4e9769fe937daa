// What all commands have in common: arguments in, exit status out, and the only place that turns
// errors into text. Who calls it: main.ts, and main-run.ts for the published `run`.

import type { ErrorCode } from '../base/error-codes.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { CommandFailure, type CommandResult, type Screen } from './deps.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type Options, parseArguments } from './parse-arguments.ts'
import { openScreen } from './screen.ts'

/** A command, and what it needs of the world. */
export type Act = (options: Options, out: Screen, err: Screen) => Promise<CommandResult>

/** Runs the command that `argv` (without node and script) asks for; resolves to its exit status. */
export async function runMain(
  argv: readonly string[],
  load: (command: string) => Promise<Act | null>,
): Promise<number> {
  const out = openScreen(1, process.env)
  const err = openScreen(2, process.env)
  const parsed = parseArguments(argv)
  switch (parsed.kind) {
    case 'version': {
      const { ownVersion } = await import('./own-version.ts')
      out.write(`${ownVersion()}\n`)
      return exitCodes.done
    }
    case 'help': {
      const { printHelp, printOverview } = await import('./help.ts')
      const isAsked = argv.length > 0
      const text = parsed.command === null ? printOverview() : printHelp(parsed.command)
      if (isAsked) out.write(text)
      else err.write(`eudaemon: no command given\n\n${text}`)
      return isAsked ? exitCodes.done : exitCodes.wrongUsage
    }
    case 'wrong': {
      const name = parsed.command === null ? '' : ` ${parsed.command.name}`
      err.write(`eudaemon${name}: ${parsed.message}\n`)
      return exitCodes.wrongUsage
    }
    case 'command': {
      const act = await load(parsed.command.name)
      if (act === null) return exitCodes.wrongUsage
      const result = await attempt(() => act(parsed.options, out, err))
      if (result.output.stdout !== undefined) out.write(result.output.stdout)
      if (result.output.stderr !== undefined) err.write(result.output.stderr)
      return result.exitCode
    }
  }
}

async function attempt(act: () => Promise<CommandResult>): Promise<CommandResult> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof CommandFailure) {
      return { output: { stderr: error.text }, exitCode: error.exitCode }
    }
    if (!(error instanceof ToolkitError)) throw error
    return { output: { stderr: printError(error) }, exitCode: exitCodeOf(error) }
  }
}

/** `eudaemon: what`, and what to do on a line of its own. */
function printError(error: ToolkitError): string {
  const hint = error.hint === null ? '' : `  ${error.hint}\n`
  return `eudaemon: ${error.message}\n${hint}`
}

const exitCodeByError: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  ERR_NO_SERVICE: exitCodes.noSuchService,
  ERR_NO_PROJECT: exitCodes.notRunning,
  ERR_NO_DEFINITION: exitCodes.invalidDefinition,
  ERR_INVALID_DEFINITION: exitCodes.invalidDefinition,
  ERR_BAD_OPTION: exitCodes.wrongUsage,
  ERR_BAD_REQUEST: exitCodes.failed,
  ERR_STILL_RUNNING: exitCodes.failed,
}

function exitCodeOf(error: ToolkitError): ExitCode {
  return exitCodeByError[error.code] ?? exitCodes.unreachable
}

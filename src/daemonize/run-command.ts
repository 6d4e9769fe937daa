// What `eudaemon run` does with its options: start a command, or act on the owner of a PID file.
// Results are text and an exit status; the command line prints them.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ToolkitError } from '../base/toolkit-error.ts'
import { type BootPrinter, bootPrinters } from './boot/boot-command.ts'
import type { DaemonHost, DaemonOutcome, DaemonRequest } from './daemon-request.ts'
import { exitCodeOf } from './outcome-exit-code.ts'
import { explainRefusal, nameOf, type RunOptions, toDaemonRequest } from './run-options.ts'
import { refusalExitCode } from './start.ts'
import { startDaemon } from './start-daemon.ts'

export interface RunInvocation extends RunOptions, DaemonHost {}

export interface RunResult {
  readonly kind: 'done' | 'wrong-usage' | 'cancelled'
  readonly exitCode: number
  readonly stdout?: string
  readonly stderr?: string
}

const actions = ['stop', 'restart', 'reload', 'status', 'signal'] as const

/** Throws a ToolkitError for options that cannot be used. */
export async function runDaemonCommand(invocation: RunInvocation): Promise<RunResult> {
  const { command, has } = invocation
  const chosen = [...actions, ...bootPrinters].filter(has)
  if (chosen.length > 1) return wrong(`--${chosen.join(' and --')} exclude each other`)
  const [action] = chosen
  const needsCommand = action === undefined || action === 'restart' || action.startsWith('print-')
  if (needsCommand && command.length === 0) {
    return wrong('no command given; write it after --')
  }
  if (action === undefined) return start(invocation)
  if (isPrinter(action)) {
    const { printBoot } = await import('./boot/print-boot.ts')
    return printBoot(action, invocation)
  }
  // What cannot be started must not cost what runs.
  if (action === 'restart' && toDaemonRequest(invocation).kind === 'refused') {
    return start(invocation)
  }
  const { actOnOwner } = await import('./pid-actions.ts')
  if (action === 'restart') {
    const stopped = await actOnOwner('stop', invocation)
    return stopped.kind === 'done' ? start(invocation) : stopped
  }
  return actOnOwner(action, invocation)
}

function isPrinter(word: string): word is BootPrinter {
  return (bootPrinters as readonly string[]).includes(word)
}

async function start(invocation: RunInvocation): Promise<RunResult> {
  const name = nameOf(invocation)
  const request = toDaemonRequest(invocation)
  if (request.kind === 'refused') {
    const message = explainRefusal(request)
    await reportToSyslog(invocation, name, message)
    return { kind: 'done', exitCode: refusalExitCode(request), stderr: line(name, message) }
  }
  const outcome = await startDaemon(request, {
    relay: invocation.relay,
    tell: (text) => invocation.tell(`${name}: ${text}`),
    cancel: invocation.cancel,
    hurry: invocation.hurry,
  })
  if (outcome.kind === 'ready') return { kind: 'done', exitCode: 0 }
  await reportToSyslog(invocation, name, outcome.message)
  const stderr = line(name, outcome.message) + hintFor(invocation, request, outcome)
  if (outcome.kind === 'cancelled') return { kind: 'cancelled', exitCode: 130, stderr }
  return { kind: 'done', exitCode: exitCodeOf(outcome), stderr }
}

/** The most usual mistake: an argument that was meant from here, seen from the root directory. */
function hintFor(
  { command, directory }: RunInvocation,
  { settings }: DaemonRequest,
  outcome: DaemonOutcome,
): string {
  if (outcome.kind !== 'ended' || settings.directory === directory) return ''
  const relative = command
    .slice(1)
    .find((word) => /^[^-/\0][^\0]*$/.test(word) && isOnlyHere(word, directory, settings.directory))
  if (relative === undefined) return ''
  return (
    `  '${relative}' is there in this folder, but the daemon's working directory is ` +
    `'${settings.directory}': write the whole path, or use --chdir.\n`
  )
}

function isOnlyHere(word: string, here: string, there: string): boolean {
  return existsSync(resolve(here, word)) && !existsSync(resolve(there, word))
}

/** `--syslog`: whoever starts it at boot sees no terminal. */
async function reportToSyslog(
  { has, tell }: RunInvocation,
  name: string,
  message: string,
): Promise<void> {
  if (!has('syslog')) return
  const { openSyslog } = await import('./syslog.ts')
  try {
    const log = openSyslog({ facility: 'daemon', tag: 'eudaemon', pid: process.pid })
    log.write('err', `${name}: ${message}`)
    log.close()
  } catch (error) {
    if (!(error instanceof ToolkitError)) throw error
    tell(`eudaemon: ${error.message}; the failure is not in syslog`)
  }
}

function line(name: string, message: string): string {
  return `eudaemon: ${name}: ${message}\n`
}

function wrong(message: string): RunResult {
  return { kind: 'wrong-usage', exitCode: 100, stderr: `eudaemon run: ${message}\n` }
}

// Starts a guardian in the background, for commands that need a supervisor and find none. It is a
// session of its own with nothing of ours: no terminal, no descriptor but its log file.

import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { toFd } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd, openDevNull } from '../kernel/fd.ts'
import { spawnProcess } from '../kernel/spawn.ts'
import { CALLER_LIMIT_VARIABLE, callerDescriptorLimit } from '../launch/caller-limit.ts'

export interface StartGuardianOptions {
  readonly runtimeDirectory: string
  /** Where guardian and supervisor write what they have to say. */
  readonly logFile: string
  /** The command line of the guardian's first shape: node, its flags, the script, its arguments. */
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** More than the first records of a supervisor need. */
const PROBE_BYTES = 16 * 1024

/** Returns as soon as it was started; whether it works is seen at the control socket. */
export function startGuardian(options: StartGuardianOptions): void {
  const { command, environment, logFile } = options
  const [path = process.execPath] = command
  makePrivate(options.runtimeDirectory)
  makePrivate(logFile.slice(0, logFile.lastIndexOf('/')))
  const log = openSync(logFile, 'a', 0o600)
  const devNull = openDevNull()
  const own = {
    EUDAEMON_LOG_FILE: logFile,
    [CALLER_LIMIT_VARIABLE]: String(callerDescriptorLimit(environment)),
  }
  const env = Object.entries({ ...environment, ...own }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  const files = [
    { from: devNull, to: 0 },
    { from: toFd(log), to: 1 },
    { from: toFd(log), to: 2 },
  ]
  const result = spawnProcess({
    path,
    argv: command,
    env,
    directory: '/',
    files,
    session: 'new-session',
  })
  closeSync(log)
  closeFd(devNull)
  if (result.kind === 'failed') {
    throw new ToolkitError('ERR_KERNEL_CALL', `cannot start the supervisor: ${result.message}`)
  }
  closeFd(result.pidfd)
}

/**
 * Makes the folder and writes to it once: what a supervisor would meet there is told by the command
 * that starts it, and not only in a log that cannot be written either.
 */
function makePrivate(folder: string): void {
  const probe = `${folder}/probe-${process.pid}`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(probe, Buffer.alloc(PROBE_BYTES), { mode: 0o600 })
    } finally {
      rmSync(probe, { force: true })
    }
  } catch (cause) {
    throw refusal(folder, cause)
  }
}

function refusal(folder: string, cause: unknown): ToolkitError {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (text.startsWith('ENOSPC') || text.startsWith('EDQUOT')) {
    const hint = 'Free space on that file system (`df -h` and `df -i` show it).'
    const message = `the file system of '${folder}' is full: ${text}`
    return new ToolkitError('ERR_STATE_DIRECTORY_FULL', message, { hint, cause })
  }
  const hint = 'Make it writable, or set EUDAEMON_HOME to a folder that is.'
  const message = `cannot write to '${folder}': ${text}`
  return new ToolkitError('ERR_STATE_DIRECTORY_READ_ONLY', message, { hint, cause })
}

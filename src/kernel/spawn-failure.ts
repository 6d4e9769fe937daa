// posix_spawn(3) reports nothing but an errno. This file finds out which step failed, by looking
// at what the steps needed, after the failure. It is a diagnosis: the world may have changed since.

import {
  accessSync,
  closeSync,
  constants as fsConstants,
  openSync,
  readSync,
  statSync,
} from 'node:fs'
import { whyNotExecutable } from './program.ts'
import { errnoName, errnos, errnoText, isErrno } from './syscall-error.ts'

/** The step that failed. `pidfd`: the process ran, could not be watched, and was killed. */
export type SpawnStage = 'chdir' | 'exec' | 'files' | 'fork' | 'pidfd'

export interface SpawnFailure {
  readonly kind: 'failed'
  readonly stage: SpawnStage
  readonly errno: number
  readonly errnoName: string
  readonly message: string
}

/** A failure as a value, its message in the form `chdir '/srv': ENOENT: no such file …`. */
export function spawnFailure(
  stage: SpawnStage,
  errno: number,
  object: string,
  detail: string = errnoText(errno),
): SpawnFailure {
  const name = errnoName(errno)
  const on = object === '' ? '' : ` '${object}'`
  const message = `${stage}${on}: ${name}: ${detail}`
  return { kind: 'failed', stage, errno, errnoName: name, message }
}

/** Which step of a spawn failed with that errno. */
export function diagnoseSpawn(path: string, directory: string | null, errno: number): SpawnFailure {
  if (errno === errnos.EBADF || errno === errnos.EMFILE) return spawnFailure('files', errno, '')
  const refusal = directory === null ? null : whyNotEnterable(directory)
  if (directory !== null && refusal === errnoName(errno)) {
    return spawnFailure('chdir', errno, directory)
  }
  if (errno === errnos.EAGAIN) return spawnFailure('fork', errno, '', 'too many processes')
  if (errno === errnos.ENOMEM) return spawnFailure('fork', errno, '')
  return spawnFailure('exec', errno, path, explainExec(path, errno))
}

/** The name of the errno that chdir(2) would give; null when it would work. */
function whyNotEnterable(directory: string): string | null {
  try {
    if (!statSync(directory).isDirectory()) return 'ENOTDIR'
    accessSync(directory, fsConstants.X_OK)
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? null
  }
}

function explainExec(path: string, errno: number): string | undefined {
  if (errno === errnos.ENOEXEC) return 'neither a binary for this machine nor a script with #!'
  const reason = whyNotExecutable(path)
  if (reason === 'missing') return undefined
  if (errno === errnos.EACCES) return reason ?? 'its file system or its interpreter forbids it'
  if (errno !== errnos.ENOENT) return undefined
  const interpreter = readInterpreter(path)
  if (interpreter === null) return 'the file exists, but not its dynamic loader'
  return `the file exists, but not its interpreter '${interpreter}'`
}

/** What the first line names after `#!`; null when the file is no script. */
function readInterpreter(path: string): string | null {
  const head = Buffer.alloc(256)
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const length = readSync(fd, head, 0, head.length, 0)
    return /^#![ \t]*([^\s]+)/.exec(head.toString('utf8', 0, length))?.[1] ?? null
  } catch (error) {
    if (isErrno(error, 'EACCES') || isErrno(error, 'ENOENT')) return null
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

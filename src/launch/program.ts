// Finds what is to be executed and where, before anything is spawned, so that "command not found"
// and "no such directory" are answers. Who may use them is found out by the one who tries: when
// the service runs as another user, the preamble checks again as that user.

import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { quote } from '../base/quote.ts'
import { resolveProgram } from '../kernel/spawn.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { type LaunchRefusal, refuse } from './refusal.ts'

export interface FoundProgram {
  readonly kind: 'found'
  readonly path: string
}

/** By the service's PATH, from the service's directory, by the rules of execvp(3). */
export function findProgram(
  name: string,
  searchPath: string,
  directory: string,
): FoundProgram | LaunchRefusal {
  if (name === '') return refuse('exec', '', 'the command is empty')
  const found = resolveProgram(name, searchPath, directory)
  if (found.kind === 'found') return found
  if (found.kind === 'not-executable') {
    const advice =
      found.reason === 'it has no execute permission' ? '; make it so with chmod +x' : ''
    return refuse('exec', quote(found.path), `not executable: ${found.reason}${advice}`)
  }
  if (name.includes('/')) {
    const where = name.startsWith('/') ? '' : ` (looked for in ${quote(directory)})`
    return refuse('exec', quote(name), `command not found: there is no such file${where}`)
  }
  return refuse('exec', quote(name), `command not found; PATH is ${searchPath || '(empty)'}`)
}

/** Null when a process may be started in it. */
export function whyNoDirectory(directory: string): LaunchRefusal | null {
  try {
    if (!statSync(directory).isDirectory()) {
      return refuse('chdir', quote(directory), 'it is not a directory')
    }
    accessSync(directory, constants.X_OK)
    return null
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) {
      return refuse('chdir', quote(directory), 'there is no such directory')
    }
    if (isErrno(error, 'EACCES')) return refuse('chdir', quote(directory), 'permission denied')
    return refuse('chdir', quote(directory), error instanceof Error ? error.message : String(error))
  }
}

/**
 * A tool of util-linux or coreutils: looked for where systems put them, never by the service's
 * PATH.
 */
export function findTool(name: string): string | null {
  const found = resolveProgram(name, '/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin', '/')
  return found.kind === 'found' ? found.path : null
}

const ELF = '\x7fELF'

/**
 * Behind a preamble a failing exec could no longer be told, and a shell would run a text file
 * without `#!` as its own script, which exec does not. So what execve(2) refuses is looked for
 * here.
 */
export function whyNotLoadable(path: string): LaunchRefusal | null {
  const head = readHead(path)
  if (head === null || head.startsWith(ELF)) return null
  const interpreter = /^#![ \t]*(\S+)/.exec(head)?.[1]
  if (interpreter !== undefined) {
    if (resolveProgram(interpreter, '', '/').kind === 'found') return null
    const detail = `the file exists, but its interpreter ${quote(interpreter)} cannot be executed`
    return refuse('exec', quote(path), detail)
  }
  // Binary files of other kinds may be known to binfmt_misc.
  if (head.includes('\0') || !isText(head)) return null
  const detail = 'neither a binary for this machine nor a script with #!'
  const advice = `; begin ${quote(basename(path))} with a line like #!/bin/sh`
  return refuse('exec', quote(path), detail + advice)
}

function isText(head: string): boolean {
  return /^[\t\n\r\x20-\x7e]*$/.test(head)
}

/** The first bytes; null when they are not for us, which does not hinder execution. */
function readHead(path: string): string | null {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const head = Buffer.alloc(256)
    return head.toString('latin1', 0, readSync(fd, head, 0, head.length, 0))
  } catch {
    return null
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

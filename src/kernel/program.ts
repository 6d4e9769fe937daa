// Finds the file that a command names, by the rules of execvp(3), before anything is spawned, so
// that "command not found" is an answer and not a dead child.

import { accessSync, constants as fsConstants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isErrno } from './syscall-error.ts'

const UNREACHABLE = 'permission denied on the way to it'

export type ResolvedProgram =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly searched: readonly string[] }
  | { readonly kind: 'not-executable'; readonly path: string; readonly reason: string }

/**
 * A name with a slash is a path, relative to `directory`. Any other is looked for in the folders
 * of `searchPath` (colon separated, an empty entry is `directory`). Found is the first regular file
 * that this process may execute; one that it may not is told only when no folder has a better.
 */
export function resolveProgram(
  name: string,
  searchPath: string,
  directory: string,
): ResolvedProgram {
  if (name === '' || name.includes('\0')) return { kind: 'missing', searched: [] }
  const folders = name.includes('/') ? [''] : searchPath.split(':')
  const candidates = folders.map((folder) => resolve(directory, folder, name))
  let refused: ResolvedProgram | undefined
  for (const path of candidates) {
    const reason = whyNotExecutable(path)
    if (reason === null) return { kind: 'found', path }
    // A folder that we may not enter has nothing for us: the name is not found there, as for
    // shells.
    if (reason === UNREACHABLE && !name.includes('/')) continue
    if (reason !== 'missing') refused ??= { kind: 'not-executable', path, reason }
  }
  return refused ?? { kind: 'missing', searched: candidates }
}

/** Null when the file can be executed, `missing`, or the reason as half a sentence. */
export function whyNotExecutable(path: string): string | null {
  try {
    const stat = statSync(path)
    if (stat.isDirectory()) return 'it is a directory'
    if (!stat.isFile()) return 'it is not a regular file'
    accessSync(path, fsConstants.X_OK)
    return null
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return 'missing'
    if (!isErrno(error, 'EACCES')) return error instanceof Error ? error.message : String(error)
    return isReachable(path) ? 'it has no execute permission' : UNREACHABLE
  }
}

function isReachable(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch {
    return false
  }
}

// Reads the env files of a definition. The grammar lives in another room and comes in as a
// function. A file that has not changed since the last look (device, inode, size, time) is not
// read again.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type Diagnostic, printDiagnostic } from '../base/diagnostic.ts'
import { MAX_ENV_FILE_BYTES, MAX_LAUNCH_CACHE_ENTRIES } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { type LaunchRefusal, refuse } from '../launch/refusal.ts'
import type { EnvironmentFile } from '../model/service-definition.ts'

/** Reads KEY=VALUE lines; reports each line that it cannot understand. */
export type EnvFileParser = (
  text: string,
  file: string,
) => {
  readonly variables: ReadonlyMap<string, string>
  readonly diagnostics: readonly Diagnostic[]
}

type Variables = ReadonlyMap<string, string>

export interface EnvFileReader {
  /** The variables of each file, in order. An optional file that is missing counts as empty. */
  read(files: readonly EnvironmentFile[]): readonly Variables[] | LaunchRefusal
}

/** A reader that remembers unchanged files. */
export function createEnvFileReader(parse: EnvFileParser): EnvFileReader {
  const known = new Map<string, { readonly version: string; readonly variables: Variables }>()

  const readOne = (path: string): Variables | LaunchRefusal => {
    // Not blocking: a FIFO in the place of the file must not stop the supervisor.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(fd, { bigint: true })
      if (!stat.isFile()) return refuse('env-file', quote(path), 'it is not a regular file')
      if (stat.size > MAX_ENV_FILE_BYTES) {
        return refuse('env-file', quote(path), `it is larger than ${MAX_ENV_FILE_BYTES} bytes`)
      }
      const version = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`
      const last = known.get(path)
      if (last?.version === version) return last.variables
      const { variables, diagnostics } = parse(readText(fd, Number(stat.size)), path)
      const problem = diagnostics.find(({ severity }) => severity === 'error')
      if (problem !== undefined) return refuse('env-file', '', printDiagnostic(problem))
      if (known.size >= MAX_LAUNCH_CACHE_ENTRIES) known.clear()
      known.set(path, { version, variables })
      return variables
    } finally {
      closeSync(fd)
    }
  }

  return {
    read(files) {
      const found: Variables[] = []
      for (const { path, isOptional } of files) {
        const variables = attempt(path, isOptional, readOne)
        if (variables === null) continue
        if ('kind' in variables) return variables
        found.push(variables)
      }
      return found
    },
  }
}

/** Null: missing, and allowed to be. */
function attempt(
  path: string,
  isOptional: boolean,
  read: (path: string) => Variables | LaunchRefusal,
): Variables | LaunchRefusal | null {
  try {
    return read(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) {
      if (isOptional) return null
      const detail =
        'there is no such file; create it, or write it with a `?` in front if it is optional'
      return refuse('env-file', quote(path), detail)
    }
    if (isErrno(error, 'EACCES')) {
      return refuse('env-file', quote(path), 'the supervisor has no permission to read it')
    }
    const detail = error instanceof Error ? error.message : String(error)
    return refuse('env-file', quote(path), detail)
  }
}

/** At most so many bytes: what is appended meanwhile belongs to the next look. */
function readText(fd: number, size: number): string {
  const buffer = Buffer.alloc(size)
  let length = 0
  while (length < buffer.length) {
    const read = readSync(fd, buffer, length, buffer.length - length, null)
    if (read === 0) break
    length += read
  }
  return buffer.toString('utf8', 0, length)
}

// The environment that a project's services start from: that of whoever typed `up`. It may hold
// secrets, so it is kept out of the journal and of every listing, in a file of the runtime
// directory that only we may read, and is gone after a reboot.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { ToolkitError } from '../base/toolkit-error.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { makeFolder } from './folders.ts'
import { inStateDirectory } from './state-error.ts'

type Environment = Readonly<Record<string, string>>

export interface BaseEnvironments {
  of(project: string): Environment
  /**
   * Returns how to take it back. Throws ERR_STATE_DIRECTORY_FULL, _READ_ONLY or _UNUSABLE; then the
   * earlier one still holds.
   */
  set(project: string, environment: Environment): () => void
  forget(project: string): void
}

/** `own` is the fallback: the supervisor's environment. */
export function openBaseEnvironments(
  folder: string,
  own: Readonly<Record<string, string | undefined>>,
): BaseEnvironments {
  const known = new Map<string, Environment>()
  const pathOf = (project: string) => `${folder}/${project}.json`

  function read(project: string): Environment {
    try {
      const value: unknown = JSON.parse(readFileSync(pathOf(project), 'utf8'))
      if (typeof value === 'object' && value !== null) return value as Environment
    } catch (error) {
      if (!(error instanceof SyntaxError) && !isErrno(error, 'ENOENT')) throw error
    }
    return Object.fromEntries(
      Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== undefined),
    )
  }

  function write(project: string, environment: Environment): void {
    const path = pathOf(project)
    inStateDirectory(path, () => {
      makeFolder(folder, 0o700)
      writeFileSync(`${path}.new`, JSON.stringify(environment), { mode: 0o600 })
      renameSync(`${path}.new`, path)
    })
    known.set(project, environment)
  }

  function forget(project: string): void {
    known.delete(project)
    rmSync(pathOf(project), { force: true })
  }

  return {
    of: (project) => {
      const found = known.get(project) ?? read(project)
      known.set(project, found)
      return found
    },
    set: (project, environment) => {
      const former = existsSync(pathOf(project)) ? read(project) : null
      write(project, environment)
      return () => {
        if (former === null) return forget(project)
        known.set(project, former)
        try {
          write(project, former)
        } catch (error) {
          // For a later life of the supervisor the newer one holds, which is no worse than none.
          if (!(error instanceof ToolkitError)) throw error
        }
      }
    },
    forget,
  }
}

// The environment that a project's services start from: that of whoever typed `up`. It may hold
// secrets, so it is kept out of the journal and of every listing, in a file of the runtime
// directory that only we may read, and is gone after a reboot.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isErrno } from '../kernel/syscall-error.ts'
import { makeFolder } from './folders.ts'

type Environment = Readonly<Record<string, string>>

export interface BaseEnvironments {
  of(project: string): Environment
  set(project: string, environment: Environment): void
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

  return {
    of: (project) => {
      const found = known.get(project) ?? read(project)
      known.set(project, found)
      return found
    },
    set: (project, environment) => {
      known.set(project, environment)
      makeFolder(folder, 0o700)
      const path = pathOf(project)
      writeFileSync(`${path}.new`, JSON.stringify(environment), { mode: 0o600 })
      renameSync(`${path}.new`, path)
    },
    forget: (project) => {
      known.delete(project)
      rmSync(pathOf(project), { force: true })
    },
  }
}

// The definitions that run, a file for each project: they are large and change seldom, and what the
// journal loses to damage can be put together again from them and from the descriptor store.
// Replaced whole, by rename.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { ProjectRecord } from '../core/effect.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { packJournalRecord, unpackJournalRecord } from '../protocol/journal-record.ts'
import { stateRefusal } from './state-error.ts'

export interface ProjectFiles {
  /** What was on disk when they were opened. */
  read(): readonly ProjectRecord[]
  /** Throws as the journal does; then the old definition is still there. */
  put(project: ProjectRecord): void
  remove(name: string): void
  /** What was found damaged, for people. */
  readonly problems: readonly string[]
}

export function openProjectFiles(stateDirectory: string): ProjectFiles {
  const folder = `${stateDirectory}/projects`
  const problems: string[] = []
  const pathOf = (name: string) => `${folder}/${name}.project`

  function load(): ProjectRecord[] {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return readdirSync(folder).flatMap((file) => {
      if (!file.endsWith('.project')) return []
      const record = unpackJournalRecord(readFileSync(`${folder}/${file}`, 'latin1').trimEnd())
      if (record !== null) return [record.value as ProjectRecord]
      problems.push(quarantine(file))
      return []
    })
  }

  function quarantine(file: string): string {
    const target = `${stateDirectory}/quarantine/${file}-${Date.now()}`
    const what = `the definition in '${folder}/${file}' is damaged`
    try {
      mkdirSync(`${stateDirectory}/quarantine`, { recursive: true, mode: 0o700 })
      renameSync(`${folder}/${file}`, target)
      return `${what}: moved to '${target}'; run \`eudaemon up\` in the project's folder`
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      return `${what} and could not be set aside (${text}); ignoring it`
    }
  }

  let found: readonly ProjectRecord[]
  try {
    found = load()
  } catch (error) {
    throw stateRefusal(folder, error)
  }

  return {
    read: () => found,
    problems,
    put: (project) => {
      const { name } = project.definition
      const path = pathOf(name)
      try {
        const text = packJournalRecord({ key: name, value: project })
        writeFileSync(`${path}.new`, text, { encoding: 'latin1', mode: 0o600 })
        renameSync(`${path}.new`, path)
      } catch (error) {
        throw stateRefusal(path, error)
      }
    },
    remove: (name) => {
      try {
        rmSync(pathOf(name), { force: true })
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw stateRefusal(pathOf(name), error)
      }
    },
  }
}

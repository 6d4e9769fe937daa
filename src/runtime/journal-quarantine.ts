// Where the damaged parts of a journal go, for a person to look at. Bounded, because a disk that
// fails would fill itself with copies of what it spoilt.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_QUARANTINE_FILES } from '../base/limits.ts'
import { isErrno } from '../kernel/syscall-error.ts'

/** Writes the text to the first free number; null when all are taken. */
export function keepDamaged(directory: string, text: string): string | null {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (let number = 1; number <= MAX_QUARANTINE_FILES; number += 1) {
    const path = join(directory, `journal-${number}.bin`)
    try {
      writeFileSync(path, text, { flag: 'wx', mode: 0o600, encoding: 'latin1' })
      return path
    } catch (error) {
      if (isErrno(error, 'EEXIST')) continue
      rmSync(path, { force: true })
      throw error
    }
  }
  return null
}

// Where the damaged parts of a journal go, for a person to look at. Bounded, because a disk that
// fails would fill itself with copies of what it spoilt.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_QUARANTINE_BYTES, MAX_QUARANTINE_FILES } from '../base/limits.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import type { Range } from './journal-scan.ts'

/** Keeps what is in the damaged places, as far as there is room; says what became of them. */
export function quarantine(
  directory: string,
  damaged: readonly Range[],
  textAt: (range: Range) => string,
): string {
  let text = ''
  for (const { at, length } of damaged) {
    const room = MAX_QUARANTINE_BYTES - text.length
    if (room <= 0) break
    text += `${textAt({ at, length: Math.min(length, room) })}\n`
  }
  try {
    const path = keepDamaged(directory, text)
    return path === null ? 'not kept, the quarantine is full' : `moved to '${path}'`
  } catch (error) {
    return `cannot keep them: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Writes the text to the first free number; null when all are taken. */
function keepDamaged(directory: string, text: string): string | null {
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

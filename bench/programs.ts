// The small static programs of the measurements, compiled into the folder of this run: a start of
// them costs next to nothing, so what is measured is the supervisor.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

export interface Programs {
  readonly service: string
  readonly writer: string
  readonly checkLines: string
}

/** Compiles them with `cc`; throws with the compiler's words when that fails. */
export function compilePrograms(folder: string): Programs {
  const compile = (name: string): string => {
    const source = join(import.meta.dirname, 'programs', `${name}.c`)
    const path = join(folder, name)
    execFileSync('cc', ['-O2', '-static', '-o', path, source], { stdio: 'pipe' })
    return path
  }
  return {
    service: compile('service'),
    writer: compile('writer'),
    checkLines: compile('check-lines'),
  }
}

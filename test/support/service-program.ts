// test/fixtures/programs/service-program.ts as a command, and what it has reported: for tests that
// run a program under one supervisor or another.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './children.ts'
import { program } from './programs.ts'
import { until } from './until.ts'

type Fields = Readonly<Record<string, unknown>>

export interface ServiceProgram {
  readonly folder: string
  readonly report: string
  /** Words of the command. */
  argv(...actions: readonly string[]): readonly string[]
  /** One line for sh, with the report in its environment. */
  line(...actions: readonly string[]): string
  /** The results of the actions so far, in order. */
  results(): readonly (readonly [action: string, result: unknown])[]
  /** Resolves to the result of the action as soon as it is there. */
  result(action: string): Promise<Fields>
}

/** A fresh folder for it, that is removed after the test. */
export function serviceProgram(test: TestContext): ServiceProgram {
  const folder = temporaryFolder(test)
  const report = join(folder, 'report')
  const argv = (...actions: readonly string[]) => [
    process.execPath,
    program('service-program.ts'),
    ...actions,
  ]
  const results = (): ReturnType<ServiceProgram['results']> => {
    const text = existsSync(report) ? readFileSync(report, 'utf8') : ''
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  }
  return {
    folder,
    report,
    argv,
    line: (...actions) => `PROGRAM_REPORT='${report}' ${argv(...actions).join(' ')}`,
    results,
    result: async (action) => {
      const found = await until(`the result of '${action}'`, () =>
        results().find(([word]) => word === action),
      )
      return found[1] as Fields
    },
  }
}

// The parts of the suite, in the order in which they run. A part that has no files yet is left out.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A tool that judges the whole checkout: it passes or fails as one. */
export interface Check {
  readonly kind: 'check'
  readonly name: string
  readonly command: readonly string[]
}

/** Test files for node:test. */
export interface TestPart {
  readonly kind: 'tests'
  readonly name: string
  readonly files: readonly string[]
  /** So many files at a time. Tests of real processes run alone: they measure and wait. */
  readonly concurrency: number
}

export type Part = Check | TestPart

const checks: readonly Check[] = [
  { kind: 'check', name: 'typecheck', command: ['tsc', '--build'] },
  { kind: 'check', name: 'biome', command: ['biome', 'check', '--error-on-warnings'] },
  { kind: 'check', name: 'knip', command: ['knip'] },
]

const folders: readonly (readonly [name: string, pattern: string, concurrency: number])[] = [
  ['tidy', 'test/{tidy.test.ts,tidy/*.test.ts}', 2],
  ['unit', 'test/unit/**/*.test.ts', 2],
  ['scenarios', 'test/scenarios/**/*.test.ts', 2],
  ['simulation', 'test/simulation/**/*.test.ts', 2],
  ['conformance', 'test/conformance/**/*.test.ts', 1],
  ['system', 'test/system/**/*.test.ts', 1],
  ['examples', 'test/examples/**/*.test.ts', 1],
  ['package', 'test/package/**/*.test.ts', 1],
]

const NOBODY_MARKER = '// runs-as: nobody'

/** Every part that this checkout has. */
export function findParts(root: string): readonly Part[] {
  const tests = folders.map(
    ([name, pattern, concurrency]): TestPart => ({
      kind: 'tests',
      name,
      files: globSync(pattern, { cwd: root }).sort(),
      concurrency,
    }),
  )
  return [...checks, ...tests.filter((part) => part.files.length > 0)]
}

/** The files whose first line asks for a second run without rights; null when none does. */
export function findNobodyPart(root: string): TestPart | null {
  const files = globSync('test/**/*.test.ts', { cwd: root })
    .filter((file) => readFileSync(join(root, file), 'utf8').startsWith(NOBODY_MARKER))
    .sort()
  return files.length === 0 ? null : { kind: 'tests', name: 'as-nobody', files, concurrency: 1 }
}

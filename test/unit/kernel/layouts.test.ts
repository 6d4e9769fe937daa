// The C headers of this machine judge layouts.ts: every size, offset and constant.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { constants, layouts } from '../../../src/kernel/layouts.ts'
import { temporaryFolder } from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const source = fileURLToPath(new URL('../../../scripts/layout-check.c', import.meta.url))

function findCompiler(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':')
  const names = ['cc', 'gcc', 'clang']
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync)
}

test('sizes, offsets and constants are those of the C headers', (t) => {
  const compiler = findCompiler()
  if (skipUnless(t, compiler !== undefined, 'there is no C compiler')) return
  const program = join(temporaryFolder(t), 'layout-check')
  execFileSync(compiler ?? '', ['-Wall', '-Werror', '-o', program, source])
  const lines = execFileSync(program, { encoding: 'utf8' }).trim().split('\n')

  const absent = new Set<string>()
  const printed = new Map<string, number>()
  for (const line of lines) {
    const [kind, name = '', value] = line.split(' ')
    if (kind === 'absent') absent.add(name)
    else printed.set(`${kind} ${name}`, Number(value))
  }

  const ours = new Map<string, number>()
  for (const [name, { size, fields }] of Object.entries(layouts)) {
    if (absent.has(name)) continue
    if (!absent.has(`${name}.size`)) ours.set(`size ${name}`, size)
    for (const [field, at] of Object.entries(fields)) ours.set(`offset ${name}.${field}`, at)
  }
  for (const [name, value] of Object.entries(constants)) {
    if (!absent.has(name)) ours.set(`constant ${name}`, value)
  }

  const sorted = (map: Map<string, number>): string[] =>
    [...map].map(([name, value]) => `${name} ${value}`).sort()
  assert.deepEqual(sorted(ours), sorted(printed))
  assert.ok(printed.size > 100)
})

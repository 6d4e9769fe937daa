// Each rule must catch what it is for, and leave alone what looks like it. A snippet is written
// as text under an invented path; the expectation is a part of the message, or nothing.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as bans from './ban-rules.ts'
import * as imports from './import-rules.ts'
import * as sizes from './size-rules.ts'
import { type Rule, sourceFile } from './source-file.ts'
import * as tables from './table-rules.ts'

type Files = Readonly<Record<string, string>>

function messages(rule: Rule, files: Files): string[] {
  const sources = Object.entries(files).map(([path, text]) => sourceFile(path, text))
  return rule(sources).map((found) => `${found.path}:${found.line}: ${found.message}`)
}

function catches(rule: Rule, files: Files, expected: string): void {
  const found = messages(rule, files)
  assert.equal(found.length, 1, `one violation expected: ${JSON.stringify(found)}`)
  assert.ok(found[0]?.includes(expected), `${found[0]} should say: ${expected}`)
}

function accepts(rule: Rule, files: Files): void {
  assert.deepEqual(messages(rule, files), [])
}

const lines = (count: number): string => 'count()\n'.repeat(count)

describe('imports', () => {
  test('core may not import formats', () => {
    const text = "import { read } from '../formats/format.ts'\n"
    catches(imports.importTable, { 'src/core/x.ts': text }, 'it may import base, model')
  })

  test('types, re-exports, bare and dynamic imports count', () => {
    for (const text of [
      "import type { A } from '../kernel/a.ts'",
      "export { a } from '../kernel/a.ts'",
      "export * from '../kernel/a.ts'",
      "import '../kernel/a.ts'",
      "import {\n  a,\n  b,\n} from '../kernel/a.ts'",
      "const a = await import('../kernel/a.ts')",
    ]) {
      catches(imports.importTable, { 'src/supervisor/x.ts': text }, 'supervisor may not import')
    }
  })

  test('own room, lower rooms, comments and strings pass', () => {
    const text = `// import { a } from '../kernel/a.ts'
import { b } from './b.ts'
import { c } from '../base/c.ts'
const text = "import x from '../kernel/a.ts'"
`
    accepts(imports.importTable, { 'src/core/x.ts': text })
  })

  test('cli loads the supervisor only dynamically', () => {
    const path = 'src/cli/commands/supervise.ts'
    accepts(imports.importTable, { [path]: "await import('../../supervisor/main.ts')" })
    const statically = "import { main } from '../../supervisor/main.ts'"
    catches(imports.importTable, { [path]: statically }, 'only by `await import(')
  })

  test('a folder outside the table is refused', () => {
    catches(imports.importTable, { 'src/util/x.ts': 'export const a = 1' }, 'no room of the house')
  })

  test('koffi, child_process and platform modules', () => {
    const check = (path: string, text: string, expected: string): void =>
      catches(imports.packageTable, { [path]: text }, expected)
    check('src/runtime/x.ts', "import koffi from 'koffi'", 'only in src/kernel/')
    check('src/kernel/x.ts', "import { spawn } from 'node:child_process'", 'src/kernel/spawn.ts')
    check('src/cli/x.ts', "process.getBuiltinModule('child_process')", 'src/kernel/spawn.ts')
    check('src/cli/x.ts', "await import('node:child_process')", 'src/kernel/spawn.ts')
    check('src/model/x.ts', "import { join } from 'node:path'", 'model is pure')
    accepts(imports.packageTable, {
      'src/kernel/x.ts': "import koffi from 'koffi'",
      'src/runtime/x.ts': "import { join } from 'node:path'",
      'src/syntax/x.ts': "import { parse } from 'smol-toml'",
    })
  })

  test('cycles of files, but not of types', () => {
    const back = "import { a } from './a.ts'"
    const files = { 'src/core/a.ts': "import { b } from './b.ts'", 'src/core/b.ts': back }
    catches(imports.noCycles, files, 'src/core/a.ts -> src/core/b.ts -> src/core/a.ts')
    accepts(imports.noCycles, { ...files, 'src/core/b.ts': "import type { A } from './a.ts'" })
  })

  test('files that nobody reaches, even when they reach each other', () => {
    const files = {
      'src/cli/main.ts': "import { b } from '../base/b.ts'\nawait import('./c.ts')",
      'src/base/b.ts': '',
      'src/cli/c.ts': '',
    }
    accepts(imports.noDeadFiles, files)
    catches(imports.noDeadFiles, { ...files, 'src/base/d.ts': '' }, 'src/base/d.ts:1: nothing')
  })

  test('an import that leads nowhere', () => {
    const files = { 'src/base/a.ts': "import { b } from './b.ts'" }
    catches(imports.importsExist, files, 'does not exist')
  })
})

describe('bans', () => {
  test('clock, random source and platform in pure rooms only', () => {
    const check = (text: string, expected: string): void => {
      catches(bans.noClockInPureRooms, { 'src/core/x.ts': text }, expected)
      accepts(bans.noClockInPureRooms, { 'src/runtime/x.ts': text })
    }
    check('const now = Date.now()', 'take the time from the event')
    check('const now = new Date()', 'take the time from the event')
    check('const text = `${' + 'new Date()}`', 'take the time from the event')
    check('const x = Math.random()', 'src/base/prng.ts')
    check('setTimeout(f, 1)', 'knows no platform')
    accepts(bans.noClockInPureRooms, { 'src/core/x.ts': "// Date\nconst a = 'Date.now()'" })
  })

  test('console and process.exit in src/ only', () => {
    catches(bans.noDirectOutput, { 'src/cli/x.ts': "console.log('x')" }, 'cli/print/')
    catches(bans.noDirectOutput, { 'src/cli/x.ts': 'process.exit(1)' }, 'process.exitCode')
    accepts(bans.noDirectOutput, { 'scripts/x.ts': 'console.log(1)' })
    accepts(bans.noDirectOutput, { 'src/cli/x.ts': 'process.exitCode = 1' })
    const text = "import { exit } from 'node:process'"
    catches(bans.noProcessImport, { 'src/cli/x.ts': text }, 'the global `process`')
  })

  test('any, default exports and enums', () => {
    const check = (text: string, expected: string): void =>
      catches(bans.plainTypes, { 'src/base/x.ts': text }, expected)
    check('let a: any', 'use `unknown`')
    check('const a = b as any', 'use `unknown`')
    check('let a: Record<string, any>', 'use `unknown`')
    check('export default a', 'by its name')
    check('export { a as default }', 'by its name')
    check('const enum Color { red }', 'union of strings')
    accepts(bans.plainTypes, { 'src/base/x.ts': 'const a = Promise.any(b)\nconst c = { any: 1 }' })
  })

  test('unfinished work and index files', () => {
    const mark = ['TO', 'DO'].join('')
    catches(bans.noUnfinishedWork, { 'src/base/x.ts': `// ${mark}: later` }, 'finish it')
    accepts(bans.noUnfinishedWork, { 'src/base/x.ts': `const a = '${mark}'` })
    catches(bans.noIndexFiles, { 'src/core/index.ts': '' }, 'name the file after its content')
    accepts(bans.noIndexFiles, { 'src/index.ts': '' })
  })
})

describe('sizes', () => {
  test('lines and files', () => {
    catches(
      sizes.lineLength,
      { 'src/base/x.ts': `ok\n${'x'.repeat(101)}\n` },
      'x.ts:2: a line of 101',
    )
    accepts(sizes.lineLength, { 'src/base/x.ts': 'x'.repeat(100) })
    catches(sizes.fileLength, { 'src/base/x.ts': lines(301) }, 'split it by idea')
    accepts(sizes.fileLength, { 'src/base/x.ts': lines(300) })
    accepts(sizes.fileLength, { 'src/base/error-codes.ts': lines(500) })
  })

  test('functions of every form', () => {
    for (const head of [
      'function f(a: string) {',
      'export async function f(a: string): Promise<{ a: string }> {',
      'const f = (a: string): number => {',
      'class A {\n  method(a: string): void {',
      'const a = {\n  method(a = (1 + 2)) {',
    ]) {
      const long = `${head}\n${lines(69)}}\n}`
      catches(sizes.functionLength, { 'src/base/x.ts': long }, 'a function of 71 lines')
      accepts(sizes.functionLength, { 'src/base/x.ts': `${head}\n${lines(68)}}\n}` })
    }
  })

  test('blocks, literals and suites are no functions', () => {
    for (const head of [
      'if (a) {',
      'for (const a of b) {',
      'const a = {',
      'interface A {',
      'class A {',
    ]) {
      accepts(sizes.functionLength, { 'src/base/x.ts': `${head}\n${lines(90)}}` })
    }
    accepts(sizes.functionLength, { 'test/x.ts': `describe('x', () => {\n${lines(90)}})` })
  })

  test('a file opens with a comment', () => {
    catches(sizes.openingComment, { 'src/base/x.ts': 'export const a = 1' }, 'what lives here')
    accepts(sizes.openingComment, { 'scripts/x.ts': '#!/usr/bin/env node\n// A tool.\n' })
  })
})

describe('tables and faces', () => {
  const table = 'export const errorCodes = {\n  ERR_A: {\n  },\n  ERR_B: {\n  },\n}\n'

  test('error codes that nothing uses', () => {
    const files = { 'src/base/error-codes.ts': table, 'src/cli/x.ts': "fail('ERR_A')" }
    catches(tables.errorCodesUsed, files, 'error-codes.ts:4: ERR_B is used nowhere')
    accepts(tables.errorCodesUsed, { ...files, 'src/cli/y.ts': "fail('ERR_B')" })
  })

  test('public symbols without documentation, also through re-exports', () => {
    const face = "export { a, type B } from './base/x.ts'\n"
    const documented = '/** A. */\nexport const a = 1\n/** B. */\nexport interface B {}\n'
    const files = { 'src/index.ts': face, 'src/base/x.ts': documented }
    accepts(tables.facesDocumented, files)
    const half = 'export const a = 1\n/** B. */\nexport interface B {}\n'
    catches(tables.facesDocumented, { ...files, 'src/base/x.ts': half }, 'x.ts:1: a is public')
    const star = "export * from './base/x.ts'\n"
    catches(tables.facesDocumented, { ...files, 'src/index.ts': star }, 'no `export *`')
    catches(tables.facesDocumented, { 'src/client.ts': 'export function c() {}' }, 'c is public')
  })

  test('package.json and the faces in src/ agree', () => {
    const files = [sourceFile('src/index.ts', ''), sourceFile('src/client.ts', '')]
    const found = tables.exportsMatchFaces(files, ['.', './package.json', './gone'])
    assert.deepEqual(
      found.map((violation) => violation.message),
      [
        "add the public face './client' to exports in package.json",
        "exports in package.json has './gone', but src/ has no such face",
      ],
    )
  })
})

describe('the scanner', () => {
  test('regular expressions, templates and division do not confuse it', () => {
    const text = [
      'const a = b / c / d // Date',
      'const r = /[\'"`/]/g',
      "const s = /[/]\\/'/.test(x) ? 1 : 2",
      'const t = `a ${f({ a: `${' + "b}` })} ' ${'x'} /* Date */`",
      'const u = (a) / 2 + "\\"Date"',
      'Date.now()',
    ].join('\n')
    catches(bans.noClockInPureRooms, { 'src/core/x.ts': text }, 'x.ts:6:')
  })
})

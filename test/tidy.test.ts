// The rules of the house, each over the whole repository. What each rule catches is shown by
// test/tidy/rules.test.ts; the rules themselves are in test/tidy/.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as bans from './tidy/ban-rules.ts'
import * as imports from './tidy/import-rules.ts'
import * as sizes from './tidy/size-rules.ts'
import { type Rule, readSources, type Violation } from './tidy/source-file.ts'
import * as tables from './tidy/table-rules.ts'

const root = join(import.meta.dirname, '..')
const files = readSources(root)

const rules: Readonly<Record<string, Rule>> = {
  'a room imports only what the table allows': imports.importTable,
  'koffi only in kernel/, no child_process, no packages in pure rooms': imports.packageTable,
  'relative imports name an existing file': imports.importsExist,
  'files do not import each other in circles': imports.noCycles,
  'every file of src/ is used': imports.noDeadFiles,
  'no clock and no random source in pure rooms': bans.noClockInPureRooms,
  'no console and no process.exit in src/': bans.noDirectOutput,
  'no import of node:process': bans.noProcessImport,
  'no any, no default export, no enum': bans.plainTypes,
  'no unfinished work in comments': bans.noUnfinishedWork,
  'no index.ts but the public face': bans.noIndexFiles,
  'lines have at most 100 characters': sizes.lineLength,
  'functions have at most 70 lines': sizes.functionLength,
  'files have at most 300 lines': sizes.fileLength,
  'a file opens with what it is about': sizes.openingComment,
  'every error code is used': tables.errorCodesUsed,
  'public faces are documented': tables.facesDocumented,
}

for (const [name, rule] of Object.entries(rules)) {
  test(name, () => failOn(rule(files)))
}

test('package.json exports the public faces', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  failOn(tables.exportsMatchFaces(files, Object.keys(manifest.exports)))
})

test('the lock file names the optional packages of every platform', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const entries: [string, { readonly optionalDependencies?: object }][] = Object.entries(
    lock.packages,
  )
  const missing = entries.flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) =>
        !(`node_modules/${name}` in lock.packages) &&
        !(`${path}/node_modules/${name}` in lock.packages),
    ),
  )
  assert.deepEqual(missing, [], 'npm ci would fail: run `node scripts/complete-lock.ts`')
})

const generator = join(root, 'scripts/generate.ts')
if (existsSync(generator)) {
  test('generated files are fresh', () => {
    const result = spawnSync(process.execPath, [generator, '--check'], {
      encoding: 'utf8',
      cwd: root,
    })
    assert.equal(result.status, 0, `run \`npm run generate\`: ${result.stdout}${result.stderr}`)
  })
}

function failOn(violations: readonly Violation[]): void {
  const list = violations.map((found) => `${found.path}:${found.line}: ${found.message}`)
  assert.equal(list.length, 0, `\n${list.join('\n')}\n`)
}

// Golden folders: test/formats/FORMAT/CASE/input is read as if it stood in /srv/shop; model.json
// (absent when it cannot be used) and diagnostics.txt are what must come out. After a change that
// is meant: node test/unit/formats/golden.test.ts --rewrite, then read the difference by eye.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { printDiagnosticWithExcerpt } from '../../../src/base/diagnostic.ts'
import type { Importer, ReadResult } from '../../../src/formats/format.ts'
import { importers } from '../../../src/formats/registry.ts'
import { encodeDefinition, parseProjectDefinition } from '../../../src/model/definition-json.ts'

const isRewriting = process.argv.includes('--rewrite')
const root = join(import.meta.dirname, '../../formats')

for (const importer of importers) {
  const folder = join(root, importer.format)
  for (const name of readdirSync(folder).sort()) {
    test(`${importer.format}: ${name}`, () => checkCase(importer, join(folder, name)))
  }
}

function checkCase(importer: Importer, folder: string): void {
  const { text, fileName, result } = readInput(importer, folder)
  const printed = result.diagnostics
    .map((diagnostic) =>
      // A problem in a side file has no line in the text that is at hand.
      printDiagnosticWithExcerpt(
        diagnostic,
        diagnostic.position?.file.endsWith(fileName) === false ? '' : text,
      ),
    )
    .join('\n')
  compare(join(folder, 'diagnostics.txt'), printed === '' ? '' : `${printed}\n`)
  const model = result.project === null ? null : JSON.parse(encodeDefinition(result.project))
  compare(join(folder, 'model.json'), model === null ? '' : `${JSON.stringify(model, null, 2)}\n`)
  const hasError = result.diagnostics.some(({ severity }) => severity === 'error')
  assert.equal(result.project === null, hasError, 'a project comes out unless there is an error')
  for (const { message, position } of result.diagnostics) {
    assert.ok(position, `no position: ${message}`)
  }
  // What a reader accepts, the control API accepts, and gets the same.
  if (model !== null) assert.deepEqual(parseProjectDefinition(model).project, result.project)
}

function readInput(importer: Importer, folder: string) {
  const input = join(folder, 'input')
  const fileName = importer.fileNames.find((name) => existsSync(join(input, name))) ?? ''
  const text = readFileSync(join(input, fileName), 'utf8')
  const present = importer.sideFileNames.filter((name) => existsSync(join(input, name)))
  const result: ReadResult = importer.read({
    file: `/srv/shop/${fileName}`,
    text,
    directory: '/srv/shop',
    projectName: 'shop',
    sideFiles: new Map(present.map((name) => [name, readFileSync(join(input, name), 'utf8')])),
    callerEnvironment: {},
  })
  return { text, fileName, result }
}

/** Empty content means: the file must not exist. */
function compare(path: string, content: string): void {
  if (isRewriting && content === '') rmSync(path, { force: true })
  else if (isRewriting) writeFileSync(path, content)
  const expected = existsSync(path) ? readFileSync(path, 'utf8') : ''
  assert.equal(content, expected)
}

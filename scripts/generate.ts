// Writes the files that are made from tables: the JSON Schema and the reference pages. With
// --check it writes nothing and fails when one of them is not fresh.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { diagnosticCodes } from '../src/base/diagnostic-codes.ts'
import { errorCodes } from '../src/base/error-codes.ts'
import { commands } from '../src/cli/commands.ts'
import { printApiPage } from './generating/api-page.ts'
import { printCommandPage } from './generating/command-page.ts'
import { printJsonSchema } from './generating/json-schema.ts'
import { printSettingsPage } from './generating/settings-page.ts'

const root = join(import.meta.dirname, '..')
const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

/** Path -> content. A new generated file is one more line here. */
const generated: Readonly<Record<string, () => string>> = {
  'schema/eudaemon.schema.json': printJsonSchema,
  'docs/reference/settings.md': printSettingsPage,
  'docs/reference/errors.md': printErrorsPage,
  'docs/reference/control-api.md': printApiPage,
  ...Object.fromEntries(
    commands.map((command) => [
      `docs/commands/${command.name}.md`,
      () => printCommandPage(command),
    ]),
  ),
}

function printErrorsPage(): string {
  const errors = Object.entries(errorCodes).sort(([left], [right]) => (left < right ? -1 : 1))
  const problems = Object.entries(diagnosticCodes)
  return [
    '# Errors',
    '<!-- Made from error-codes.ts and diagnostic-codes.ts of src/base by scripts/generate.ts: ' +
      'do not edit. -->',
    'Programs match on the code; messages are for people and may change.',
    '## Errors of commands and of the control API',
    ...errors.map(([code, { meaning, remedy }]) => `### ${code}\n\n${meaning} ${remedy}`),
    '## Problems in definitions',
    'Each comes with the place in the file, the setting, and what to do about it.',
    `| code | meaning |\n|---|---|\n${problems
      .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
      .join('\n')}`,
  ]
    .join('\n\n')
    .concat('\n')
}

const stale = Object.entries(generated).filter(([path, print]) => {
  const file = join(root, path)
  const content = print()
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return false
  if (options.check) return true
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  console.log(`wrote ${path}`)
  return false
})

if (stale.length > 0) {
  console.error(
    `not fresh: ${stale.map(([path]) => path).join(', ')}; run node scripts/generate.ts`,
  )
  process.exitCode = 1
}

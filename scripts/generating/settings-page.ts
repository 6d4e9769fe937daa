// The reference page of eudaemon.toml, made from the table of settings.

import { listLaterSettings } from '../../src/formats/native/later-settings.ts'
import {
  describeType,
  type FieldRow,
  projectFields,
  serviceFields,
} from '../../src/model/service-fields.ts'

const intro = `# Settings of eudaemon.toml

<!-- Made from src/model/service-fields.ts by scripts/generate.ts: do not edit. -->

The file is [TOML](https://toml.io). One heading a service: \`[services.NAME]\`. Names have
letters, digits, \`_\`, \`.\` and \`-\`, at most 64 characters, and begin with a letter or a digit.
Paths are as seen from the folder of the file. Variables such as \`$HOME\` and \`~\` are expanded by
the shell of a command that is text, and nowhere else. A setting that does not exist is an error,
never ignored.

For completion in editors, begin the file with
\`#:schema ./node_modules/eudaemon/schema/eudaemon.schema.json\`, or the path where eudaemon is
installed.
`

/** Markdown; ends with a newline. */
export function printSettingsPage(): string {
  const later = listLaterSettings().map(([key, advice]) => `| \`${key}\` | ${advice} |`)
  return [
    intro,
    '## The project\n\nThese stand at the top of the file, before the first heading.\n',
    ...projectFields.map((row) => printField(row)),
    '## A service\n\nThese stand under `[services.NAME]`.\n',
    ...serviceFields.map((row) => printField(row)),
    '## Not yet\n\nThese belong to a later version and are refused until then.\n',
    `| setting | meanwhile |\n|---|---|\n${later.join('\n')}\n`,
  ].join('\n')
}

function printField(row: FieldRow): string {
  return [
    `### \`${row.key}\`\n`,
    `${row.doc}\n`,
    `Value: ${describeType(row)}. Default: ${row.default}.\n`,
    `\`\`\`toml\n${row.example}\n\`\`\`\n`,
  ].join('\n')
}

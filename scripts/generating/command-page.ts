// docs/commands/<name>.md, from the table of commands; always in the same shape.

import { type CommandSpec, helpOption } from '../../src/cli/commands.ts'
import { exitRows, printOption, printSynopsis } from '../../src/cli/help.ts'

const NOTICE = '<!-- Made from src/cli/commands.ts by scripts/generate.ts: do not edit. -->'

export function printCommandPage(command: CommandSpec): string {
  const options = [...command.options, helpOption].map(
    (option) => `| \`${printOption(option).trim()}\` | ${option.doc} |`,
  )
  const codes = exitRows(command).map(([code, meaning]) => `| ${code?.trim()} | ${meaning} |`)
  const examples = command.examples.map(([line, meaning]) => `- \`${line}\`: ${meaning}`)
  return [
    `# eudaemon ${command.name}`,
    NOTICE,
    command.summary,
    `    ${printSynopsis(command)}`,
    ...command.about,
    ...(command.arguments.some(({ kind }) => kind === 'service') ? [services] : []),
    '## Options',
    `| option | meaning |\n|---|---|\n${options.join('\n')}`,
    '## Exit status',
    `| status | meaning |\n|---|---|\n${codes.join('\n')}`,
    ...(examples.length === 0 ? [] : ['## Examples', examples.join('\n')]),
  ]
    .join('\n\n')
    .concat('\n')
}

const services =
  'A SERVICE is `web` (all its instances), `web@2` (one of them) or `shop/web` (of another ' +
  'project).'

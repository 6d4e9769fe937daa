// Words that may not stand in the code, each with what to use instead. Comments and strings are
// not looked at, except for unfinished work, which hides in comments.

import { isInPureRoom } from './import-rules.ts'
import { findInCode, lineOf, type Rule, type SourceFile } from './source-file.ts'

interface Ban {
  readonly pattern: RegExp
  readonly message: string
  readonly where: (file: SourceFile) => boolean
}

const inSources = (file: SourceFile): boolean => file.path.startsWith('src/')
/** The library ends the program that called it; everything else returns a status. */
const endsPrograms = 'src/daemonize/end-process.ts'
const inPureRooms = (file: SourceFile): boolean => isInPureRoom(file.path)
const everywhere = (): boolean => true

const bans: Readonly<Record<'clock' | 'output' | 'types', readonly Ban[]>> = {
  clock: [
    {
      pattern: /(?<![\w$.])Date\b/g,
      message: 'no clock in pure code: take the time from the event, as Milliseconds',
      where: inPureRooms,
    },
    {
      pattern: /(?<![\w$.])Math\s*\.\s*random\b/g,
      message: 'no random source in pure code: use src/base/prng.ts with a state',
      where: inPureRooms,
    },
    {
      pattern:
        /(?<![\w$.])(?:performance|setTimeout|setInterval|setImmediate|process|Buffer)\b\s*[.(]/g,
      message: 'pure code knows no platform: take the value as an argument, ask by an effect',
      where: inPureRooms,
    },
  ],
  output: [
    {
      pattern: /(?<![\w$.])console\b/g,
      message: 'no console: return text (cli/print/) or report it (supervisor/report.ts)',
      where: inSources,
    },
    {
      pattern: /(?<![\w$.])process\s*\.\s*(?:exit|reallyExit|abort)\b/g,
      message:
        'no process.exit: return the exit status, src/cli/main.ts hands it to process.exitCode',
      where: (file) => inSources(file) && file.path !== endsPrograms,
    },
  ],
  types: [
    {
      pattern: /(?<![\w$.])any(?![\w$]|\s*[:(?])/g,
      message: 'no `any`: use `unknown` and narrow it',
      where: everywhere,
    },
    {
      pattern: /(?<![\w$.])export\s+default\b|\bas\s+default\b/g,
      message: 'no default export: export the thing by its name',
      where: everywhere,
    },
    {
      pattern: /(?<![\w$.])enum\s+[A-Za-z_$]/g,
      message: 'no enum: use a union of strings',
      where: everywhere,
    },
  ],
}

function ruleOf(list: readonly Ban[]): Rule {
  return (files) =>
    files.flatMap((file) =>
      list
        .filter((ban) => ban.where(file))
        .flatMap((ban) => findInCode(file, ban.pattern, ban.message)),
    )
}

export const noClockInPureRooms: Rule = ruleOf(bans.clock)
export const noDirectOutput: Rule = ruleOf(bans.output)
export const plainTypes: Rule = ruleOf(bans.types)

/** `import { exit } from 'node:process'` would get around the ban of process.exit. */
export const noProcessImport: Rule = (files) =>
  files.filter(inSources).flatMap((file) =>
    file.imports
      .filter((found) => /^(?:node:)?process$/.test(found.specifier))
      .map((found) => ({
        path: file.path,
        line: found.line,
        message: 'use the global `process`, so that the bans on its members hold',
      })),
  )

export const noUnfinishedWork: Rule = (files) =>
  files.flatMap((file) =>
    file.comments
      .filter((comment) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(comment.text))
      .map((comment) => ({
        path: file.path,
        line: lineOf(file.text, comment.start),
        message: 'unfinished work does not live in comments: finish it or open an issue',
      })),
  )

export const noIndexFiles: Rule = (files) =>
  files
    .filter((file) => /(?:^|\/)index\.ts$/.test(file.path) && file.path !== 'src/index.ts')
    .map((file) => ({
      path: file.path,
      line: 1,
      message: 'index.ts only as the public face src/index.ts: name the file after its content',
    }))

// docs/daemons/conformance.md: the table of rules and subjects as it was measured, and how. The
// page is also the record that a later run is compared with: what that run cannot know (a peer that
// is missing or of another version, what only root can measure) it takes over from the page.

import type { Verdict } from './rules.ts'
import type { Subject } from './subjects.ts'

interface PageRow {
  readonly rule: string
  readonly source: string
  /** One for each subject; null where this run does not know. */
  readonly cells: readonly (string | null)[]
}

export interface PageColumn {
  readonly subject: Subject
  /** Null: not measured in this run. */
  readonly version: string | null
}

/** As the table shows it; null for what this run does not know. */
export function printVerdict(verdict: Verdict): string | null {
  switch (verdict.kind) {
    case 'right':
      return verdict.note === '' ? '✓' : `✓ ${verdict.note}`
    case 'wrong':
      return verdict.fact
    case 'not-offered':
      return '–'
    case 'unknown':
      return null
  }
}

/** The version of each subject that the page speaks of, by its name. */
export function readVersions(page: string): ReadonlyMap<string, string> {
  const lines = [...page.matchAll(/^\| \*\*(.*?)\*\* \| (.*?) \| `.*` \|$/gm)]
  return new Map(lines.map(([, name = '', version = '']) => [name, version]))
}

/** What the page says of a rule and a subject; null when it says nothing. */
function readCell(page: string, rule: string, name: string): string | null {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '))
  const column = rows.find(([first]) => first === 'rule')?.indexOf(name) ?? -1
  return rows.find(([first]) => first === rule)?.[column] ?? null
}

/** The page; what a cell does not know is taken from `before`. */
export function printPage(
  columns: readonly PageColumn[],
  rows: readonly PageRow[],
  before: string,
): string {
  const names = columns.map(({ subject }) => subject.name)
  const versions = readVersions(before)
  const table = rows.map(({ rule, source, cells }) => [
    rule,
    source,
    ...cells.map((cell, at) => cell ?? readCell(before, rule, names[at] ?? '') ?? '?'),
  ])
  const subjects = columns.map(({ subject, version }) => [
    `**${subject.name}**`,
    version ?? versions.get(subject.name) ?? '?',
    `\`${subject.shown}\``,
  ])
  return [
    ...opening,
    printTable(['rule', 'named by', ...names], table),
    ...method,
    printTable(['', 'version', 'how it starts the probe'], subjects),
    ...notes,
  ]
    .join('\n\n')
    .concat('\n')
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const opening: readonly string[] = [
  '# Every step, and who takes it',
  '<!-- Made by test/conformance/daemon/daemon.test.ts: run it with --rewrite, do not edit. -->',
  'Three lists say what a program must do to become a daemon: Stevens (Advanced Programming ' +
    'in the UNIX Environment, 13.3), PEP 3143 and daemon(7), "SysV Daemons". Here is each ' +
    'step as a rule, and how a daemon was found that was started by us and by others. ✓ is ' +
    'right; otherwise the cell says what was found; – is a step for which there is no option.',
]

const method: readonly string[] = [
  '## How it is measured',
  'The daemon is a probe, a small C program (test/conformance/daemon/probe.c) that reports ' +
    'what it was given: parent, process group, session, terminal (it also tries to get one), ' +
    'descriptors, signals, umask, directories, ids, groups, limits and environment. The start ' +
    'is hostile (hostile.c): a foreground job on a pseudo-terminal, six inherited ' +
    'descriptors, six blocked and eight ignored signals, a umask of 077 and then of 000 (ours ' +
    'also 777), core dumps allowed, a working directory that has been deleted, foreign ' +
    'supplementary groups, and an environment of 350 variables of terminal, login, shell, ' +
    'loader and other supervisors. After the report the terminal is closed under the daemon ' +
    'and the leader of its session ends; then the daemon is sent SIGTERM. For readiness the ' +
    'probe takes a second before it says READY=1 (sd_notify). What needs root (another user, ' +
    'and readiness with start-stop-daemon) is measured as root; all else comes out the same ' +
    'for root and for other users.',
]

const notes: readonly string[] = [
  'Each has the options that its manual offers for a step, and no others. What python-' +
    'daemon sets up is handed to the probe by exec, after what is Python’s own (two ignored ' +
    'signals, close-on-exec on 0 to 2) has been undone. The peers do what they were made for: ' +
    '`setsid` and `nohup` never claimed to make daemons; `daemon` stays as the keeper of its ' +
    'client, reads its output and can restart it; `start-stop-daemon` fails because the start ' +
    'ignores SIGCHLD, and it has to wait for a child: from a start that does not, its ' +
    '`--notify-await` waits as it should.',
  'Where `eudaemon run` waits for more than the exec, it shows what the starting daemon ' +
    'writes to standard error: descriptor 2 is then a pipe, which a process of its own ' +
    'empties later on, and not /dev/null. With `--stderr FILE` it is that file.',
]

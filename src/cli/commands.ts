// The table of commands and options: parsing, help, completions and the pages in docs/commands are
// made from it. What a command does is in commands/<name>.ts and is loaded only when it runs.

import type { ExitCode } from './exit-codes.ts'
import { runCommandSpec } from './run-spec.ts'

/** What completion offers for a value. */
export type ValueKind = 'file' | 'service' | 'signal' | 'duration' | 'number' | 'shell' | 'text'

export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** The word that stands for the value in help; absent: a switch. */
  readonly value?: string
  readonly kind?: ValueKind
  readonly choices?: readonly string[]
  readonly doc: string
}

export interface ArgumentSpec {
  readonly name: string
  readonly kind: ValueKind
  readonly choices?: readonly string[]
  readonly min: number
  readonly max: number
}

export interface CommandSpec {
  readonly name: string
  readonly summary: string
  /** Paragraphs for help and the page. */
  readonly about: readonly string[]
  readonly arguments: readonly ArgumentSpec[]
  /** True: options end with the first argument, which is a command with options of its own. */
  readonly endsOptions?: true
  readonly options: readonly OptionSpec[]
  /** Besides 0, 100 and 111, which every command has. */
  readonly exitCodes: readonly ExitCode[]
  readonly examples: readonly (readonly [command: string, meaning: string])[]
}

const file: OptionSpec = {
  name: 'file',
  short: 'f',
  value: 'FILE',
  kind: 'file',
  doc: 'The definition; without it eudaemon.toml or Procfile in this folder.',
}
const json: OptionSpec = { name: 'json', doc: 'Print JSON, for programs.' }
const all: OptionSpec = {
  name: 'all',
  short: 'a',
  doc: 'All projects of the supervisor, wherever this is.',
}
const timeout: OptionSpec = {
  name: 'timeout',
  short: 't',
  value: 'TIME',
  kind: 'duration',
  doc: 'Give up waiting after this time (10s, 2min); exit status 2.',
}
const noWait: OptionSpec = { name: 'no-wait', doc: 'Return at once, do not wait for the outcome.' }

const services: ArgumentSpec = { name: 'SERVICE', kind: 'service', min: 0, max: 10_000 }
const someServices: ArgumentSpec = { ...services, min: 1 }

export const helpOption: OptionSpec = { name: 'help', short: 'h', doc: 'Show this help.' }

export const commands: readonly CommandSpec[] = [
  runCommandSpec,
  {
    name: 'up',
    summary: 'Start a project and follow its logs; with -d, return when all is ready.',
    about: [
      'Applies the definition: what is new is started, what is gone is stopped, what changed ' +
        'is restarted. Starts a supervisor when none runs.',
      'In the foreground, Ctrl-C stops everything in order and leaves nothing behind; a second ' +
        'one kills at once. With -d the command returns when every service is ready, or fails ' +
        'as soon as the start of one has failed.',
    ],
    arguments: [services],
    options: [
      file,
      { name: 'detach', short: 'd', doc: 'Return when all is ready, and leave it running.' },
      timeout,
      json,
    ],
    exitCodes: [1, 2, 4, 5],
    examples: [
      ['eudaemon up', 'start everything and follow the logs'],
      ['eudaemon up -d', 'start everything in the background'],
      ['eudaemon up -d web', 'start only web and what it needs'],
    ],
  },
  {
    name: 'down',
    summary: 'Stop everything of a project and leave nothing behind.',
    about: ['Waits until the last process is gone and names what had to be killed.'],
    arguments: [],
    options: [file, timeout, noWait, json],
    exitCodes: [1, 2, 3, 5],
    examples: [['eudaemon down', 'stop the project of this folder']],
  },
  {
    name: 'start',
    summary: 'Start services, and what they need.',
    about: ['Waits until they are ready. A service that failed is tried anew.'],
    arguments: [someServices],
    options: [file, all, timeout, noWait],
    exitCodes: [1, 2, 4, 5],
    examples: [['eudaemon start web', 'start all instances of web']],
  },
  {
    name: 'stop',
    summary: 'Stop services; they stay stopped.',
    about: [
      'What requires them is stopped before. Waits until no process is left and names what ' +
        'had to be killed.',
    ],
    arguments: [someServices],
    options: [file, all, timeout, noWait, { name: 'kill', doc: 'Send SIGKILL at once.' }],
    exitCodes: [1, 2, 4, 5],
    examples: [['eudaemon stop web@2', 'stop the second instance of web']],
  },
  {
    name: 'restart',
    summary: 'Stop and start services.',
    about: ['Waits until they are ready again.'],
    arguments: [someServices],
    options: [file, all, timeout, noWait],
    exitCodes: [1, 2, 4, 5],
    examples: [['eudaemon restart web', 'restart all instances of web']],
  },
  {
    name: 'reload',
    summary: 'Tell services to read their configuration again.',
    about: ['Uses the signal or command that the definition names; the process stays.'],
    arguments: [someServices],
    options: [file, all, timeout, noWait],
    exitCodes: [1, 2, 4, 5],
    examples: [['eudaemon reload nginx', 'reload nginx']],
  },
  {
    name: 'signal',
    summary: 'Send a signal to the main processes of services.',
    about: ['Signals are names or numbers: HUP, SIGHUP, 1, RTMIN+2.'],
    arguments: [{ name: 'SIGNAL', kind: 'signal', min: 1, max: 1 }, someServices],
    options: [file, all],
    exitCodes: [3, 4, 5],
    examples: [['eudaemon signal USR1 web', 'send SIGUSR1 to web']],
  },
  {
    name: 'scale',
    summary: 'Change the number of instances of services.',
    about: ['Lasts until `eudaemon down`. Waits until the new ones are ready and the others gone.'],
    arguments: [{ name: 'SERVICE=COUNT', kind: 'service', min: 1, max: 1_000 }],
    options: [file, timeout, noWait],
    exitCodes: [1, 2, 4, 5],
    examples: [['eudaemon scale web=3', 'run three instances of web']],
  },
  {
    name: 'status',
    summary: 'Show what runs.',
    about: [
      'In the folder of a project only that project, elsewhere all of them. Exit status 0 when ' +
        'everything asked for is up, else 3.',
    ],
    arguments: [services],
    options: [file, all, json],
    exitCodes: [3, 4, 5],
    examples: [['eudaemon status --json', 'the same for programs']],
  },
  {
    name: 'logs',
    summary: 'Print the logs of services, merged by time.',
    about: ['Reads the log files themselves: works without a supervisor too.'],
    arguments: [services],
    options: [
      { name: 'follow', short: 'f', doc: 'Go on with what comes.' },
      { name: 'file', value: 'FILE', kind: 'file', doc: file.doc },
      all,
      { name: 'lines', short: 'n', value: 'N', kind: 'number', doc: 'Only the last N lines.' },
      {
        name: 'since',
        value: 'TIME',
        kind: 'text',
        doc: 'From this time on: 10min (ago), 14:30, 2026-01-31T14:30:00Z.',
      },
      { name: 'until', value: 'TIME', kind: 'text', doc: 'Up to this time.' },
      {
        name: 'stream',
        value: 'STREAM',
        choices: ['stdout', 'stderr'],
        doc: 'Only standard output (stdout) or standard error (stderr).',
      },
      {
        name: 'grep',
        value: 'PATTERN',
        kind: 'text',
        doc: 'Only lines that match this regular expression.',
      },
      { name: 'timestamps', doc: 'Print when each line was written.' },
      json,
    ],
    exitCodes: [4, 5],
    examples: [
      ['eudaemon logs -f web', 'follow the log of web'],
      ['eudaemon logs --since 1h --stream stderr', 'what went to standard error in the last hour'],
    ],
  },
  {
    name: 'events',
    summary: 'Follow what happens to services.',
    about: ['First the recent past, then everything from now on.'],
    arguments: [],
    options: [
      file,
      all,
      { name: 'no-follow', doc: 'Only the recent past.' },
      {
        name: 'since',
        value: 'SEQUENCE',
        kind: 'number',
        doc: 'Only events after this sequence number.',
      },
      json,
    ],
    exitCodes: [5],
    examples: [['eudaemon events --json', 'one JSON object a line']],
  },
  {
    name: 'wait',
    summary: 'Wait until services are ready, or down.',
    about: ['Fails as soon as one of them cannot get there any more.'],
    arguments: [services],
    options: [
      file,
      all,
      {
        name: 'for',
        value: 'GOAL',
        choices: ['ready', 'down'],
        doc: 'What to wait for: ready (the default) or down.',
      },
      timeout,
    ],
    exitCodes: [1, 2, 4, 5],
    examples: [['eudaemon wait --for ready --timeout 30s web', 'wait for web']],
  },
  {
    name: 'check',
    summary: 'Check a definition and print every problem with its place.',
    about: ['Also looks whether commands, directories, users and files exist on this machine.'],
    arguments: [{ name: 'FILE', kind: 'file', min: 0, max: 1 }],
    options: [file, json],
    exitCodes: [5],
    examples: [['eudaemon check eudaemon.toml', 'check this file']],
  },
  {
    name: 'plan',
    summary: 'Show what `up` would change.',
    about: ['Compares the definition on disk with the one that runs. Changes nothing.'],
    arguments: [],
    options: [file, json],
    exitCodes: [5],
    examples: [['eudaemon plan', 'what has changed in this folder']],
  },
  {
    name: 'why',
    summary: 'Explain why a service is in its state.',
    about: ['The chain of causes, how it last ended, its last lines, and what comes next.'],
    arguments: [{ ...services, min: 1, max: 1 }],
    options: [file, all, json],
    exitCodes: [4, 5],
    examples: [['eudaemon why web', 'why is web not up?']],
  },
  {
    name: 'supervise',
    summary: 'Run the supervisor in the foreground.',
    about: [
      'For an init, or as the first process of a container. SIGTERM stops all services in order.',
    ],
    arguments: [],
    options: [file, { name: 'on-demand', doc: 'End when the last project is gone.' }],
    exitCodes: [1, 5],
    examples: [['eudaemon supervise -f eudaemon.toml', 'run a project under an init']],
  },
  {
    name: 'doctor',
    summary: 'Check the machine, the directories and the supervisor.',
    about: ['Each finding is ok, warn or fail; what is not ok says what to do.'],
    arguments: [],
    options: [json],
    exitCodes: [1],
    examples: [['eudaemon doctor', 'is everything as it should be?']],
  },
  {
    name: 'completion',
    summary: 'Print the completion script of a shell.',
    about: ['Evaluate it in the start-up file of the shell.'],
    arguments: [{ name: 'SHELL', kind: 'shell', choices: ['bash', 'zsh', 'fish'], min: 1, max: 1 }],
    options: [],
    exitCodes: [],
    examples: [['eval "$(eudaemon completion bash)"', 'in ~/.bashrc']],
  },
  {
    name: 'help',
    summary: 'Show help for a command.',
    about: [],
    arguments: [{ name: 'COMMAND', kind: 'text', min: 0, max: 1 }],
    options: [],
    exitCodes: [],
    examples: [['eudaemon help up', 'what `up` can do']],
  },
]

/** Undefined for a name that is no command. */
export function findCommand(name: string): CommandSpec | undefined {
  return commands.find((command) => command.name === name)
}

// THE table of settings of eudaemon.toml. From it come the known keys of the reader, the JSON
// Schema, the reference page and the suggestions for misspelled keys. A new setting starts here.

import { type FieldTypeName, fieldTypes } from './field-types.ts'
import type { ServiceDefinition } from './service-definition.ts'

export interface FieldRow {
  /** Kebab-case; a dot for a key inside of a table: `ready.http`. */
  readonly key: string
  readonly type: FieldTypeName
  /** TOML when it begins with a backtick, else words. */
  readonly default: string
  readonly doc: string
  /** A line of TOML as it stands under `[services.NAME]` (or at the top, for project fields). */
  readonly example: string
}

type Row = readonly [
  key: string,
  type: FieldTypeName,
  byDefault: string,
  doc: string,
  example: string,
]

const toRow = ([key, type, byDefault, doc, example]: Row): FieldRow => ({
  key,
  type,
  default: byDefault,
  doc,
  example,
})

const projectRows: readonly Row[] = [
  [
    'name',
    'name',
    'the name of the folder',
    'The name of the project; `shop` in `shop/web@1`.',
    'name = "shop"',
  ],
  [
    'env',
    'environment',
    'empty',
    'Variables for all services; the same name in a service wins.',
    'env = { NODE_ENV = "production" }',
  ],
  [
    'env-file',
    'path-list',
    'none',
    'Env files for all services, read before those of a service.',
    'env-file = "?.env"',
  ],
  [
    'log',
    'table',
    'see log.* of a service',
    'Log settings for all services; a service wins key by key.',
    'log = { max-size = "5M" }',
  ],
  [
    'services',
    'services',
    'none; required',
    'One table a service: `[services.NAME]`.',
    'services.web.command = "node server.js"',
  ],
]

const basicRows: readonly Row[] = [
  [
    'command',
    'command',
    'none; required',
    'What is run: a list of words is executed as it is, text is run by `/bin/sh -c`.',
    'command = ["node", "server.js"]',
  ],
  [
    'kind',
    'kind',
    '`"longrun"`',
    'A longrun stays; a oneshot does its work and ends, and is up when it has ended with success.',
    'kind = "oneshot"',
  ],
  ['description', 'text', 'none', 'A line for people.', 'description = "The shop front"'],
  [
    'directory',
    'path',
    'the folder of the file',
    'Working directory, as seen from that folder.',
    'directory = "app"',
  ],
  [
    'env',
    'environment',
    'empty',
    'Variables; they win over env files. Values are never expanded.',
    'env = { PORT = 8080 }',
  ],
  [
    'env-file',
    'path-list',
    'none',
    'Files of KEY=VALUE lines, read at each start. A missing file fails the start, unless "?" ' +
      'stands in front of its path. The later file wins.',
    'env-file = [".env", "?.env.local"]',
  ],
  [
    'user',
    'text',
    'the user of the supervisor',
    'Name or number; needs root.',
    'user = "www-data"',
  ],
  [
    'group',
    'text',
    'the primary group of the user',
    'Name or number; needs root.',
    'group = "www-data"',
  ],
  [
    'groups',
    'group-list',
    'the groups of the user',
    "Supplementary groups instead of the user's.",
    'groups = ["ssl-cert"]',
  ],
  [
    'umask',
    'umask',
    'the mask of the supervisor',
    'Permissions that new files do not get, octal.',
    'umask = "027"',
  ],
  [
    'nice',
    'nice',
    'that of the supervisor',
    'CPU priority: 19 is the most modest; below 0 needs root.',
    'nice = 5',
  ],
  [
    'instances',
    'instances',
    '`1`',
    'So many copies: `web@1`, `web@2`; each knows its number as $EUDAEMON_INSTANCE.',
    'instances = 2',
  ],
  [
    'start',
    'start',
    '`"auto"`',
    'Auto: started by `up`. Manual: only by `start`, or because another service needs it.',
    'start = "manual"',
  ],
  [
    'requires',
    'name-list',
    '`[]`',
    'Services that must be up before this one starts; when one of them stops, so does this one.',
    'requires = ["db"]',
  ],
  [
    'wants',
    'name-list',
    '`[]`',
    'Services that are started too; this one waits until they are up or have failed.',
    'wants = ["cache"]',
  ],
  [
    'after',
    'name-list',
    '`[]`',
    'Order only: if these are started as well, they come first.',
    'after = ["migrate"]',
  ],
  [
    'before',
    'name-list',
    '`[]`',
    'Order only: if these are started as well, they come later.',
    'before = ["web"]',
  ],
]

const limitDocs: readonly (readonly [string, string, string])[] = [
  ['as', 'Address space, bytes.', '"2G"'],
  ['core', 'Size of a core dump, bytes.', '0'],
  ['cpu', 'CPU time, seconds; then SIGXCPU.', '3600'],
  ['data', 'Data segment, bytes.', '"1G"'],
  ['fsize', 'Largest file that may be written, bytes.', '"10G"'],
  ['memlock', 'Locked memory, bytes.', '"64M"'],
  ['msgqueue', 'POSIX message queues, bytes.', '819200'],
  ['nofile', 'Open descriptors.', '65536'],
  ['nproc', 'Processes of the user.', '{ soft = 512, hard = 1024 }'],
  ['rss', 'Resident memory; Linux ignores it.', '"1G"'],
  ['rtprio', 'Highest real-time priority.', '10'],
  ['sigpending', 'Queued signals.', '1024'],
  ['stack', 'Stack, bytes.', '"8M"'],
]

const limitRows: readonly Row[] = [
  [
    'limits',
    'table',
    'those of the supervisor',
    'Resource limits, see getrlimit(2).',
    'limits = { nofile = 65536 }',
  ],
  ...limitDocs.map(
    ([name, doc, example]): Row => [
      `limits.${name}`,
      'limit',
      name === 'nofile' ? 'that of whoever started the supervisor' : 'that of the supervisor',
      doc,
      `limits.${name} = ${example}`,
    ],
  ),
]

const probeRows: readonly Row[] = [
  [
    'ready',
    'readiness',
    '`"immediate"`',
    'How we learn that the service serves: exactly one of the ways below. What requires it waits.',
    'ready = { http = "http://127.0.0.1:8080/health" }',
  ],
  [
    'ready.immediate',
    'true',
    'the way when nothing is said',
    'Ready as soon as its process runs.',
    'ready = { immediate = true }',
  ],
  [
    'ready.delay',
    'duration',
    'none',
    'Ready when it has run for so long.',
    'ready = { delay = "2s" }',
  ],
  [
    'ready.http',
    'url',
    'none',
    'Ready when a GET of this URL is answered with a good status.',
    'ready = { http = "http://127.0.0.1:8080/health" }',
  ],
  [
    'ready.status',
    'status-range',
    '`"200-399"`',
    'Good statuses for `http`.',
    'ready = { http = "http://127.0.0.1:8080/", status = "200-204" }',
  ],
  [
    'ready.tcp',
    'tcp',
    'none',
    'Ready when this port takes a connection.',
    'ready = { tcp = 5432 }',
  ],
  [
    'ready.exec',
    'command',
    'none',
    'Ready when this command exits with 0.',
    'ready = { exec = ["pg_isready", "-q"] }',
  ],
  [
    'ready.log',
    'pattern',
    'none',
    'Ready when a line of its output matches.',
    'ready = { log = "listening on" }',
  ],
  [
    'ready.stream',
    'stream',
    '`"any"`',
    'Which output `log` watches.',
    'ready = { log = "ready", stream = "stderr" }',
  ],
  [
    'ready.notify-fd',
    'fd',
    'none',
    'Ready when the service writes a newline to this descriptor.',
    'ready = { notify-fd = 3 }',
  ],
  [
    'ready.timeout',
    'duration-or-infinity',
    '`"30s"`',
    'Not ready after this long: the start has failed and the process is stopped.',
    'ready = { tcp = 5432, timeout = "2min" }',
  ],
  [
    'ready.interval',
    'duration',
    '`"250ms"`',
    'Between two attempts of `http`, `tcp` and `exec`.',
    'ready = { tcp = 5432, interval = "1s" }',
  ],
  [
    'ready.attempt-timeout',
    'duration',
    '`"5s"`',
    'An attempt that takes longer has failed.',
    'ready = { tcp = 5432, attempt-timeout = "1s" }',
  ],
  [
    'live',
    'table',
    'none',
    'How we learn that a service which was ready hangs; then it is stopped and restarted.',
    'live = { tcp = 8080 }',
  ],
  [
    'live.http',
    'url',
    'none',
    'Alive when a GET of this URL is answered with a good status.',
    'live = { http = "http://127.0.0.1:8080/health" }',
  ],
  [
    'live.status',
    'status-range',
    '`"200-399"`',
    'Good statuses for `http`.',
    'live = { http = "http://127.0.0.1:8080/", status = 204 }',
  ],
  [
    'live.tcp',
    'tcp',
    'none',
    'Alive when this port takes a connection.',
    'live = { tcp = "127.0.0.1:8080" }',
  ],
  [
    'live.exec',
    'command',
    'none',
    'Alive when this command exits with 0.',
    'live = { exec = "redis-cli ping" }',
  ],
  [
    'live.interval',
    'duration',
    '`"10s"`',
    'Between two attempts.',
    'live = { tcp = 8080, interval = "30s" }',
  ],
  [
    'live.attempt-timeout',
    'duration',
    '`"5s"`',
    'An attempt that takes longer has failed.',
    'live = { tcp = 8080, attempt-timeout = "1s" }',
  ],
  [
    'live.failures',
    'count',
    '`3`',
    'So many failures in a row mean that it hangs.',
    'live = { tcp = 8080, failures = 5 }',
  ],
]

const lifeRows: readonly Row[] = [
  [
    'restart',
    'restart-policy',
    '`"always"`, a oneshot: never',
    'When it is started again after its end.',
    'restart = "on-failure"',
  ],
  [
    'restart.policy',
    'restart-policy',
    '`"always"`, a oneshot: never',
    'The same, inside the table.',
    'restart = { policy = "on-failure" }',
  ],
  [
    'restart.backoff',
    'backoff',
    '`"100ms..30s"`',
    'The first restart of a service that ran is immediate; then the pause doubles from the first ' +
      'time to the second.',
    'restart = { backoff = "1s..1min" }',
  ],
  [
    'restart.burst',
    'burst',
    '`"none"`',
    'More restarts than this within the time: it is `failed`.',
    'restart = { burst = "5/10s" }',
  ],
  [
    'restart.stable',
    'duration',
    '`"10s"`',
    'A run of this length makes the pauses small again.',
    'restart = { stable = "1min" }',
  ],
  [
    'restart.success-codes',
    'exit-codes',
    '`[]`',
    'Exit statuses that are no failure, besides 0.',
    'restart = { success-codes = [143] }',
  ],
  [
    'stop',
    'table',
    'see below',
    'How it is stopped.',
    'stop = { signal = "INT", timeout = "1min" }',
  ],
  [
    'stop.signal',
    'signal',
    '`"TERM"`',
    'The signal that asks it to end.',
    'stop = { signal = "INT" }',
  ],
  [
    'stop.timeout',
    'duration-or-infinity',
    '`"10s"`',
    'Then SIGKILL.',
    'stop = { timeout = "1min" }',
  ],
  [
    'stop.kill',
    'kill-mode',
    '`"cgroup"`',
    'Who gets the signal: `cgroup` every process of the service, `group` its process group, ' +
      '`mixed` the main process and SIGKILL for the rest, `process` the main process only.',
    'stop = { kill = "mixed" }',
  ],
  [
    'stop.command',
    'command',
    'none',
    'Run instead of sending the signal. When it fails, the signal is sent at once.',
    'stop = { command = ["nginx", "-s", "quit"] }',
  ],
  [
    'stop.command-grace',
    'grace',
    'that of stop.timeout',
    'How long the main process may take to end after the command has succeeded. Then it gets the ' +
      'signal, and the time-out once more until SIGKILL. `"none"` sends the signal at once, as ' +
      'systemd does after ExecStop.',
    'stop = { command = "./drain", command-grace = "1min" }',
  ],
  [
    'reload',
    'table',
    'none',
    'How it re-reads its configuration: `signal` or `command`.',
    'reload = { signal = "HUP" }',
  ],
  [
    'reload.signal',
    'signal',
    'none',
    'The signal sent to the main process.',
    'reload = { signal = "HUP" }',
  ],
  [
    'reload.command',
    'command',
    'none',
    'The command that is run.',
    'reload = { command = ["nginx", "-s", "reload"] }',
  ],
  [
    'setup',
    'command',
    'none',
    'Run before each start; when it fails, so does the start.',
    'setup = "mkdir -p cache"',
  ],
  [
    'setup.command',
    'command',
    'none',
    'The same, inside the table.',
    'setup = { command = "mkdir -p cache" }',
  ],
  [
    'setup.timeout',
    'duration-or-infinity',
    '`"60s"`',
    'Then it is killed and has failed.',
    'setup = { command = "mkdir -p cache", timeout = "5s" }',
  ],
  ['finish', 'command', 'none', 'Run after each end of the process.', 'finish = "rm -f app.sock"'],
  [
    'finish.command',
    'command',
    'none',
    'The same, inside the table.',
    'finish = { command = "rm -f app.sock" }',
  ],
  [
    'finish.timeout',
    'duration-or-infinity',
    '`"60s"`',
    'Then it is killed.',
    'finish = { command = "rm -f app.sock", timeout = "5s" }',
  ],
]

const logRows: readonly Row[] = [
  ['log', 'table', 'see below', 'How its output is kept.', 'log = { max-size = "50M", keep = 3 }'],
  [
    'log.max-size',
    'size',
    '`"10M"`',
    'A log file that is larger is rotated.',
    'log = { max-size = "50M" }',
  ],
  [
    'log.max-age',
    'duration-or-infinity',
    '`"infinity"`',
    'Rotated files older than this are removed.',
    'log = { max-age = "14d" }',
  ],
  ['log.keep', 'count-or-zero', '`10`', 'Rotated files that are kept.', 'log = { keep = 3 }'],
  [
    'log.compress',
    'compress',
    '`"zstd"`',
    'How rotated files are compressed.',
    'log = { compress = "none" }',
  ],
  [
    'log.timestamps',
    'timestamps',
    '`"index"`',
    'Index: the file is exactly what the program wrote, times stand beside it. Inline: times are ' +
      'written into the file.',
    'log = { timestamps = "inline" }',
  ],
]

export const projectFields: readonly FieldRow[] = projectRows.map(toRow)
export const serviceFields: readonly FieldRow[] = [
  ...basicRows,
  ...limitRows,
  ...probeRows,
  ...lifeRows,
  ...logRows,
].map(toRow)

/** The setting in which a part of the model is written. */
export const settingOfField: Readonly<Record<keyof ServiceDefinition, string>> = {
  name: 'name',
  description: 'description',
  kind: 'kind',
  command: 'command',
  directory: 'directory',
  environment: 'env',
  environmentFiles: 'env-file',
  instanceEnvironment: 'env',
  user: 'user',
  group: 'group',
  supplementaryGroups: 'groups',
  umask: 'umask',
  nice: 'nice',
  limits: 'limits',
  instances: 'instances',
  isStartedAtBoot: 'start',
  requires: 'requires',
  wants: 'wants',
  after: 'after',
  before: 'before',
  readiness: 'ready',
  liveness: 'live',
  restart: 'restart',
  stop: 'stop',
  reload: 'reload',
  setup: 'setup',
  finish: 'finish',
  log: 'log',
}

/** A place where keys may stand: the top of the file, a service, or a table inside of one. */
export type FieldScope = 'project' | 'service' | `service.${string}`

/** Key -> row for everything that may stand in a scope. */
export function fieldsOfScope(scope: FieldScope): ReadonlyMap<string, FieldRow> {
  let found = byScope.get(scope)
  if (found === undefined) {
    found = collectFields(scope)
    byScope.set(scope, found)
  }
  return found
}

const byScope = new Map<FieldScope, ReadonlyMap<string, FieldRow>>()

function collectFields(scope: FieldScope): ReadonlyMap<string, FieldRow> {
  const rows = scope === 'project' ? projectFields : serviceFields
  const prefix = scope.startsWith('service.') ? `${scope.slice('service.'.length)}.` : ''
  return new Map(
    rows
      .filter(({ key }) => key.startsWith(prefix) && !key.slice(prefix.length).includes('.'))
      .map((row) => [row.key.slice(prefix.length), row]),
  )
}

/** What a value of this setting must be, in words. */
export function describeType(row: FieldRow): string {
  return fieldTypes[row.type].words
}

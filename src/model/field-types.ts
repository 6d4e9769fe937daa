// The kinds of values a setting can have: the words for people, and the JSON Schema for editors.
// The parsers of the native format have the same names (formats/native/values.ts).

export interface FieldType {
  /** As it reads after "must be": `a duration such as "10s"`. */
  readonly words: string
  readonly schema: Readonly<Record<string, unknown>>
}

const text = { type: 'string' }
const textList = { type: 'array', items: text }
const commandSchema = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: text, minItems: 1 },
  ],
}
const scalar = { type: ['string', 'number', 'boolean'] }
const codes = { type: 'array', items: { type: 'integer', minimum: 0, maximum: 255 } }

export const fieldTypes = {
  text: { words: 'text', schema: { type: 'string', minLength: 1 } },
  name: {
    words: 'a name',
    schema: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' },
  },
  'name-list': { words: 'a list of service names', schema: { ...textList, uniqueItems: true } },
  'group-list': { words: 'a list of group names', schema: textList },
  command: { words: 'text (run by sh -c) or a list of words', schema: commandSchema },
  path: { words: 'a path', schema: { type: 'string', minLength: 1 } },
  'path-list': {
    words: 'a path or a list of paths; "?" in front: may be absent',
    schema: { anyOf: [text, textList] },
  },
  environment: {
    words: 'a table of names and values',
    schema: { type: 'object', additionalProperties: scalar },
  },
  duration: {
    words: 'a duration such as "250ms", "10s", "1min 30s"; a number is seconds',
    schema: { type: ['string', 'number'] },
  },
  'duration-or-infinity': {
    words: 'a duration such as "10s", or "infinity"',
    schema: { type: ['string', 'number'] },
  },
  grace: {
    words: 'a duration such as "10s", "infinity", or "none"',
    schema: { type: ['string', 'number'] },
  },
  size: { words: 'a size such as "512K", "10M"', schema: { type: ['string', 'integer'] } },
  signal: { words: 'a signal such as "TERM" or "SIGHUP"', schema: { type: ['string', 'integer'] } },
  umask: { words: 'octal digits in quotes', schema: { type: 'string', pattern: '^[0-7]{1,4}$' } },
  nice: {
    words: 'a number from -20 to 19',
    schema: { type: 'integer', minimum: -20, maximum: 19 },
  },
  limit: {
    words: 'a number, a size, "unlimited", or { soft, hard }',
    schema: {
      anyOf: [
        { type: ['string', 'integer'] },
        {
          type: 'object',
          properties: {
            soft: { type: ['string', 'integer'] },
            hard: { type: ['string', 'integer'] },
          },
          required: ['soft', 'hard'],
          additionalProperties: false,
        },
      ],
    },
  },
  instances: {
    words: 'a number from 1 to 1000',
    schema: { type: 'integer', minimum: 1, maximum: 1000 },
  },
  count: { words: 'a number, 1 or more', schema: { type: 'integer', minimum: 1 } },
  'count-or-zero': { words: 'a number, 0 or more', schema: { type: 'integer', minimum: 0 } },
  kind: { words: '"longrun" or "oneshot"', schema: { enum: ['longrun', 'oneshot'] } },
  start: { words: '"auto" or "manual"', schema: { enum: ['auto', 'manual'] } },
  readiness: { words: '"immediate" or a table', schema: { enum: ['immediate'] } },
  true: { words: 'true', schema: { enum: [true] } },
  url: { words: 'an http:// URL', schema: { type: 'string', pattern: '^http://' } },
  'status-range': {
    words: 'an HTTP status or a range of them, such as "200-399"',
    schema: { type: ['string', 'integer'] },
  },
  tcp: {
    words: 'a port on 127.0.0.1, or "host:port"',
    schema: { type: ['string', 'integer'] },
  },
  pattern: { words: 'a JavaScript regular expression', schema: { type: 'string', minLength: 1 } },
  stream: {
    words: '"stdout", "stderr" or "any"',
    schema: { enum: ['stdout', 'stderr', 'any'] },
  },
  fd: {
    words: 'a descriptor number from 3 to 255',
    schema: { type: 'integer', minimum: 3, maximum: 255 },
  },
  'restart-policy': {
    words: '"always", "on-failure" or "never"',
    schema: { enum: ['always', 'on-failure', 'never'] },
  },
  backoff: {
    words: 'a range of durations such as "100ms..30s", or one duration',
    schema: text,
  },
  burst: { words: 'restarts/time such as "5/10s", or "none"', schema: text },
  'exit-codes': { words: 'a list of numbers from 0 to 255', schema: codes },
  'kill-mode': {
    words: '"cgroup", "group", "mixed" or "process"',
    schema: { enum: ['cgroup', 'group', 'mixed', 'process'] },
  },
  compress: { words: '"zstd" or "none"', schema: { enum: ['zstd', 'none'] } },
  timestamps: { words: '"index" or "inline"', schema: { enum: ['index', 'inline'] } },
  table: { words: 'a table', schema: { type: 'object' } },
  services: { words: 'a table of services', schema: { type: 'object' } },
} as const satisfies Record<string, FieldType>

export type FieldTypeName = keyof typeof fieldTypes

// JSON Schemas of requests and answers, for the OpenAPI document. Each is checked against its type:
// a field that is added to the type and not described here does not compile.

import type { ApplyRequest, ScaleRequest, SignalRequest, WantRequest } from './request.ts'
import type {
  ApplyAnswer,
  ChangeAnswer,
  ErrorAnswer,
  EventRow,
  FeatureAnswer,
  PhaseName,
  StatusRow,
  SupervisorInfo,
  WantAnswer,
  WhyAnswer,
} from './response.ts'

export type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const number: Schema = { type: 'number' }
const whole: Schema = { type: 'integer' }
const truth: Schema = { type: 'boolean' }
const time: Schema = { type: 'string', format: 'date-time' }
const anything: Schema = { type: 'object' }
const textMap: Schema = { type: 'object', additionalProperties: text }
const numberMap: Schema = { type: 'object', additionalProperties: number }

function listOf(items: Schema): Schema {
  return { type: 'array', items }
}

function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] }
}

function oneOf(...words: readonly string[]): Schema {
  return { enum: words }
}

/** An object with exactly the fields of `Type`; all are required but those named. */
function objectOf<Type>(
  properties: { readonly [Name in keyof Required<Type>]: Schema },
  optional: readonly (keyof Type)[] = [],
): Schema {
  const isRequired = (name: string) => !(optional as readonly string[]).includes(name)
  return { type: 'object', properties, required: Object.keys(properties).filter(isRequired) }
}

const phaseNames: { readonly [Name in PhaseName]: true } = {
  down: true,
  waiting: true,
  setup: true,
  starting: true,
  up: true,
  reloading: true,
  stopping: true,
  killing: true,
  finish: true,
  backoff: true,
  failed: true,
}
const phase = oneOf(...Object.keys(phaseNames))
const exit: Schema = {
  oneOf: [
    { type: 'object', properties: { code: whole }, required: ['code'] },
    { type: 'object', properties: { signal: text }, required: ['signal'] },
    { type: 'object', properties: { unknown: { const: true } }, required: ['unknown'] },
  ],
}

const statusRow = objectOf<StatusRow>({
  project: text,
  service: text,
  instance: text,
  desired: oneOf('up', 'down'),
  phase,
  ready: truth,
  pid: orNull(whole),
  since: time,
  restarts: whole,
  exit: orNull(exit),
  reason: orNull(text),
  drift: truth,
})

const eventRow = objectOf<EventRow>(
  {
    sequence: whole,
    time,
    project: text,
    service: text,
    instance: text,
    from: phase,
    to: phase,
    reason: orNull(text),
    pid: orNull(whole),
  },
  ['pid'],
)

const wantAnswer = { instances: listOf(text), sequence: whole }

const change = objectOf<ChangeAnswer>({
  service: text,
  change: oneOf('added', 'removed', 'restart', 'live', 'scaled'),
  settings: listOf(text),
})

const feature = objectOf<FeatureAnswer>({ name: text, isPresent: truth, detail: text })

export const schemas = {
  Empty: { type: 'object' },
  LogItem: {
    type: 'object',
    properties: {
      kind: oneOf('line', 'gap'),
      project: text,
      instance: text,
      timeUs: whole,
      stream: oneOf('stdout', 'stderr'),
      text,
      isPartial: truth,
      bytes: orNull(whole),
    },
    required: ['kind', 'project', 'instance', 'timeUs'],
  },
  StatusRow: statusRow,
  StatusRows: listOf(statusRow),
  EventRow: eventRow,
  WantAnswer: objectOf<WantAnswer>(wantAnswer),
  ApplyAnswer: objectOf<ApplyAnswer>({ ...wantAnswer, changes: listOf(change) }),
  SupervisorInfo: objectOf<SupervisorInfo>({
    pid: whole,
    guardian: orNull(whole),
    version: text,
    protocol: whole,
    mode: oneOf('normal', 'hold'),
    holdReason: orNull(text),
    startedAt: time,
    home: text,
    projects: listOf(objectOf<SupervisorInfo['projects'][number]>({ name: text, file: text })),
    counters: numberMap,
    problems: listOf(text),
    features: listOf(feature),
  }),
  WhyAnswer: objectOf<WhyAnswer>({
    status: statusRow,
    transitions: listOf(eventRow),
    blockedBy: listOf(
      objectOf<WhyAnswer['blockedBy'][number]>({ instance: text, phase, reason: orNull(text) }),
    ),
    lastExit: orNull(objectOf<NonNullable<WhyAnswer['lastExit']>>({ exit, at: time })),
    log: objectOf<WhyAnswer['log']>({ droppedBytes: whole }),
    next: orNull(text),
  }),
  WantRequest: objectOf<WantRequest>(
    {
      verb: oneOf('up', 'down', 'restart', 'reload'),
      project: orNull(text),
      services: listOf(text),
      force: truth,
    },
    ['project', 'services', 'force'],
  ),
  SignalRequest: objectOf<SignalRequest>(
    { signal: { type: ['string', 'integer'] }, project: orNull(text), services: listOf(text) },
    ['project', 'services'],
  ),
  ScaleRequest: objectOf<ScaleRequest>({ project: text, service: text, count: whole }),
  ApplyRequest: objectOf<ApplyRequest>(
    { definition: anything, services: orNull(listOf(text)), environment: textMap },
    ['services', 'environment'],
  ),
  ProjectDefinition: anything,
  ErrorAnswer: objectOf<ErrorAnswer>({
    error: objectOf<ErrorAnswer['error']>(
      { code: text, message: text, hint: orNull(text), diagnostics: listOf(anything) },
      ['diagnostics'],
    ),
  }),
} as const satisfies Record<string, Schema>

export type SchemaName = keyof typeof schemas

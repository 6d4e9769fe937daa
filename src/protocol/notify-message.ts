// The datagrams of sd_notify(3): lines of KEY=value that a program sends to whoever started it.
// Both directions; nothing here sends, receives, or knows who the sender was. What comes from a
// program may be anything: it never throws, what is wrong is left out and told as a problem, and
// a key that is not known is kept as it is.

import { MAX_FD_NAME_LENGTH, MAX_NOTIFY_MESSAGE_BYTES } from '../base/limits.ts'

/** What a message may say. A flag is true or missing. Times are in microseconds. */
export interface NotifyFields {
  readonly ready?: true
  readonly reloading?: true
  readonly stopping?: true
  /** When the message was made, on the monotonic clock; belongs to `reloading`. */
  readonly monotonicUsec?: number
  /** One line for people, any characters but the newline: escape it where it is shown. */
  readonly status?: string
  readonly notifyAccess?: 'none' | 'main' | 'exec' | 'all'
  readonly errno?: number
  readonly busError?: string
  readonly varlinkError?: string
  readonly exitStatus?: number
  readonly mainPid?: number
  /** The inode of the pidfd of `mainPid`, in decimal: it has 64 bits. */
  readonly mainPidfdId?: string
  /** The one descriptor of this message is a pidfd of the new main process. */
  readonly mainPidfd?: true
  readonly watchdog?: 'keep-alive' | 'trigger'
  /** 0 turns the watchdog off. */
  readonly watchdogUsec?: number
  readonly extendTimeoutUsec?: number
  readonly restartReset?: true
  readonly fdStore?: true
  readonly fdStoreRemove?: true
  readonly fdName?: string
  /** The stored descriptor is not to be dropped when it reports an error or its end. */
  readonly fdPoll?: false
  /** The sender waits until the one descriptor of this message is closed. */
  readonly barrier?: true
}

/** A line whose key is not known here. */
export interface NotifyAssignment {
  readonly key: string
  readonly value: string
}

/** What was wrong: with the whole message (`key` null), or with the line of a key. */
export interface NotifyProblem {
  readonly kind: 'empty' | 'too-long' | 'nul' | 'no-key' | 'not-utf8' | 'bad-value' | 'repeated'
  readonly key: string | null
}

export interface NotifyMessage {
  readonly fields: NotifyFields
  readonly other: readonly NotifyAssignment[]
  readonly problems: readonly NotifyProblem[]
}

/** Gives null for bytes that are not UTF-8. */
export type DecodeUtf8 = (bytes: Uint8Array) => string | null

type FieldName = keyof NotifyFields

interface Field {
  readonly name: FieldName
  /** Undefined for a value that the field cannot have. */
  readonly parse: (text: string) => NotifyFields[FieldName]
}

const MAX_PID = 0x7fff_ffff
const MAX_ERRNO = 4_095
/** The largest number of 64 bits stands for "for ever" (systemd's USEC_INFINITY). */
const MAX_UINT64 = 18_446_744_073_709_551_615n

const flag = (text: string): true | undefined => (text === '1' ? true : undefined)
const line = (text: string): string => text

function integerUpTo(max: number, min = 0): (text: string) => number | undefined {
  return (text) => {
    const value = /^\d{1,20}$/.test(text) ? Number(text) : -1
    return value >= min && value <= max ? value : undefined
  }
}

/** What does not fit into a safe integer, 285 years, is as good as for ever. */
function usec(text: string): number | undefined {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > MAX_UINT64) return undefined
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

function pidfdId(text: string): string | undefined {
  return /^[1-9]\d{0,19}$/.test(text) && BigInt(text) <= MAX_UINT64 ? text : undefined
}

/** True for what sd_notify(3) allows as FDNAME: printable ASCII but the colon. */
export function isFdName(text: string): boolean {
  return text.length <= MAX_FD_NAME_LENGTH && /^[ -9;-~]+$/.test(text)
}

const watchdogWords = { 1: 'keep-alive', trigger: 'trigger' } as const
const accessWords = { none: 'none', main: 'main', exec: 'exec', all: 'all' } as const

function wordOf<T>(words: Readonly<Record<string, T>>): (text: string) => T | undefined {
  return (text) => (Object.hasOwn(words, text) ? words[text] : undefined)
}

/** Every key of sd_notify(3) as of systemd 258. */
const fieldsByKey: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['READY', { name: 'ready', parse: flag }],
  ['RELOADING', { name: 'reloading', parse: flag }],
  ['STOPPING', { name: 'stopping', parse: flag }],
  ['MONOTONIC_USEC', { name: 'monotonicUsec', parse: usec }],
  ['STATUS', { name: 'status', parse: line }],
  ['NOTIFYACCESS', { name: 'notifyAccess', parse: wordOf(accessWords) }],
  ['ERRNO', { name: 'errno', parse: integerUpTo(MAX_ERRNO) }],
  ['BUSERROR', { name: 'busError', parse: line }],
  ['VARLINKERROR', { name: 'varlinkError', parse: line }],
  ['EXIT_STATUS', { name: 'exitStatus', parse: integerUpTo(255) }],
  ['MAINPID', { name: 'mainPid', parse: integerUpTo(MAX_PID, 1) }],
  ['MAINPIDFDID', { name: 'mainPidfdId', parse: pidfdId }],
  ['MAINPIDFD', { name: 'mainPidfd', parse: flag }],
  ['WATCHDOG', { name: 'watchdog', parse: wordOf(watchdogWords) }],
  ['WATCHDOG_USEC', { name: 'watchdogUsec', parse: usec }],
  ['EXTEND_TIMEOUT_USEC', { name: 'extendTimeoutUsec', parse: usec }],
  ['RESTART_RESET', { name: 'restartReset', parse: flag }],
  ['FDSTORE', { name: 'fdStore', parse: flag }],
  ['FDSTOREREMOVE', { name: 'fdStoreRemove', parse: flag }],
  ['FDNAME', { name: 'fdName', parse: (text) => (isFdName(text) ? text : undefined) }],
  ['FDPOLL', { name: 'fdPoll', parse: (text) => (text === '0' ? false : undefined) }],
  ['BARRIER', { name: 'barrier', parse: flag }],
])

const NEWLINE = 10
const EQUALS = 61

/**
 * Reads one datagram. A NUL at its end is forgiven, one inside makes the message void, as does a
 * length beyond MAX_NOTIFY_MESSAGE_BYTES. Of a key that comes twice the first value counts.
 */
export function parseNotifyMessage(bytes: Uint8Array, decode: DecodeUtf8): NotifyMessage {
  const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length
  if (end > MAX_NOTIFY_MESSAGE_BYTES) return voidMessage('too-long')
  const text = bytes.subarray(0, end)
  if (text.includes(0)) return voidMessage('nul')
  const fields: Partial<Record<FieldName, NotifyFields[FieldName]>> = {}
  const other: NotifyAssignment[] = []
  const problems: NotifyProblem[] = []
  for (let at = 0; at < end; ) {
    const newline = text.indexOf(NEWLINE, at)
    const until = newline === -1 ? end : newline
    if (until > at) readLine(text.subarray(at, until))
    at = until + 1
  }
  const isEmpty = problems.length + other.length + Object.keys(fields).length === 0
  if (isEmpty) return voidMessage('empty')
  return { fields: fields as NotifyFields, other, problems }

  function readLine(bytesOfLine: Uint8Array): void {
    const equals = bytesOfLine.indexOf(EQUALS)
    const key = decode(bytesOfLine.subarray(0, Math.max(0, equals))) ?? ''
    if (!/^\w+$/.test(key)) {
      problems.push({ kind: 'no-key', key: null })
      return
    }
    const value = decode(bytesOfLine.subarray(equals + 1))
    if (value === null) {
      problems.push({ kind: 'not-utf8', key })
      return
    }
    const field = fieldsByKey.get(key)
    if (field === undefined) {
      other.push({ key, value })
      return
    }
    const parsed = field.parse(value)
    if (parsed === undefined) problems.push({ kind: 'bad-value', key })
    else if (Object.hasOwn(fields, field.name)) problems.push({ kind: 'repeated', key })
    else fields[field.name] = parsed
  }
}

function voidMessage(kind: NotifyProblem['kind']): NotifyMessage {
  return { fields: {}, other: [], problems: [{ kind, key: null }] }
}

/**
 * The text of one datagram. A line has no room for a newline or a NUL: in a value each becomes a
 * space. The caller sees to the length.
 */
export function printNotifyMessage(
  fields: NotifyFields,
  other: readonly NotifyAssignment[] = [],
): string {
  const known = [...fieldsByKey].flatMap(([key, { name }]) => {
    const value = fields[name]
    if (value === undefined) return []
    return [`${key}=${name === 'watchdog' && value === 'keep-alive' ? 1 : printValue(value)}`]
  })
  const rest = other.map(({ key, value }) => `${key}=${printValue(value)}`)
  return [...known, ...rest].join('\n')
}

function printValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  return String(value).replace(/[\n\0]/g, ' ')
}

// What a PID file says: the number on its first line, and on a second line who that was, so that
// the number need not be trusted. The second line is allowed by the Filesystem Hierarchy Standard
// 3.0 (3.15: readers ignore additional lines). Reading the file is in pid-file-open.ts.

import type { Fd, Pid } from '../base/brands.ts'
import { toPid } from '../base/brands.ts'
import { MAX_PID_FILE_BYTES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd } from '../kernel/fd.ts'
import { hasEnded, openPidfd, pidfsInode } from '../kernel/pidfd.ts'
import { bootId, pidNamespace, showsOurNumbers, startTime } from '../kernel/procfs.ts'

/** One process for ever: a number alone is given to another process after its end. */
export interface ProcessIdentity {
  readonly pid: Pid
  /** Clock ticks after boot; null when /proc does not show it. */
  readonly startTime: number | null
  readonly bootId: string
  /** The PID namespace in which the number is meant (the inode of /proc/self/ns/pid). */
  readonly namespace: number
  /** In decimal; null before Linux 6.9. Where it is known it alone decides. */
  readonly pidfsInode: string | null
}

/** The version of a file: inode and time of its last change, as they stand in a side record. */
export type FileVersion = string

export type PidRecord =
  /** Nothing was written, or only blanks and NUL bytes: a start that never came to its end. */
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'identity'
      readonly identity: ProcessIdentity
      readonly file: FileVersion | null
    }
  /** Only a number, as every other program writes it. */
  | { readonly kind: 'number'; readonly pid: Pid }
  | { readonly kind: 'garbage'; readonly why: string }

const MARK = 'eudaemon:'
/** The largest number that Linux ever gives (PID_MAX_LIMIT, proc(5)). */
const LARGEST_PID = 4_194_304

/** Null when there is no such process, or only a dead one that nobody has waited for. */
export function identityOf(pid: Pid): ProcessIdentity | null {
  const pidfd = openPidfd(pid)
  if (pidfd === null) return null
  try {
    return identityOfPidfd(pid, pidfd)
  } finally {
    closeFd(pidfd)
  }
}

/** The same for a process that is open. What /proc says about the number is only believed because
 *  the process behind the descriptor still lives afterwards. */
export function identityOfPidfd(pid: Pid, pidfd: Fd): ProcessIdentity | null {
  const identity = {
    pid,
    startTime: showsOurNumbers() ? startTime(pid) : null,
    bootId: bootId(),
    namespace: pidNamespace(),
    pidfsInode: pidfsInode(pidfd),
  }
  if (hasEnded(pidfd)) return null
  if (identity.startTime === null && identity.pidfsInode === null) {
    const hint = 'Mount /proc for this PID namespace, without hidepid.'
    const message = `process ${pid} cannot be told from a later one: /proc does not show it`
    throw new ToolkitError('ERR_KERNEL_UNSUPPORTED', message, { hint })
  }
  return identity
}

/** Null when it cannot be told. Both must be of this boot and of one PID namespace. */
export function isSameProcess(recorded: ProcessIdentity, found: ProcessIdentity): boolean | null {
  if (recorded.pid !== found.pid) return false
  if (recorded.pidfsInode !== null && found.pidfsInode !== null) {
    return recorded.pidfsInode === found.pidfsInode
  }
  if (recorded.startTime !== null && found.startTime !== null) {
    return recorded.startTime === found.startTime
  }
  return null
}

/** The number that a file names; null when it names none. */
export function pidOf(record: PidRecord): Pid | null {
  if (record.kind === 'identity') return record.identity.pid
  return record.kind === 'number' ? record.pid : null
}

/** The text of a PID file; of a side record with the version of the file that it is about. */
export function printPidRecord(identity: ProcessIdentity, file: FileVersion | null = null): string {
  const fields = [
    `boot=${identity.bootId}`,
    `namespace=${identity.namespace}`,
    ...(identity.startTime === null ? [] : [`start=${identity.startTime}`]),
    ...(identity.pidfsInode === null ? [] : [`pidfs=${identity.pidfsInode}`]),
    ...(file === null ? [] : [`file=${file}`]),
  ]
  return `${identity.pid}\n${MARK} ${fields.join(' ')}\n`
}

/** Reads the bytes of a PID file; never throws. More than MAX_PID_FILE_BYTES is no PID file. */
export function parsePidRecord(bytes: Buffer): PidRecord {
  if (bytes.length > MAX_PID_FILE_BYTES) {
    return garbage(`it has more than ${MAX_PID_FILE_BYTES} bytes`)
  }
  const text = bytes.toString('latin1')
  if (/^[\s\0]*$/.test(text)) return { kind: 'empty' }
  const [first = '', second = ''] = text.split('\n', 2)
  const digits = /^[ \t]*0*([1-9]\d{0,9})[ \t\r]*$/.exec(first)?.[1]
  if (digits === undefined) return garbage('its first line is not a process number')
  const pid = Number(digits)
  if (pid > LARGEST_PID) return garbage(`there is no process number ${pid}`)
  return parseIdentity(toPid(pid), second) ?? { kind: 'number', pid: toPid(pid) }
}

function parseIdentity(pid: Pid, line: string): PidRecord | null {
  const [mark, ...words] = line.trimEnd().split(' ')
  if (mark !== MARK) return null
  const fields = new Map(words.map((word) => splitOnce(word)))
  const boot = fields.get('boot')
  const namespace = wholeNumber(fields.get('namespace'))
  const start = wholeNumber(fields.get('start'))
  const inode = fields.get('pidfs')
  const pidfs = inode !== undefined && /^\d{1,20}$/.test(inode) ? inode : null
  // A damaged line proves nothing: then only the number is left.
  if (boot === undefined || namespace === null || (start === null && pidfs === null)) return null
  return {
    kind: 'identity',
    identity: { pid, startTime: start, bootId: boot, namespace, pidfsInode: pidfs },
    file: fields.get('file') ?? null,
  }
}

function splitOnce(word: string): [string, string] {
  const equals = word.indexOf('=')
  return equals === -1 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)]
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null
}

const garbage = (why: string): PidRecord => ({ kind: 'garbage', why })

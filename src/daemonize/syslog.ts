// Lines to the syslog daemon of this machine, as syslog(3) sends them: RFC 3164 without a host
// name, a datagram to /dev/log, or a record of a stream where the daemon listens for streams.
// Nothing waits: what the daemon does not take at once is counted and dropped.

import type { Fd } from '../base/brands.ts'
import { MAX_SYSLOG_TAG_LENGTH, MAX_SYSLOG_TEXT_BYTES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd } from '../kernel/fd.ts'
import { sendMessage } from '../kernel/socket-message.ts'
import { isErrno, KernelError } from '../kernel/syscall-error.ts'
import { connectUnix } from '../kernel/unix-address.ts'

/** Severities, by number, as RFC 3164 counts them. */
const severities = {
  ...{ emerg: 0, alert: 1, crit: 2, err: 3, warning: 4, notice: 5, info: 6, debug: 7 },
} as const

const facilities = {
  ...{ kern: 0, user: 1, mail: 2, daemon: 3, auth: 4, syslog: 5, lpr: 6, news: 7, uucp: 8 },
  ...{ cron: 9, authpriv: 10, ftp: 11, local0: 16, local1: 17, local2: 18, local3: 19 },
  ...{ local4: 20, local5: 21, local6: 22, local7: 23 },
} as const

export type SyslogSeverity = keyof typeof severities
export type SyslogFacility = keyof typeof facilities

/** For `--syslog daemon`: undefined when it is no facility. */
export function parseFacility(word: string): SyslogFacility | undefined {
  return Object.hasOwn(facilities, word) ? (word as SyslogFacility) : undefined
}

export interface SyslogOptions {
  readonly facility: SyslogFacility
  /** Usually the name of the program. */
  readonly tag: string
  /** Printed behind the tag; null: no number. */
  readonly pid: number | null
  /** `/dev/log`, unless a test has its own. */
  readonly path?: string
}

export interface Syslog {
  /** Each line of the text is a line of the log. False when one could not be delivered. */
  write(severity: SyslogSeverity, text: string): boolean
  /** Lines that the daemon did not take. */
  readonly droppedLines: number
  close(): void
}

const DEFAULT_PATH = '/dev/log'
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

interface Connection {
  readonly fd: Fd
  readonly isStream: boolean
}

/** Connects to the daemon. Throws ERR_NO_SYSLOG when there is none. */
export function openSyslog(options: SyslogOptions): Syslog {
  const { facility, path = DEFAULT_PATH } = options
  const tag = safeTag(options)
  let connection: Connection | null = connectSyslog(path)
  let droppedLines = 0

  function deliver(line: string): boolean {
    for (const attempt of ['first', 'second']) {
      try {
        connection ??= connectSyslog(path)
        const { fd, isStream } = connection
        // On a stream a NUL ends the record, as syslog(3) has it.
        return sendMessage(fd, Buffer.from(isStream ? `${line}\0` : line), {}) === 'sent'
      } catch (error) {
        if (!(error instanceof KernelError || error instanceof ToolkitError)) throw error
        // The daemon was restarted: its successor listens at the same path.
        disconnect()
        if (attempt === 'second') return false
      }
    }
    return false
  }

  function disconnect(): void {
    if (connection !== null) closeFd(connection.fd)
    connection = null
  }

  return {
    write: (severity, text) => {
      const head = `<${facilities[facility] * 8 + severities[severity]}>${printTime(new Date())} `
      let isDelivered = true
      for (const line of linesOf(text)) {
        if (deliver(head + tag + line)) continue
        droppedLines += 1
        isDelivered = false
      }
      return isDelivered
    },
    get droppedLines() {
      return droppedLines
    },
    close: disconnect,
  }
}

function connectSyslog(path: string): Connection {
  try {
    return { fd: connectUnix(path, 'datagram'), isStream: false }
  } catch (error) {
    if (!isErrno(error, 'EPROTOTYPE')) throw noSyslog(path, error)
  }
  try {
    return { fd: connectUnix(path, 'stream'), isStream: true }
  } catch (error) {
    throw noSyslog(path, error)
  }
}

function noSyslog(path: string, cause: unknown): unknown {
  if (!(cause instanceof KernelError)) return cause
  const why =
    cause.errnoName === 'ENOENT'
      ? `there is no ${path}`
      : `nobody answers at ${path} (${cause.errnoName})`
  return new ToolkitError('ERR_NO_SYSLOG', `cannot write to syslog: ${why}`, {
    cause,
    context: { path, errno: cause.errnoName },
    hint: 'Start a syslog daemon (rsyslogd, syslog-ng, systemd-journald), or log to a file.',
  })
}

/** The characters that end a tag, and what a terminal obeys, are left out of it. */
function safeTag({ tag, pid }: SyslogOptions): string {
  const safe = tag.replace(/[^\w.+@-]/g, '_').slice(0, MAX_SYSLOG_TAG_LENGTH)
  return `${safe === '' ? 'eudaemon' : safe}${pid === null ? '' : `[${pid}]`}: `
}

/** Control characters become spaces; an empty line is none; a long one is cut. */
function linesOf(text: string): readonly string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    const safe = line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ').trimEnd()
    return safe === '' ? [] : [cut(safe)]
  })
}

function cut(line: string): string {
  const bytes = Buffer.from(line)
  if (bytes.length <= MAX_SYSLOG_TEXT_BYTES) return line
  // A character that is cut in two would become a sign of its own: it goes as a whole.
  let end = MAX_SYSLOG_TEXT_BYTES
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

/** `Nov  1 07:05:09`, in local time. */
function printTime(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const clock = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':')
  return `${months[now.getMonth()]} ${String(now.getDate()).padStart(2)} ${clock}`
}

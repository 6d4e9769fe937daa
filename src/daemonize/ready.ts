// ready(): one call that says "I serve now" in whatever dialect this program was started under, and
// does nothing at all in a plain terminal. Which dialect is decided by the environment and by who
// our parent is; the ways to speak are in ready-speech.ts and notify-sender.ts.

import { sendNotification } from './notify-sender.ts'
import {
  type Speech,
  speakDescriptor,
  speakNotificationFd,
  speakSignal,
  speakStderrClosed,
  speakStop,
} from './ready-speech.ts'

/** How readiness was told. */
export type ReadyDialectSpoken =
  /** sd_notify(3), to systemd, `eudaemon run --ready notify`, podman and others. */
  | 'notify'
  /** A newline on a descriptor, to eudaemon, s6 and others. */
  | 'fd'
  /** Standard error was closed. */
  | 'stderr-closed'
  /** SIGUSR1 to the parent. */
  | 'signal'
  /** SIGSTOP to ourselves. */
  | 'stop'
  /** The message 'ready' on Node's IPC channel, as PM2's wait_ready has it. */
  | 'ipc'
  | 'nothing'

/** What ready() did. */
export interface ReadyResult {
  readonly spoke: ReadyDialectSpoken
  /** One phrase: what was done, or why there was nobody to tell. */
  readonly detail: string
}

/** What ready() may be told. */
export interface ReadyOptions {
  /** A descriptor that waits for a newline, for who learned its number by other means. */
  readonly fd?: number
  /** Shown beside the readiness, where sd_notify is spoken. */
  readonly status?: string
}

/** What daemonize() knows about who waits, better than the environment does. */
export interface KnownWaiter {
  /** The descriptor on which a newline is waited for. */
  readonly fd: number
  /** The last step before; nobody listens to our standard error afterwards. */
  readonly before: () => void
}

let waiter: KnownWaiter | null = null
let said: ReadyResult | null = null
let isReloading = false

/** From here on sayReady() tells this one, and nobody else. */
export function expectReady(known: KnownWaiter): void {
  waiter = known
}

/** True when sayReady() was called before. */
export function isReadySaid(): boolean {
  return said !== null
}

/** Says once that this program serves. Never throws because nobody listens. */
export function sayReady(options: ReadyOptions = {}): ReadyResult {
  if (said !== null && !isReloading) return said
  const result = said === null ? speakFirst(options) : speakNotify(options)
  isReloading = false
  said ??= result
  return result
}

/** Says that a reload begins; the next sayReady() ends it. True when somebody was told. */
export function sayReloading(): boolean {
  const monotonicUsec = Number(process.hrtime.bigint() / 1_000n)
  if (sendNotification({ reloading: true, monotonicUsec }) !== null) return false
  isReloading = true
  return true
}

function speakFirst(options: ReadyOptions): ReadyResult {
  if (waiter !== null) {
    waiter.before()
    const { isSpoken, detail } = speakNotificationFd(waiter.fd)
    return forget({ spoke: isSpoken ? 'fd' : 'nothing', detail })
  }
  const ways: readonly (readonly [ReadyDialectSpoken, () => Speech | null])[] = [
    ['fd', () => (options.fd === undefined ? null : speakNotificationFd(options.fd))],
    ...wayOfEudaemon(),
    // Before sd_notify: what s6 starts may have inherited the NOTIFY_SOCKET of s6 itself.
    ['fd', () => speakNotificationFd(undefined)],
  ]
  const reasons: string[] = []
  for (const [spoke, speak] of ways) {
    const speech = speak()
    if (speech?.isSpoken) return forget({ spoke, detail: speech.detail })
    if (speech !== null) reasons.push(speech.detail)
  }
  const notified = speakNotify(options)
  if (notified.spoke !== 'nothing') return forget(notified)
  if (process.connected && process.send !== undefined) {
    process.send('ready')
    return forget({ spoke: 'ipc', detail: "sent 'ready' to the parent" })
  }
  return forget({ spoke: 'nothing', detail: [...reasons, notified.detail].join('; ') })
}

function wayOfEudaemon(): readonly (readonly [ReadyDialectSpoken, () => Speech])[] {
  const dialect = process.env['EUDAEMON_READY'] ?? ''
  const fd = /^fd=(\d{1,9})$/.exec(dialect)?.[1]
  if (fd !== undefined) return [['fd', () => speakDescriptor(Number(fd))]]
  if (dialect === 'stderr-closed') return [[dialect, speakStderrClosed]]
  if (dialect === 'signal') return [[dialect, speakSignal]]
  if (dialect === 'stop') return [[dialect, speakStop]]
  return []
}

function speakNotify({ status }: ReadyOptions): ReadyResult {
  const notSent = sendNotification({ ready: true, ...(status === undefined ? {} : { status }) })
  if (notSent !== null) return { spoke: 'nothing', detail: notSent }
  return { spoke: 'notify', detail: 'sent READY=1' }
}

/** Processes that we start from now on have nobody to tell. */
function forget(result: ReadyResult): ReadyResult {
  for (const name of ['EUDAEMON_READY', 'EUDAEMON_READY_PID', 'EUDAEMON_READY_STREAM']) {
    delete process.env[name]
  }
  return result
}

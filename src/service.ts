// The public sub-path "eudaemon/service": what a program says to whoever started it, and what it
// gets from there. Works under systemd, s6, PM2, `eudaemon run` and our own supervisor, and does
// nothing at all in a plain terminal. No call throws because nobody listens.

import { assert } from './base/assert.ts'
import { toFd } from './base/brands.ts'
import { startKeepAlive } from './daemonize/keep-alive.ts'
import { awaitBarrier, sendNotification } from './daemonize/notify-sender.ts'
import { type PassedSocket, takeListeners } from './daemonize/passed-sockets.ts'
import { type ReadyOptions, type ReadyResult, sayReady, sayReloading } from './daemonize/ready.ts'
import { isFdName } from './protocol/notify-message.ts'

export type { ListeningServer, PassedSocket } from './daemonize/passed-sockets.ts'
export type { ReadyDialectSpoken, ReadyOptions, ReadyResult } from './daemonize/ready.ts'

const DEFAULT_BARRIER_MS = 5_000

/**
 * Says that this program serves now, in the dialect that it was started under, and tells which that
 * was. Once: later calls do nothing, except that one after reloading() ends the reload.
 */
export function ready(options: ReadyOptions = {}): ReadyResult {
  return sayReady(options)
}

/** One line about what the program is doing, for `status`. True when somebody was told. */
export function status(text: string): boolean {
  return sendNotification({ status: text }) === null
}

/** Says that a reload of the configuration begins; ready() ends it. True when somebody was told. */
export function reloading(): boolean {
  return sayReloading()
}

/** Says that the program has begun to end. True when somebody was told. */
export function stopping(): boolean {
  return sendNotification({ stopping: true }) === null
}

/** Asks for so many milliseconds more to start, reload or stop, from now on. */
export function extendTimeout(ms: number): boolean {
  assert(ms > 0 && Number.isFinite(ms), `extendTimeout: ${ms} is no time`)
  return sendNotification({ extendTimeoutUsec: Math.ceil(ms * 1_000) }) === null
}

/**
 * Sends a sign of life at half of the time that the supervisor's watchdog allows, as long as
 * `isHealthy` says true. Returns what stops it. Does nothing when no watchdog is wanted.
 */
export function watchdog(isHealthy?: () => boolean): () => void {
  return startKeepAlive(isHealthy)
}

/**
 * The sockets and other descriptors that this program was started with (LISTEN_FDS); with a name,
 * those of that name. Empty when there are none.
 */
export function listeners(name?: string): readonly PassedSocket[] {
  return takeListeners(name)
}

/**
 * Gives a copy of a descriptor to the supervisor, which passes it to the next life of this program
 * (see listeners()). The name is printable ASCII without colons. True when it was sent.
 */
export function storeFd(name: string, fd: number): boolean {
  assert(isFdName(name), `storeFd: '${name}' is no name for a descriptor`)
  return sendNotification({ fdStore: true, fdName: name }, [toFd(fd)]) === null
}

/** Takes back what storeFd() has given under that name. */
export function removeStoredFd(name: string): boolean {
  assert(isFdName(name), `removeStoredFd: '${name}' is no name for a descriptor`)
  return sendNotification({ fdStoreRemove: true, fdName: name }) === null
}

/**
 * Resolves to true when the supervisor has dealt with every message before this one; to false when
 * it has not within the time, or when there is none.
 */
export function barrier(timeoutMs: number = DEFAULT_BARRIER_MS): Promise<boolean> {
  return awaitBarrier(timeoutMs)
}

// The reading end of one pipe: when to empty it, and how large it is. Quiet pipes are watched; busy
// ones are visited once in a millisecond and get more room; of pipes without a writer only the next
// one is awaited. What is done with the bytes is up to the capture.

import type { Fd } from '../base/brands.ts'
import { closeFd } from '../kernel/fd.ts'
import { pipeSize, setPipeSize } from '../kernel/fifo.ts'
import { EPOLLET, POLLIN, type Poller } from '../kernel/poll.ts'
import { errnoOf } from './log-files.ts'
import type { LogPacer, PacerAnswer } from './log-pacer.ts'

/**
 * Only for chatty services: a user without CAP_SYS_RESOURCE has 16,384 pages for all pipes together
 * (/proc/sys/fs/pipe-user-pages-soft, pipe(7)).
 */
const sizes: readonly number[] = [256 * 1024, 1024 * 1024]
/** A pipe that was found full so often gets the next size. */
const FULL_COUNT = 4
/** So many turns, each within this time after the last, make a pipe busy. */
const QUICK_TURNS = 4
const QUICK_MS = 1

export class LogPipe {
  readonly fd: Fd
  readonly #poller: Poller
  readonly #pacer: LogPacer
  readonly #empty: () => number
  #mode: 'watched' | 'resting' | 'hung-up' = 'watched'
  #size: number
  #fullCount = 0
  #canGrow = true
  /** False when the pipe is too small for a rest and cannot grow: its writer would have to wait. */
  #canRest = true
  #quickTurns = 0
  #lastTurnMs = 0

  /** `empty` moves what is there and answers how many bytes; bounded, it is called again. */
  constructor(fd: Fd, poller: Poller, pacer: LogPacer, empty: () => number) {
    this.fd = fd
    this.#poller = poller
    this.#pacer = pacer
    this.#empty = empty
    this.#size = pipeSize(fd)
    poller.add(fd, POLLIN, () => this.#turn())
  }

  /** So many bytes came out of it at once. */
  moved(bytes: number): void {
    if (this.#mode === 'hung-up') this.#watch()
    if (!this.wasFull(bytes) || !this.#canGrow) return
    this.#fullCount += 1
    if (this.#fullCount >= FULL_COUNT) this.#grow()
  }

  /**
   * Whether a move of so many bytes found it full. Pages are shared by small writes, but no write
   * is cut: a full pipe may hold half its size.
   */
  wasFull(bytes: number): boolean {
    return bytes >= this.#size / 2
  }

  /** It is empty, and nobody can write into it: only an edge tells of the next writer. */
  hungUp(): void {
    if (this.#mode === 'hung-up') return
    this.#mode = 'hung-up'
    this.#poller.modify(this.fd, POLLIN | EPOLLET)
  }

  close(): void {
    this.#pacer.remove(this.#tick)
    this.#poller.remove(this.fd)
    closeFd(this.fd)
  }

  #turn(): void {
    const moved = this.#empty()
    if (this.#mode !== 'watched') return
    const nowMs = performance.now()
    const isQuick = nowMs - this.#lastTurnMs < QUICK_MS && moved > 0 && !this.wasFull(moved)
    this.#lastTurnMs = nowMs
    this.#quickTurns = isQuick ? this.#quickTurns + 1 : 0
    if (this.#quickTurns < QUICK_TURNS || !this.#canRest) return
    this.#quickTurns = 0
    this.#mode = 'resting'
    this.#poller.modify(this.fd, 0)
    this.#pacer.add(this.#tick)
  }

  readonly #tick = (): PacerAnswer => {
    const moved = this.#empty()
    if (this.#mode !== 'resting') return 'stop'
    if (moved > 0 && !this.wasFull(moved)) return 'rest'
    if (moved > 0 && this.#canGrow) return 'now'
    this.#canRest = moved === 0
    this.#watch()
    return 'stop'
  }

  #watch(): void {
    this.#mode = 'watched'
    this.#poller.modify(this.fd, POLLIN)
  }

  #grow(): void {
    this.#fullCount = 0
    const next = sizes.find((size) => size > this.#size)
    try {
      if (next !== undefined) this.#size = setPipeSize(this.fd, next)
    } catch (error) {
      // EPERM: over the user's limit. It stays as it is.
      if (errnoOf(error) === undefined) throw error
      this.#canGrow = false
    }
  }
}

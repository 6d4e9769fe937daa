// Readiness of any number of descriptors as one handle on the libuv loop: an epoll instance that
// the loop watches. Callbacks run as immediates, at most one batch in a turn of the loop, so that
// neither a busy descriptor nor many of them starve the rest. See epoll(7) for the events.

import { assert } from '../base/assert.ts'
import { type Fd, toFd } from '../base/brands.ts'
import { MAX_POLL_BATCH } from '../base/limits.ts'
import { closeFd } from './fd.ts'
import { constants, layouts } from './layouts.ts'
import { koffi, lastErrno, libc } from './libc.ts'
import { checked, errnos, failedCall } from './syscall-error.ts'

export const POLLIN = constants.EPOLLIN
export const POLLPRI = constants.EPOLLPRI
export const POLLOUT = constants.EPOLLOUT
export const POLLHUP = constants.EPOLLHUP
export const EPOLLET = constants.EPOLLET
export const EPOLLONESHOT = constants.EPOLLONESHOT

export type PollCallback = (events: number) => void

export interface Poller {
  /** Calls back with the events that hold, and as long as they do, unless EPOLLET or EPOLLONESHOT
   *  says otherwise. */
  add(fd: Fd, events: number, callback: PollCallback): void
  /** Other events for the same callback; arms EPOLLONESHOT again. */
  modify(fd: Fd, events: number): void
  /**
   * Always before the descriptor is closed: a copy of it that lives elsewhere (inherited, or in
   * flight) would keep the kernel reporting events that nobody could stop. No call comes after it.
   */
  remove(fd: Fd): void
  /** The loop stays alive while it waits for us (ref, the default) or not (unref). */
  ref(): void
  unref(): void
  close(): void
}

type PollHandle = ReturnType<ReturnType<typeof koffi>['node']['poll']>

interface Watch {
  readonly generation: number
  readonly callback: PollCallback
}

/** Opens an epoll instance and hangs it on this thread's loop. */
export function openPoller(): Poller {
  return new EpollPoller()
}

const { size: EVENT_BYTES, fields: at } = layouts.epoll_event

class EpollPoller implements Poller {
  /** Made when there is something to watch: a short command often ends before. */
  #opened: { readonly epoll: Fd; readonly handle: PollHandle } | null = null
  #isReferenced = true
  readonly #watches = new Map<number, Watch>()
  readonly #event = Buffer.alloc(EVENT_BYTES)
  readonly #batch = Buffer.alloc(EVENT_BYTES * MAX_POLL_BATCH)
  /** Events in the batch, and which of them is next. */
  #count = 0
  #next = 0
  #generation = 0
  #isScheduled = false
  #isClosed = false

  add(fd: Fd, events: number, callback: PollCallback): void {
    this.#opened ??= this.#open()
    this.#generation = (this.#generation + 1) >>> 0
    this.#control(constants.EPOLL_CTL_ADD, fd, events, this.#generation)
    this.#watches.set(fd, { generation: this.#generation, callback })
  }

  modify(fd: Fd, events: number): void {
    const generation = this.#watches.get(fd)?.generation ?? 0
    this.#control(constants.EPOLL_CTL_MOD, fd, events, generation)
  }

  remove(fd: Fd): void {
    this.#watches.delete(fd)
    this.#control(constants.EPOLL_CTL_DEL, fd, 0, 0)
  }

  ref(): void {
    this.#isReferenced = true
    this.#opened?.handle.ref()
  }

  unref(): void {
    this.#isReferenced = false
    this.#opened?.handle.unref()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#watches.clear()
    if (this.#opened === null) return
    this.#opened.handle.close()
    closeFd(this.#opened.epoll)
  }

  #open(): { readonly epoll: Fd; readonly handle: PollHandle } {
    const epoll = toFd(checked(libc.epoll_create1(constants.EPOLL_CLOEXEC), 'epoll_create1'))
    const handle = koffi().node.poll(epoll, { readable: true }, () => this.#schedule())
    if (!this.#isReferenced) handle.unref()
    return { epoll, handle }
  }

  // Not in the native callback itself: code called from there runs outside of Node's callback
  // scope, where promises do not continue and exceptions are not reported.
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#isScheduled = false
    if (this.#isClosed || this.#opened === null) return
    if (this.#next === this.#count) this.#takeBatch(this.#opened.epoll)
    try {
      while (this.#next < this.#count && !this.#isClosed) {
        this.#deliver(this.#next++ * EVENT_BYTES)
      }
    } finally {
      // A callback threw: the rest of its batch comes in the next turn.
      if (this.#next < this.#count) this.#schedule()
    }
  }

  #takeBatch(epoll: Fd): void {
    this.#next = 0
    this.#count = libc.epoll_wait(epoll, this.#batch, MAX_POLL_BATCH, 0)
    if (this.#count !== -1) return
    this.#count = 0
    if (lastErrno() !== errnos.EINTR) throw failedCall('epoll_wait')
  }

  #deliver(offset: number): void {
    const watch = this.#watches.get(this.#batch.readInt32LE(offset + at.data))
    // Another generation: removed, and perhaps added again, by an earlier callback of this batch.
    if (watch?.generation !== this.#batch.readUInt32LE(offset + at.data + 4)) return
    watch.callback(this.#batch.readUInt32LE(offset + at.events))
  }

  #control(operation: number, fd: Fd, events: number, generation: number): void {
    this.#event.writeUInt32LE(events >>> 0, at.events)
    this.#event.writeInt32LE(fd, at.data)
    this.#event.writeUInt32LE(generation, at.data + 4)
    const epoll = this.#opened?.epoll
    assert(epoll !== undefined, 'what is changed or removed was added')
    checked(libc.epoll_ctl(epoll, operation, fd, this.#event), 'epoll_ctl')
  }
}

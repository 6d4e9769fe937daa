// Readiness of any number of descriptors as one handle on the libuv loop: an epoll instance that
// the loop watches. Callbacks run as immediates, at most one batch in a turn of the loop, so that
// neither a busy descriptor nor many of them starve the rest. See epoll(7) for the events.

import { type Fd, toFd } from '../base/brands.ts'
import { MAX_POLL_BATCH } from '../base/limits.ts'
import { closeFd } from './fd.ts'
import { constants, layouts } from './layouts.ts'
import { koffi, lastErrno, libc } from './libc.ts'
import { checked, errnos, failedCall } from './syscall-error.ts'

export const POLLIN = constants.EPOLLIN
export const POLLPRI = constants.EPOLLPRI
export const POLLOUT = constants.EPOLLOUT
export const POLLERR = constants.EPOLLERR
export const POLLHUP = constants.EPOLLHUP
export const POLLRDHUP = constants.EPOLLRDHUP
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

interface Watch {
  readonly generation: number
  readonly callback: PollCallback
}

/** Opens an epoll instance and hangs it on this thread's loop. */
export function openPoller(): Poller {
  const epoll = toFd(checked(libc.epoll_create1(constants.EPOLL_CLOEXEC), 'epoll_create1'))
  const { size, fields } = layouts.epoll_event
  const event = Buffer.alloc(size)
  const batch = Buffer.alloc(size * MAX_POLL_BATCH)
  const watches = new Map<number, Watch>()
  let generation = 0
  let next = 0
  let count = 0
  let scheduled = false
  let closed = false

  const schedule = (): void => {
    if (scheduled || closed) return
    scheduled = true
    setImmediate(run)
  }

  // Not in the native callback itself: code called from there runs outside of Node's callback
  // scope, where promises do not continue and exceptions are not reported.
  const run = (): void => {
    scheduled = false
    if (closed) return
    if (next === count) takeBatch()
    try {
      while (next < count && !closed) deliver(next++ * size)
    } finally {
      // A callback threw: the rest of its batch comes in the next turn.
      if (next < count) schedule()
    }
  }

  const takeBatch = (): void => {
    next = 0
    count = libc.epoll_wait(epoll, batch, MAX_POLL_BATCH, 0)
    if (count !== -1) return
    count = 0
    if (lastErrno() !== errnos.EINTR) throw failedCall('epoll_wait')
  }

  const deliver = (at: number): void => {
    const watch = watches.get(batch.readInt32LE(at + fields.data))
    // Another generation: removed, and perhaps added again, by an earlier callback of this batch.
    if (watch?.generation !== batch.readUInt32LE(at + fields.data + 4)) return
    watch.callback(batch.readUInt32LE(at + fields.events))
  }

  const control = (operation: number, fd: Fd, events: number, number: number): void => {
    event.writeUInt32LE(events >>> 0, fields.events)
    event.writeInt32LE(fd, fields.data)
    event.writeUInt32LE(number, fields.data + 4)
    checked(libc.epoll_ctl(epoll, operation, fd, event), 'epoll_ctl')
  }

  const handle = koffi().node.poll(epoll, { readable: true }, schedule)

  return {
    add(fd, events, callback) {
      generation = (generation + 1) >>> 0
      control(constants.EPOLL_CTL_ADD, fd, events, generation)
      watches.set(fd, { generation, callback })
    },
    modify(fd, events) {
      control(constants.EPOLL_CTL_MOD, fd, events, watches.get(fd)?.generation ?? 0)
    },
    remove(fd) {
      watches.delete(fd)
      control(constants.EPOLL_CTL_DEL, fd, 0, 0)
    },
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    close() {
      if (closed) return
      closed = true
      watches.clear()
      handle.close()
      closeFd(epoll)
    },
  }
}

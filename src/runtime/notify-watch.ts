// Readiness by descriptor: the service writes a newline to a pipe, and we hold its reading end. The
// newline is looked at and left in the pipe: a supervisor that dies before its answer is on
// disk finds it there again. Everything else is thrown away, so a chatty service costs no memory.

import { readSync } from 'node:fs'
import type { Fd } from '../base/brands.ts'
import { MAX_NOTIFY_PEEK_BYTES } from '../base/limits.ts'
import { closeFd } from '../kernel/fd.ts'
import { createPipe } from '../kernel/fifo.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { copyPipe } from '../kernel/splice.ts'

const buffer = Buffer.alloc(MAX_NOTIFY_PEEK_BYTES)
const NEWLINE = 10

export interface NotifyWatch {
  /** No call comes after it. The descriptor stays open: it belongs to somebody else. */
  stop(): void
}

/** Calls back once: `ready` at the first newline, `closed` when nobody can write one any more. */
export function watchNotify(
  poller: Poller,
  reader: Fd,
  onOutcome: (outcome: 'ready' | 'closed') => void,
): NotifyWatch {
  let isStopped = false
  const stop = (): void => {
    if (isStopped) return
    isStopped = true
    poller.remove(reader)
  }
  poller.add(reader, POLLIN, () => {
    const outcome = look(reader)
    if (outcome === 'again') return
    stop()
    onOutcome(outcome)
  })
  return { stop }
}

function look(reader: Fd): 'ready' | 'closed' | 'again' {
  const copy = createPipe()
  try {
    const length = copyPipe(reader, copy.writer, buffer.length)
    if (length === 'again') return 'again'
    if (length === 0) return 'closed'
    readSync(copy.reader, buffer, 0, length, null)
    if (buffer.subarray(0, length).includes(NEWLINE)) return 'ready'
    // There is no newline in it, so to take it away loses nothing. The rest comes in the next turn.
    readSync(reader, buffer, 0, length, null)
    return 'again'
  } finally {
    closeFd(copy.reader)
    closeFd(copy.writer)
  }
}

// Readiness by a newline on an inherited descriptor: s6's notification-fd.

import { assert } from '../base/assert.ts'
import { closeFd, setNonBlocking } from '../kernel/fd.ts'
import { createPipe } from '../kernel/fifo.ts'
import { POLLIN } from '../kernel/poll.ts'
import { readAvailable } from '../launch/read-available.ts'
import type { DaemonRequest } from './daemon-request.ts'
import { plainWatch, type ReadyWatch } from './ready-watch.ts'

/** What was written before the newline is ignored, as s6-supervise does. */
export function openDescriptorWatch({ ready }: DaemonRequest): ReadyWatch {
  assert(ready.kind === 'fd', 'the dialect is fd')
  const { reader, writer } = createPipe()
  setNonBlocking(reader, true)
  let isWatched = false
  let stop = (): void => {}
  let isClosed = false
  return {
    ...plainWatch,
    files: [{ from: writer, to: ready.fd }],
    environment: { EUDAEMON_READY: `fd=${ready.fd}`, EUDAEMON_READY_PID: String(process.pid) },
    start: ({ poller, ready: isReady }) => {
      closeFd(writer)
      isWatched = true
      stop = () => {
        if (!isClosed) poller.remove(reader)
        isClosed = true
      }
      poller.add(reader, POLLIN, () => {
        const { text, isAtEnd } = readAvailable(reader)
        // The end without a newline says nothing: many programs close what they do not know.
        if (isAtEnd || text.includes('\n')) stop()
        if (text.includes('\n')) isReady()
      })
    },
    describe: () => (isClosed ? `it closed descriptor ${ready.fd} without a newline` : ''),
    close: () => {
      stop()
      closeFd(reader)
      if (!isWatched) closeFd(writer)
    },
  }
}

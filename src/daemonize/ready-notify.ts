// Readiness by sd_notify(3), with what else the protocol says while a daemon starts: STATUS is
// shown, MAINPID names another main process, EXTEND_TIMEOUT_USEC asks for patience, and ERRNO or
// EXIT_STATUS announce that it will fail.

import { type Pid, toPid } from '../base/brands.ts'
import type { Poller } from '../kernel/poll.ts'
import { readStat } from '../kernel/procfs.ts'
import { errnoName } from '../kernel/syscall-error.ts'
import type { DaemonRequest } from './daemon-request.ts'
import { isDescendant } from './descendants.ts'
import { openNotifyReceiver, type ReceivedNotification } from './notify-receiver.ts'
import { ownPid } from './own-pid.ts'
import { plainWatch, type ReadyContext, type ReadyWatch } from './ready-watch.ts'

/** Dialect notify. */
export function openNotifyWatch(request: DaemonRequest, poller: Poller): ReadyWatch {
  const uid = request.credentials?.uid ?? process.getuid?.() ?? 0
  let context: ReadyContext | null = null
  let main: Pid | undefined
  let foretold: string | null = null
  let hasSpoken = false
  const receiver = openNotifyReceiver({
    poller,
    owner: request.credentials,
    environment: process.env,
    // The socket lies where only this user comes; who has ended since cannot be looked at.
    accepts: ({ pid, uid: from }) =>
      isDescendant(pid, ownPid()) || (from === uid && readStat(pid) === null),
    onMessage: (received) => take(received),
  })

  function take({ message: { fields } }: ReceivedNotification): void {
    hasSpoken = true
    if (fields.mainPid !== undefined) {
      const named = toPid(fields.mainPid)
      // A number alone proves nothing.
      if (isDescendant(named, ownPid())) main = named
    }
    if (fields.status !== undefined) context?.tell(fields.status)
    if (fields.extendTimeoutUsec !== undefined) context?.extend(fields.extendTimeoutUsec / 1_000)
    if (fields.errno !== undefined && fields.errno !== 0) foretold = errnoName(fields.errno)
    if (fields.ready === true) context?.ready(main)
  }

  return {
    ...plainWatch,
    environment: { EUDAEMON_READY: 'notify', NOTIFY_SOCKET: receiver.path },
    start: (given) => {
      context = given
    },
    onMainEnded: (status) => {
      receiver.drain()
      // It has handed over to a process that it named.
      return status?.kind === 'exited' && status.code === 0 && main !== undefined
    },
    describeEnd: () => (foretold === null ? '' : `it said ${foretold}`),
    describe: () => {
      if (foretold !== null) return `it said ${foretold}`
      const { foreign, malformed } = receiver.counts
      if (foreign + malformed > 0) return `${foreign + malformed} messages were not accepted`
      return hasSpoken ? 'READY=1 was not among what it sent' : 'it sent nothing'
    },
    close: () => receiver.close(),
  }
}

// Readiness by a signal to the waiting parent, by stopping itself, and by having lived for a while.

import { assert } from '../base/assert.ts'
import { signalNumbers } from '../base/signal.ts'
import { sendSignal } from '../kernel/pidfd.ts'
import { takeStop } from '../kernel/wait.ts'
import type { DaemonRequest } from './daemon-request.ts'
import { plainWatch, type ReadyWatch } from './ready-watch.ts'

/**
 * SIGUSR1 is ignored in the command from its start: an X server takes that as the request. Nobody
 * stops listening: a second one would end us, ready as the daemon is.
 */
export function openSignalWatch(): ReadyWatch {
  let onSignal = (): void => {}
  return {
    ...plainWatch,
    environment: { EUDAEMON_READY: 'signal', EUDAEMON_READY_PID: String(process.pid) },
    start: ({ ready }) => {
      onSignal = () => ready()
      process.on('SIGUSR1', () => onSignal())
    },
    close: () => {
      onSignal = () => {}
    },
  }
}

/** Upstart's `expect stop`. We are the parent, so the kernel tells us with SIGCHLD. */
export function openStopWatch(): ReadyWatch {
  let look = (): void => {}
  return {
    ...plainWatch,
    environment: { EUDAEMON_READY: 'stop', EUDAEMON_READY_PID: String(process.pid) },
    start: ({ daemon, ready }) => {
      look = () => {
        if (takeStop(daemon.pidfd) !== signalNumbers.STOP) return
        sendSignal(daemon.pidfd, signalNumbers.CONT)
        ready()
      }
      process.on('SIGCHLD', look)
    },
    close: () => void process.off('SIGCHLD', look),
  }
}

/** Counted from the exec of the command. */
export function openDelayWatch({ ready }: DaemonRequest): ReadyWatch {
  assert(ready.kind === 'delay', 'the dialect is delay')
  let timer: NodeJS.Timeout | undefined
  let isReady = (): void => {}
  return {
    ...plainWatch,
    start: (context) => {
      isReady = () => context.ready()
    },
    onExec: () => {
      timer = setTimeout(isReady, ready.ms)
    },
    close: () => clearTimeout(timer),
  }
}

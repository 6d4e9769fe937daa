// Readiness that shows in what the daemon writes: it closes its standard error, or a line matches.

import { assert } from '../base/assert.ts'
import { MAX_READY_LINE_LENGTH } from '../base/limits.ts'
import type { DaemonRequest } from './daemon-request.ts'
import type { WatchedStream } from './daemon-streams.ts'
import { plainWatch, type ReadyContext, type ReadyWatch } from './ready-watch.ts'

/** A daemon that dies also closes it: the engine hears of the end first, or asks. */
export function openStderrClosedWatch(): ReadyWatch {
  let context: ReadyContext | null = null
  return {
    ...plainWatch,
    environment: { EUDAEMON_READY: 'stderr-closed', EUDAEMON_READY_PID: String(process.pid) },
    start: (given) => {
      context = given
    },
    onStreamEnd: (stream) => {
      if (stream === 'stderr') context?.ready()
    },
  }
}

/** Whole lines, and a last one without its newline, of both streams. */
export function openLogWatch({ ready }: DaemonRequest): ReadyWatch {
  assert(ready.kind === 'log', 'the dialect is log')
  const { pattern } = ready
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  const pending = { stdout: '', stderr: '' }
  let context: ReadyContext | null = null
  return {
    ...plainWatch,
    streams: ['stdout'],
    start: (given) => {
      context = given
    },
    onBytes: (stream: WatchedStream, bytes) => {
      const lines = (pending[stream] + decoders[stream].decode(bytes, { stream: true })).split('\n')
      if (lines.some((line) => pattern.test(line))) context?.ready()
      pending[stream] = (lines.at(-1) ?? '').slice(-MAX_READY_LINE_LENGTH)
    },
    describe: () => `no line matches ${String(pattern)}`,
  }
}

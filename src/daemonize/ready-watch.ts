// The interface between the engine and the readiness dialects, and the table of them. A dialect
// may want something before the spawn (a descriptor to inherit, a variable), then it watches, and
// says `ready` or `fail` once. What all have in common (the daemon's end, the time-out, the
// cancellation) is the engine's.

import type { Fd, Milliseconds, Pid } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import type { Poller } from '../kernel/poll.ts'
import type { DaemonRequest, ReadyDialect } from './daemon-request.ts'
import type { WatchedStream } from './daemon-streams.ts'
import type { InheritedFile } from './spawn-orphan.ts'

export interface StartingDaemon {
  readonly pid: Pid
  readonly pidfd: Fd
  readonly session: Pid
  /** Children of ours that have nothing to do with it. */
  readonly strangers: ReadonlySet<Pid>
}

export interface ReadyContext {
  readonly poller: Poller
  readonly daemon: StartingDaemon
  /** Another main process than the one that was started: a daemon that forked, or says so. */
  ready(main?: Pid): void
  /** It will not come; the daemon is stopped. */
  fail(message: string, exitCode: number): void
  /** A line for whoever waits. */
  tell(line: string): void
  /** The time-out is at least so far away. */
  extend(ms: Milliseconds): void
}

export interface ReadyWatch {
  readonly files: readonly InheritedFile[]
  readonly environment: Readonly<Record<string, string>>
  /** Streams to look at besides standard error. */
  readonly streams: readonly WatchedStream[]
  /** Before the gate opens. */
  start(context: ReadyContext): void
  /** The last exec of the command has happened. */
  onExec?(): void
  onBytes?(stream: WatchedStream, bytes: Uint8Array): void
  onStreamEnd?(stream: WatchedStream): void
  /** True when the end of the started process is part of becoming ready. */
  onMainEnded?(status: ExitStatus | null): boolean
  /** What it has seen so far, for the message of a time-out; empty: nothing. */
  describe?(): string
  /** What it foretold, for the message of an end. */
  describeEnd?(): string
  close(): void
}

export type OpenReadyWatch = (request: DaemonRequest, poller: Poller) => ReadyWatch

const loaders: Readonly<Record<ReadyDialect['kind'], () => Promise<OpenReadyWatch>>> = {
  exec: async () => openExecWatch,
  'stderr-closed': async () => (await import('./ready-stream.ts')).openStderrClosedWatch,
  log: async () => (await import('./ready-stream.ts')).openLogWatch,
  fd: async () => (await import('./ready-descriptor.ts')).openDescriptorWatch,
  delay: async () => (await import('./ready-signal.ts')).openDelayWatch,
  signal: async () => (await import('./ready-signal.ts')).openSignalWatch,
  stop: async () => (await import('./ready-signal.ts')).openStopWatch,
  forking: async () => (await import('./ready-forking.ts')).openForkingWatch,
  tcp: async () => (await import('./ready-probe.ts')).openProbeWatch,
  http: async () => (await import('./ready-probe.ts')).openProbeWatch,
  notify: async () => (await import('./ready-notify.ts')).openNotifyWatch,
}

/** Loads only what the dialect needs: the prompt is waited for. */
export function loadReadyWatch({ kind }: ReadyDialect): Promise<OpenReadyWatch> {
  return loaders[kind]()
}

/** The parts that a dialect may leave as they are. */
export const plainWatch: Pick<ReadyWatch, 'files' | 'environment' | 'streams' | 'close'> = {
  files: [],
  environment: {},
  streams: [],
  close: () => {},
}

function openExecWatch(): ReadyWatch {
  let context: ReadyContext | null = null
  return {
    ...plainWatch,
    start: (given) => {
      context = given
    },
    onExec: () => context?.ready(),
    // So quick that we have not seen it run. Who is told that it failed already need not ask.
    onMainEnded: (status) => {
      const isDone = status?.kind === 'exited' && status.code === 0
      if (isDone) context?.ready()
      return isDone
    },
  }
}

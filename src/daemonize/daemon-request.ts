// What is asked for when a command is to become a daemon, and what came of it: plain data between
// the command line, the library and the engine in start-daemon.ts. Nothing is looked up here.

import type { Milliseconds, Pid } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import type { CredentialChange } from '../launch/credentials.ts'
import type { ProcessSettings } from '../launch/preamble.ts'

/** Where a stream of the daemon goes. A file is appended to. */
export type StreamTarget =
  | { readonly kind: 'null' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'syslog' }
  /** A descriptor of ours, as it is. */
  | { readonly kind: 'fd'; readonly fd: number }

/** How we learn that the daemon serves. */
export type ReadyDialect =
  /** execve(2) has succeeded. */
  | { readonly kind: 'exec' }
  /** It closes its standard error. */
  | { readonly kind: 'stderr-closed' }
  /** It writes a newline to this descriptor (s6's notification-fd). */
  | { readonly kind: 'fd'; readonly fd: number }
  /** sd_notify(3). */
  | { readonly kind: 'notify' }
  /** It sends SIGUSR1 to its parent, as X servers do. */
  | { readonly kind: 'signal' }
  /** It stops itself with SIGSTOP and is continued (Upstart's `expect stop`). */
  | { readonly kind: 'stop' }
  /** It goes into the background by itself, exits 0 and leaves a PID file. */
  | { readonly kind: 'forking' }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'http'; readonly url: string }
  /** A line of its standard output or standard error matches. */
  | { readonly kind: 'log'; readonly pattern: RegExp }
  | { readonly kind: 'delay'; readonly ms: Milliseconds }

export interface DaemonRequest {
  readonly kind: 'request'
  /** For messages and as the tag in syslog. */
  readonly name: string
  /** Absolute; inside of `settings.root` when there is one. */
  readonly path: string
  readonly argv: readonly string[]
  readonly environment: ReadonlyMap<string, string>
  readonly settings: ProcessSettings
  /** Null: as we are. */
  readonly credentials: CredentialChange | null
  readonly stdin: string
  readonly stdout: StreamTarget
  readonly stderr: StreamTarget
  /** Descriptors of ours that the daemon keeps under the same number. */
  readonly keptFds: readonly number[]
  /** With `forking` the daemon writes it, otherwise we do. */
  readonly pidFile: string | null
  readonly ready: ReadyDialect
  /** Infinity: for ever. */
  readonly readyTimeoutMs: Milliseconds
  /** What becomes of a daemon that is not ready in time. */
  readonly onTimeout: 'stop' | 'leave'
  readonly stopSignal: number
  /** From the stop signal to SIGKILL, for a daemon that did not become ready. */
  readonly stopTimeoutMs: Milliseconds
}

/** What came of it. `message` is for people, without a name in front. */
export type DaemonOutcome =
  /** `hasEnded`: executed, and done with exit status 0 already. */
  | { readonly kind: 'ready'; readonly pid: Pid; readonly hasEnded: boolean }
  /** A step before the program failed, or exec itself. */
  | { readonly kind: 'not-started'; readonly exitCode: number; readonly message: string }
  | { readonly kind: 'already-running'; readonly pid: Pid | null; readonly message: string }
  | { readonly kind: 'ended'; readonly status: ExitStatus | null; readonly message: string }
  | { readonly kind: 'timed-out'; readonly pid: Pid; readonly message: string }
  | { readonly kind: 'cancelled'; readonly message: string }
  /** It says itself, or its state shows, that it will not become ready; it was stopped. */
  | { readonly kind: 'failed'; readonly exitCode: number; readonly message: string }

/** Where the engine meets whoever called it. */
export interface DaemonHost {
  /** Bytes that the starting daemon wrote to its standard error. */
  relay(bytes: Uint8Array): void
  /** A line about the progress, such as STATUS= of sd_notify(3). */
  tell(line: string): void
  /** Aborted: give up, stop what was started. */
  readonly cancel: AbortSignal
  /** Aborted: what is being stopped is killed at once. */
  readonly hurry: AbortSignal
}

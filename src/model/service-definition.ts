// What a service is: the model that every format maps to and from. Types only; the table of
// settings with their documentation, defaults and checks is in service-fields.ts.
// A definition is complete: every default has been filled in, every path is absolute.

import type { Milliseconds } from '../base/brands.ts'

export type ServiceKind = 'longrun' | 'oneshot'

/** A vector is executed as it is; a line is run by `/bin/sh -c`. */
export type Command =
  | { readonly kind: 'argv'; readonly argv: readonly string[] }
  | { readonly kind: 'shell'; readonly line: string }

export interface EnvironmentFile {
  readonly path: string
  /** A missing file is an error unless it is optional (`?` before the path). */
  readonly isOptional: boolean
}

/** A variable that differs between instances: instance n gets `base + step * (n - 1)`. */
export interface InstanceVariable {
  readonly name: string
  readonly base: number
  readonly step: number
}

export type LimitName =
  | 'as'
  | 'core'
  | 'cpu'
  | 'data'
  | 'fsize'
  | 'memlock'
  | 'msgqueue'
  | 'nofile'
  | 'nproc'
  | 'rss'
  | 'rtprio'
  | 'sigpending'
  | 'stack'

/** Numbers in the unit of getrlimit(2); Infinity for `unlimited`. */
export interface ResourceLimit {
  readonly soft: number
  readonly hard: number
}

/** One question to a running service. */
export type ProbeAction =
  | { readonly kind: 'http'; readonly url: string; readonly status: readonly [number, number] }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'exec'; readonly command: Command }

export interface Probe {
  readonly action: ProbeAction
  /** Between the end of one attempt and the start of the next. */
  readonly intervalMs: Milliseconds
  /** One attempt that takes longer has failed. */
  readonly attemptTimeoutMs: Milliseconds
}

/** How we learn that a service serves. `timeoutMs` bounds the whole start and may be Infinity. */
export type Readiness =
  | { readonly kind: 'immediate' }
  | { readonly kind: 'delay'; readonly delayMs: Milliseconds }
  | { readonly kind: 'probe'; readonly probe: Probe; readonly timeoutMs: Milliseconds }
  | {
      readonly kind: 'log'
      /** A JavaScript regular expression, tried on each line. */
      readonly pattern: string
      readonly stream: 'stdout' | 'stderr' | 'any'
      readonly timeoutMs: Milliseconds
    }
  | {
      readonly kind: 'notify-fd'
      /** The number under which the service finds the descriptor; it writes a newline to it. */
      readonly fd: number
      readonly timeoutMs: Milliseconds
    }

/** How we learn that a service which was ready hangs. Starts after readiness. */
export interface Liveness {
  readonly probe: Probe
  /** So many failures in a row make the service unhealthy: it is stopped and restarted. */
  readonly failures: number
}

export interface BurstLimit {
  readonly count: number
  readonly intervalMs: Milliseconds
}

export interface RestartPolicy {
  readonly policy: 'always' | 'on-failure' | 'never'
  /** The first restart of a service that ran is immediate; then from `backoffMinMs`, doubling. */
  readonly backoffMinMs: Milliseconds
  readonly backoffMaxMs: Milliseconds
  /** A run of at least this long resets the growth. */
  readonly stableMs: Milliseconds
  /** More restarts than this within the interval: the service is `failed`. */
  readonly burst: BurstLimit | null
  /** Exit statuses that count as success besides 0. */
  readonly successCodes: readonly number[]
}

/**
 * Who is signalled. `cgroup`: every process of the service, found by cgroup or by tracking;
 * `group`: the process group; `mixed`: the main process, then SIGKILL for the rest; `process`: the
 * main process only, what it leaves behind is left alone. With all but `process` the service has
 * only stopped when nothing of it is left.
 */
export type KillMode = 'cgroup' | 'group' | 'mixed' | 'process'

export interface StopPlan {
  readonly signal: number
  readonly timeoutMs: Milliseconds
  readonly kill: KillMode
  /** Run instead of the signal; when it fails, the main process is signalled at once. */
  readonly command: Command | null
  /** How long the main process may take to end by itself after the command has succeeded; then it
   *  is signalled, and has the time-out once more. */
  readonly commandGraceMs: Milliseconds
}

export type ReloadPlan =
  | { readonly kind: 'signal'; readonly signal: number }
  | { readonly kind: 'command'; readonly command: Command }

/** A command before (`setup`) or after (`finish`) each invocation. */
export interface Hook {
  readonly command: Command
  readonly timeoutMs: Milliseconds
}

export interface LogPlan {
  readonly maxSizeBytes: number
  readonly maxAgeMs: Milliseconds
  /** Rotated segments that are kept. */
  readonly keep: number
  readonly compress: 'zstd' | 'none'
  /** `inline`: time stamps are written into the file too (costs a copy through memory). */
  readonly timestamps: 'index' | 'inline'
}

/** One service, complete: what runs, when, as whom, and what happens when it ends. */
export interface ServiceDefinition {
  readonly name: string
  readonly description: string | null
  readonly kind: ServiceKind
  readonly command: Command
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  readonly environmentFiles: readonly EnvironmentFile[]
  /** Wins over `environment` and `environmentFiles`. */
  readonly instanceEnvironment: readonly InstanceVariable[]
  readonly user: string | null
  readonly group: string | null
  readonly supplementaryGroups: readonly string[]
  readonly umask: number | null
  readonly nice: number | null
  readonly limits: Readonly<Partial<Record<LimitName, ResourceLimit>>>
  readonly instances: number
  /** True: started by `up`. False: only by `start`, or because another service needs it. */
  readonly isStartedAtBoot: boolean
  readonly requires: readonly string[]
  readonly wants: readonly string[]
  readonly after: readonly string[]
  readonly before: readonly string[]
  readonly readiness: Readiness
  readonly liveness: Liveness | null
  readonly restart: RestartPolicy
  readonly stop: StopPlan
  readonly reload: ReloadPlan | null
  readonly setup: Hook | null
  readonly finish: Hook | null
  readonly log: LogPlan
}

/** All definitions that came from one file, with the name that they share. */
export interface ProjectDefinition {
  readonly name: string
  /** The absolute path of the file the project was read from. */
  readonly file: string
  readonly directory: string
  readonly services: Readonly<Record<string, ServiceDefinition>>
}

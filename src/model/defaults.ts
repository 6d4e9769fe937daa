// What a definition is when little is said. The printed defaults in service-fields.ts are compared
// with these by a test.

import type {
  Command,
  Liveness,
  LogPlan,
  Probe,
  RestartPolicy,
  ServiceDefinition,
  ServiceKind,
  StopPlan,
} from './service-definition.ts'

const SIGTERM = 15

export const DEFAULT_READY_TIMEOUT_MS = 30_000
export const DEFAULT_HOOK_TIMEOUT_MS = 60_000
export const DEFAULT_LIVENESS_FAILURES = 3 satisfies Liveness['failures']

export const defaultReadyProbe = {
  intervalMs: 250,
  attemptTimeoutMs: 5_000,
} as const satisfies Partial<Probe>

export const defaultLiveProbe = {
  intervalMs: 10_000,
  attemptTimeoutMs: 5_000,
} as const satisfies Partial<Probe>

/** A longrun is always restarted; a oneshot has done its work or has failed. */
export function defaultRestart(kind: ServiceKind): RestartPolicy {
  return {
    policy: kind === 'longrun' ? 'always' : 'never',
    backoffMinMs: 100,
    backoffMaxMs: 30_000,
    stableMs: 10_000,
    burst: null,
    successCodes: [],
  }
}

export const defaultStop: StopPlan = {
  signal: SIGTERM,
  timeoutMs: 10_000,
  kill: 'cgroup',
  command: null,
  commandGraceMs: 10_000,
}

export const defaultLog: LogPlan = {
  maxSizeBytes: 10 * 1024 * 1024,
  maxAgeMs: Number.POSITIVE_INFINITY,
  keep: 10,
  compress: 'zstd',
  timestamps: 'index',
}

/** What has no default, and whatever else is known. */
export type ServiceInput = Partial<ServiceDefinition> & {
  readonly name: string
  readonly command: Command
  readonly directory: string
}

/** Completes a definition. */
export function withDefaults(input: ServiceInput): ServiceDefinition {
  const kind = input.kind ?? 'longrun'
  return {
    description: null,
    kind,
    environment: {},
    environmentFiles: [],
    instanceEnvironment: [],
    user: null,
    group: null,
    supplementaryGroups: [],
    umask: null,
    nice: null,
    limits: {},
    instances: 1,
    isStartedAtBoot: true,
    requires: [],
    wants: [],
    after: [],
    before: [],
    readiness: { kind: 'immediate' },
    liveness: null,
    restart: defaultRestart(kind),
    stop: defaultStop,
    reload: null,
    setup: null,
    finish: null,
    log: defaultLog,
    ...input,
  }
}

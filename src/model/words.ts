// Lists of words of the model, for readers and checks: typed so that a word which is added to
// service-definition.ts must be added here too.

import type {
  KillMode,
  LimitName,
  LogPlan,
  RestartPolicy,
  ServiceKind,
} from './service-definition.ts'

const keysOf = <T extends string>(words: Readonly<Record<T, true>>): readonly T[] =>
  Object.keys(words) as T[]

export const serviceKinds = keysOf<ServiceKind>({ longrun: true, oneshot: true })
export const killModes = keysOf<KillMode>({ cgroup: true, group: true, mixed: true, process: true })
export const restartPolicies = keysOf<RestartPolicy['policy']>({
  always: true,
  'on-failure': true,
  never: true,
})
export const compressions = keysOf<LogPlan['compress']>({ zstd: true, none: true })
export const timestampKinds = keysOf<LogPlan['timestamps']>({ index: true, inline: true })

/** The names of getrlimit(2), in lower case. */
export const limitNames = keysOf<LimitName>({
  as: true,
  core: true,
  cpu: true,
  data: true,
  fsize: true,
  memlock: true,
  msgqueue: true,
  nofile: true,
  nproc: true,
  rss: true,
  rtprio: true,
  sigpending: true,
  stack: true,
})

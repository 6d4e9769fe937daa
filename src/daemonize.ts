// The public sub-path "eudaemon/daemonize": a Node program becomes a well-behaved daemon, or stays
// where a supervisor has put it; PEP 3143's DaemonContext; PID files; a graceful end. The C library
// is loaded only by what needs it: under a supervisor that is little.

export type { DaemonStream, HeldFile, SignalAction } from './daemonize/context-steps.ts'
export { DaemonContext, type DaemonContextOptions } from './daemonize/daemon-context.ts'
export { type Daemon, daemonize } from './daemonize/daemonize.ts'
export type { DaemonizeOptions, Time } from './daemonize/daemonize-options.ts'
export { onReload, type Reload } from './daemonize/on-reload.ts'
export { type Drain, onTerminate, type TerminateOptions } from './daemonize/on-terminate.ts'
export { PidFile } from './daemonize/own-pid-file.ts'
export {
  type ReadyDialectSpoken,
  type ReadyOptions,
  type ReadyResult,
  sayReady as ready,
} from './daemonize/ready.ts'
export type { Starter, SupervisedBy } from './daemonize/supervised-by.ts'

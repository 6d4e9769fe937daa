// Where everything lives. One place for it, because the command, the guardian and the supervisor
// must agree. Pure: the environment and the user number come in.

export interface HomePaths {
  /** Sockets, locks, FIFOs: gone after a reboot. */
  readonly runtime: string
  readonly state: string
  readonly logs: string
}

/**
 * `EUDAEMON_HOME` puts everything under one folder. Otherwise root uses /run, /var/lib and
 * /var/log, others the XDG base directories.
 */
export function homePaths(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): HomePaths {
  const home = environment['EUDAEMON_HOME']
  if (home) return { runtime: `${home}/run`, state: `${home}/state`, logs: `${home}/log` }
  if (uid === 0) {
    return { runtime: '/run/eudaemon', state: '/var/lib/eudaemon', logs: '/var/log/eudaemon' }
  }
  const user = environment['HOME'] || '/'
  const stateHome = environment['XDG_STATE_HOME'] || `${user}/.local/state`
  const runtimeHome = environment['XDG_RUNTIME_DIR']
  return {
    runtime: runtimeHome ? `${runtimeHome}/eudaemon` : `${stateHome}/eudaemon/run`,
    state: `${stateHome}/eudaemon/state`,
    logs: `${stateHome}/eudaemon/log`,
  }
}

/** The socket of the control API. */
export function controlSocketPath(paths: HomePaths): string {
  return `${paths.runtime}/control.sock`
}

// Where a supervisor keeps its things. Pure: the environment is handed in.

export interface Directories {
  /** Control socket, locks, what does not outlive a boot. Mode 0700. */
  readonly runtime: string
  readonly state: string
  readonly log: string
  /** What the three have in common, for people; EUDAEMON_HOME when that is set. */
  readonly home: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Undefined when there is neither EUDAEMON_HOME nor a home directory to put them in. */
export function directoriesFor(env: Environment, uid: number): Directories | undefined {
  const home = env['EUDAEMON_HOME']
  if (home !== undefined && home !== '') {
    const root = home.replace(/(?<=.)\/+$/, '')
    return { runtime: `${root}/run`, state: `${root}/state`, log: `${root}/log`, home: root }
  }
  if (uid === 0) {
    return {
      runtime: '/run/eudaemon',
      state: '/var/lib/eudaemon',
      log: '/var/log/eudaemon',
      home: '/var/lib/eudaemon',
    }
  }
  const state = xdg(env, 'XDG_STATE_HOME', '.local/state')
  if (state === undefined) return undefined
  // Without a session there is no XDG_RUNTIME_DIR; /tmp would be open to others.
  const runtime = absolute(env['XDG_RUNTIME_DIR']) ?? `${state}/eudaemon`
  return {
    runtime: runtime === `${state}/eudaemon` ? `${runtime}/run` : `${runtime}/eudaemon`,
    state: `${state}/eudaemon/state`,
    log: `${state}/eudaemon/log`,
    home: `${state}/eudaemon`,
  }
}

/** The socket of the control API. */
export function controlSocketIn(directories: Directories): string {
  return `${directories.runtime}/control.sock`
}

/** A Unix socket's path has 108 bytes with its closing zero (unix(7)). */
export const MAX_SOCKET_PATH_BYTES = 107

function xdg(env: Environment, name: string, fallback: string): string | undefined {
  const home = absolute(env['HOME'])
  return absolute(env[name]) ?? (home === undefined ? undefined : `${home}/${fallback}`)
}

/** The XDG specification: relative paths are to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? path : undefined
}

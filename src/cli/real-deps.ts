// The real world for commands. What only some of them need is loaded when they need it.

import { ToolkitError } from '../base/toolkit-error.ts'
import { controlSocketIn, type Directories, directoriesFor } from '../protocol/directories.ts'
import { path } from './builtin.ts'
import type { Deps, Screen, StopSignal } from './deps.ts'

export function createDeps(out: Screen, err: Screen): Deps {
  const env = withAbsoluteHome(process.env)
  const uid = process.getuid?.() ?? 0
  let found: Directories | undefined
  const directories = (): Directories => {
    found ??= findDirectories(env, uid)
    return found
  }

  const connect: Deps['connect'] = async (patienceMs) => {
    const { createClient } = await import('../client/client.ts')
    return createClient(controlSocketIn(directories()), patienceMs)
  }

  return {
    env,
    // Both may be missing: the folder removed, no HOME set. Only some commands need them.
    get directory() {
      return process.cwd()
    },
    uid,
    get directories() {
      return directories()
    },
    out,
    err,
    now: Date.now,
    delay: (ms) => new Promise((done) => setTimeout(done, ms)),
    onSignal,
    connect,
    ensureSupervisor: async () => {
      const { ensureSupervisor } = await import('./start-supervisor.ts')
      await ensureSupervisor({ directories: directories(), env })
      return connect()
    },
    supervise: async (options) => {
      const { superviseHere } = await import('./start-supervisor.ts')
      return superviseHere({ directories: directories(), env, ...options })
    },
  }
}

/** The supervisor runs in another directory than the command. */
function withAbsoluteHome(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const home = env['EUDAEMON_HOME']
  return home === undefined || home === '' ? env : { ...env, EUDAEMON_HOME: path.resolve(home) }
}

function findDirectories(
  env: Readonly<Record<string, string | undefined>>,
  uid: number,
): Directories {
  const directories = directoriesFor(env, uid)
  if (directories !== undefined) return directories
  throw new ToolkitError('ERR_BAD_HOME', 'there is no place for state and logs', {
    hint: 'Set HOME or EUDAEMON_HOME to an absolute path.',
  })
}

function onSignal(
  signals: readonly StopSignal[],
  listener: (signal: StopSignal) => void,
): () => void {
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}

// The real world for commands. What only some of them need is loaded when they need it.

import { ToolkitError } from '../base/toolkit-error.ts'
import { controlSocketIn, type Directories, directoriesFor } from '../protocol/directories.ts'
import { path } from './builtin.ts'
import type { Deps, Screen } from './deps.ts'
import { createPlainDeps } from './plain-deps.ts'

export function createDeps(out: Screen, err: Screen): Deps {
  const plain = createPlainDeps(out, err)
  const { uid } = plain
  const env = withAbsoluteHome(plain.env)
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
    // Not by spreading: a folder that was removed is an error only for who asks for it.
    get directory() {
      return plain.directory
    },
    uid,
    out,
    err,
    now: plain.now,
    delay: plain.delay,
    onSignal: plain.onSignal,
    get directories() {
      return directories()
    },
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

// The environment of a service, layer by layer; the later layer wins. Nothing is read here: the env
// files come parsed. What belongs to the supervisor itself, or to the shell session that
// happened to start it, stops at this door.

import type { InvocationId } from '../base/brands.ts'
import { type ExitStatus, printExitStatus } from '../base/exit-status.ts'
import { signalName } from '../base/signal.ts'
import type { Role } from '../core/instance-state.ts'
import type { User } from '../kernel/credentials.ts'
import type { ServiceDefinition } from '../model/service-definition.ts'
import type { InstanceName } from '../model/service-name.ts'

/** For a base environment without PATH. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface EnvironmentLayers {
  readonly base: Readonly<Record<string, string>>
  readonly user: User | null
  /** In the order of the definition. */
  readonly files: readonly ReadonlyMap<string, string>[]
  readonly definition: ServiceDefinition
  readonly name: InstanceName
  readonly invocation: InvocationId
  readonly role: Role
  readonly mainPid: number | null
  readonly exit: ExitStatus | null
}

/**
 * Not inherited. A service that got them would talk to our init in our name (NOTIFY_SOCKET,
 * LISTEN_*, WATCHDOG_*), believe in another invocation, write into our compile cache, or see
 * where the operator's shell stood (PWD, OLDPWD, SHLVL, _). A definition may set any of them.
 */
const ours: ReadonlySet<string> = new Set([
  ...['NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC', 'INVOCATION_ID', 'JOURNAL_STREAM'],
  ...['MAINPID', 'MANAGERPID', 'SYSTEMD_EXEC_PID', 'FDSTORE'],
  ...['NODE_COMPILE_CACHE', 'NODE_COMPILE_CACHE_PORTABLE', 'NODE_DISABLE_COMPILE_CACHE'],
  ...['PWD', 'OLDPWD', 'SHLVL', '_'],
])

function isInherited(name: string): boolean {
  if (ours.has(name) || name.startsWith('LISTEN_')) return false
  return !name.startsWith('EUDAEMON_') || name === 'EUDAEMON_HOME'
}

/** All layers in one. PWD is the service's directory, and PATH is never missing. */
export function composeEnvironment(layers: EnvironmentLayers): ReadonlyMap<string, string> {
  const { definition, user, name } = layers
  const result = new Map<string, string>([['PATH', DEFAULT_PATH]])
  for (const [key, value] of Object.entries(layers.base)) {
    if (isInherited(key)) result.set(key, value)
  }
  result.set('PWD', definition.directory)
  if (user !== null) {
    result.set('HOME', user.home)
    result.set('USER', user.name)
    result.set('LOGNAME', user.name)
    result.set('SHELL', user.shell === '' ? '/bin/sh' : user.shell)
  }
  for (const file of layers.files) for (const [key, value] of file) result.set(key, value)
  for (const [key, value] of Object.entries(definition.environment)) result.set(key, value)
  for (const variable of definition.instanceEnvironment) {
    result.set(variable.name, String(variable.base + variable.step * (name.index - 1)))
  }
  addOwn(result, layers)
  return result
}

/** What the toolkit tells the service about itself; nobody can override it. */
function addOwn(result: Map<string, string>, layers: EnvironmentLayers): void {
  const { name, role, exit, mainPid } = layers
  result.set('EUDAEMON_PROJECT', name.project)
  result.set('EUDAEMON_SERVICE', name.service)
  result.set('EUDAEMON_INSTANCE', `${name.service}@${name.index}`)
  result.set('EUDAEMON_INVOCATION_ID', layers.invocation)
  if ((role === 'stop' || role === 'reload') && mainPid !== null) {
    result.set('MAINPID', String(mainPid))
  }
  if (role !== 'finish' || exit === null) return
  if (exit.kind === 'exited') result.set('EUDAEMON_EXIT_CODE', String(exit.code))
  if (exit.kind === 'signaled') result.set('EUDAEMON_EXIT_SIGNAL', signalName(exit.signal))
  result.set('EUDAEMON_EXIT_STATUS', printExitStatus(exit))
}

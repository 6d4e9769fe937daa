// The steps of DaemonContext.open() in the daemon's own process, in the order of PEP 3143's
// reference implementation, but for two: the PID file comes before the root directory and the user
// change, so that it may lie in /run; and standard error is redirected last, so that a failing step
// is heard.

import type { ReadStream, WriteStream } from 'node:fs'
import { signalNumbers } from '../base/signal.ts'
import { findUser, groupsOf } from '../kernel/credentials.ts'
import { closeFd, openDevNull } from '../kernel/fd.ts'
import { changeRoot, ignoreSignal, preventCoreDumps } from '../kernel/this-process.ts'
import { bad } from './daemonize-options.ts'
import { changeUser, loadEarly, replaceStream, step } from './in-process.ts'

/** A descriptor, or a stream of node:fs, which is waited for until it is open. */
export type DaemonStream = number | { readonly fd: number } | ReadStream | WriteStream

/** What happens at a signal: nothing (null), the method of the context with that name, or a
 *  function. */
export type SignalAction =
  | null
  | string
  | ((signal: NodeJS.Signals, number: number) => void | Promise<void>)

/** What a context claims when it opens and releases when it closes; a PidFile, for example. */
export interface HeldFile {
  claim(): unknown
  release(): unknown
}

/** The attributes of a DaemonContext that its steps read; see DaemonContextOptions. */
export interface ContextSettings {
  readonly chrootDirectory: string | null
  readonly workingDirectory: string
  readonly umask: number
  readonly pidFile: HeldFile | null
  readonly signalMap: Readonly<Partial<Record<NodeJS.Signals, SignalAction>>>
  readonly uid: number
  readonly gid: number
  readonly initgroups: boolean
  readonly preventCore: boolean
  readonly stdin: DaemonStream | null
  readonly stdout: DaemonStream | null
  readonly stderr: DaemonStream | null
}

export interface ContextSteps {
  /** All but standard error. Throws ToolkitError. */
  apply(): void
  redirectStderr(): void
}

/** Looks up what the steps need, while the old root directory and the old rights are there. */
export async function contextSteps(
  context: ContextSettings,
  isRelaunched: boolean,
): Promise<ContextSteps> {
  const streams = [
    await descriptorOf('stdin', context.stdin),
    await descriptorOf('stdout', context.stdout),
    await descriptorOf('stderr', context.stderr),
  ] as const
  loadEarly()
  const actions = resolveActions(context)
  const groups = groupsFor(context)
  const devNull = step('open /dev/null', openDevNull)
  const redirect = (number: 0 | 1 | 2): void => replaceStream(number, streams[number] ?? devNull)
  return {
    apply: () => {
      context.pidFile?.claim()
      // The engine has done it before the program was executed.
      if (context.preventCore && !isRelaunched) step('prevent core dumps', preventCoreDumps)
      const { chrootDirectory: root, workingDirectory, umask, uid, gid } = context
      if (root !== null) step(`change the root directory to '${root}'`, () => changeRoot(root))
      step(`set the umask to ${umask}`, () => process.umask(umask))
      step(`enter the working directory '${workingDirectory}'`, () =>
        process.chdir(workingDirectory),
      )
      if (groups !== null) changeUser({ uid, gid, groups })
      for (const action of actions) action()
      redirect(0)
      redirect(1)
    },
    redirectStderr: () => {
      redirect(2)
      closeFd(devNull)
    },
  }
}

/** Null for no stream. A stream of node:fs has no descriptor before it is open. */
async function descriptorOf(name: string, stream: DaemonStream | null): Promise<number | null> {
  if (stream === null || typeof stream === 'number') return stream
  if ('fd' in stream && typeof stream.fd === 'number') return stream.fd
  if (!('once' in stream)) throw bad(name, 'it has no descriptor')
  return new Promise((resolve, reject) => {
    stream.once('open', resolve)
    stream.once('error', reject)
  })
}

/**
 * The groups of the process after the change; null when there is nothing to change. Without
 * initgroups the PEP leaves the groups as they are: those of root, for a daemon that has left root
 * behind. Here none are left then.
 */
function groupsFor({ uid, gid, initgroups }: ContextSettings): readonly number[] | null {
  const isUs = [process.getuid?.(), process.geteuid?.()].every((own) => own === uid)
  const isOurGroup = [process.getgid?.(), process.getegid?.()].every((own) => own === gid)
  if (isUs && isOurGroup && !initgroups) return null
  if (!initgroups) return uid === process.geteuid?.() ? (process.getgroups?.() ?? []) : []
  const user = findUser(String(uid))
  if (user === null) throw bad('initgroups', `there is no user ${uid}, so nothing tells its groups`)
  return groupsOf({ ...user, gid })
}

function resolveActions(context: ContextSettings): readonly (() => void)[] {
  return Object.entries(context.signalMap).map(([name, action]) => {
    const signal = name as NodeJS.Signals
    const number = (signalNumbers as Readonly<Record<string, number>>)[name.replace(/^SIG/, '')]
    if (number === undefined) throw bad('signalMap', `'${name}' is no signal`)
    if (action === null) return () => step(`ignore ${name}`, () => ignoreSignal(number))
    const listener = listenerOf(context, action ?? null)
    return () => step(`listen to ${name}`, () => void process.on(signal, listener))
  })
}

type Listener = (signal: NodeJS.Signals, number: number) => void

function listenerOf(context: ContextSettings, action: SignalAction): Listener {
  if (typeof action === 'function') return action
  const method: unknown = Reflect.get(context, action ?? '')
  if (typeof method !== 'function') throw bad('signalMap', `the context has no method '${action}'`)
  return (signal, number) => method.call(context, signal, number)
}

// Starts a process with posix_spawn(3): fork and exec without copying our memory, so that it takes
// the same third of a millisecond however large this process is. The child starts clean: only the
// named descriptors, no blocked and no ignored signal. It comes back as a pidfd.

import { readdirSync } from 'node:fs'
import { type Fd, type Pid, toPid } from '../base/brands.ts'
import { withDescriptorLimit } from './fd.ts'
import { constants, layouts } from './layouts.ts'
import { hasCall, libc } from './libc.ts'
import { openPidfd } from './pidfd.ts'
import { diagnoseSpawn, type SpawnFailure, spawnFailure } from './spawn-failure.ts'
import { errnos, KernelError } from './syscall-error.ts'
import { killAndReap } from './wait.ts'

export { resolveProgram } from './program.ts'
export type { SpawnFailure } from './spawn-failure.ts'

export interface SpawnRequest {
  /** Absolute, already resolved: no search is done. */
  readonly path: string
  readonly argv: readonly string[]
  /** `NAME=value` */
  readonly env: readonly string[]
  /** Null: ours. */
  readonly directory: string | null
  /** What the child has open: our `from` as its `to`. Everything else is closed, 0 to 2 too. */
  readonly files: readonly { readonly from: Fd; readonly to: number }[]
  readonly session: 'new-session' | 'new-group' | 'inherit'
  /** The soft limit of open files that the child begins with; absent, or above ours: ours. */
  readonly softOpenFiles?: number
}

export type SpawnResult =
  | { readonly kind: 'spawned'; readonly pid: Pid; readonly pidfd: Fd }
  | SpawnFailure

const pidCell = Buffer.alloc(4)
const actions = Buffer.alloc(layouts.posix_spawn_file_actions_t.size)
const preparedAttributes = new Map<SpawnRequest['session'], Buffer>()

/** Starts the process. Synchronous; returns when exec has happened or failed. Never throws for the
 *  request's content: a string with a NUL byte is a failure too (EINVAL). */
export function spawnProcess(request: SpawnRequest): SpawnResult {
  const { path, argv, env, directory } = request
  const nul = [path, directory ?? '', ...argv, ...env].find((text) => text.includes('\0'))
  if (nul !== undefined) {
    const stage = nul === directory ? 'chdir' : 'exec'
    const shown = nul.replaceAll('\0', '\\0')
    return spawnFailure(stage, errnos.EINVAL, shown, 'the string contains a NUL byte')
  }
  const attributes = attributesFor(request.session)
  const refused = prepareActions(request)
  if (refused !== 0) {
    libc.posix_spawn_file_actions_destroy(actions)
    return spawnFailure(refused === errnos.ENOMEM ? 'fork' : 'files', refused, '')
  }
  const spawn = (): number =>
    libc.posix_spawn(pidCell, path, actions, attributes, [...argv, null], [...env, null])
  const { softOpenFiles } = request
  const errno = softOpenFiles === undefined ? spawn() : withDescriptorLimit(softOpenFiles, spawn)
  libc.posix_spawn_file_actions_destroy(actions)
  if (errno !== 0) return diagnoseSpawn(path, directory, errno)
  return watch(toPid(pidCell.readInt32LE(0)))
}

/** The child is ours and not reaped, so its number cannot have been given to another process. */
function watch(pid: Pid): SpawnResult {
  try {
    const pidfd = openPidfd(pid)
    if (pidfd !== null) return { kind: 'spawned', pid, pidfd }
    return spawnFailure('pidfd', errnos.ESRCH, String(pid))
  } catch (error) {
    killAndReap(pid)
    if (!(error instanceof KernelError)) throw error
    return spawnFailure('pidfd', error.errno, String(pid))
  }
}

/** Writes the list of steps between fork and exec. Returns an errno, 0 when all is well. */
function prepareActions({ files, directory }: SpawnRequest): number {
  let errno = libc.posix_spawn_file_actions_init(actions)
  const step = (result: number): void => {
    if (errno === 0) errno = result
  }
  const move = (from: number, to: number): void =>
    step(libc.posix_spawn_file_actions_adddup2(actions, from, to))
  const close = (fd: number): void => step(libc.posix_spawn_file_actions_addclose(actions, fd))

  const targets = new Set(files.map(({ to }) => to))
  const first = Math.max(2, ...targets) + 1
  const sources = new Set<number>(files.map(({ from }) => from))
  let spare = first
  const park = (): number => {
    while (sources.has(spare)) spare += 1
    return spare++
  }
  const moves: { from: number; to: number }[] = []
  for (const { from, to } of files) {
    // A source that another move would overwrite is first parked on a low number that is not in
    // play: the child's limit may be far below the numbers of our descriptors.
    const parked = from !== to && targets.has(from) ? park() : from
    if (parked !== from) move(from, parked)
    moves.push({ from: parked, to })
  }
  // dup2 of a descriptor onto itself clears its close-on-exec flag here (posix_spawn, glibc 2.29).
  for (const { from, to } of moves) move(from, to)
  for (let fd = 0; fd < first; fd += 1) if (!targets.has(fd)) close(fd)
  closeFrom(first, spare, close, step)
  if (directory !== null) step(libc.posix_spawn_file_actions_addchdir_np(actions, directory))
  return errno
}

function closeFrom(
  first: number,
  spare: number,
  close: (fd: number) => void,
  step: (errno: number) => void,
): void {
  if (hasCall('posix_spawn_file_actions_addclosefrom_np')) {
    step(libc.posix_spawn_file_actions_addclosefrom_np(actions, first))
    return
  }
  // Before glibc 2.34. One of the numbers is the listing's own; to close it twice does no harm.
  for (const name of readdirSync('/proc/self/fd')) if (Number(name) >= first) close(Number(name))
  for (let fd = first; fd < spare; fd += 1) close(fd)
}

/** The attributes never change, so each kind of session has one prepared object. */
function attributesFor(session: SpawnRequest['session']): Buffer {
  const known = preparedAttributes.get(session)
  if (known !== undefined) return known
  const attributes = Buffer.alloc(layouts.posix_spawnattr_t.size)
  const set = Buffer.alloc(layouts.sigset_t.size)
  let flags: number = constants.POSIX_SPAWN_SETSIGDEF | constants.POSIX_SPAWN_SETSIGMASK
  if (session === 'new-session') flags |= constants.POSIX_SPAWN_SETSID
  if (session === 'new-group') flags |= constants.POSIX_SPAWN_SETPGROUP
  libc.posix_spawnattr_init(attributes)
  libc.posix_spawnattr_setflags(attributes, flags)
  libc.posix_spawnattr_setpgroup(attributes, 0)
  libc.sigemptyset(set)
  libc.posix_spawnattr_setsigmask(attributes, set)
  // Not sigfillset(3): it leaves out 32 and 33, the C library's own, and posix_spawn(3) then leaves
  // them ignored in the child.
  set.fill(0xff)
  libc.posix_spawnattr_setsigdefault(attributes, set)
  preparedAttributes.set(session, attributes)
  return attributes
}

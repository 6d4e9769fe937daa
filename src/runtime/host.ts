// What the supervisor finds around it: the lock that makes it the only one, the guardian above it,
// the descriptors that it inherits. Everything inherited is closed for our own children at once.

import type { Fd, Pid } from '../base/brands.ts'
import { toFd, toPid } from '../base/brands.ts'
import { DEFAULT_SOFT_OPEN_FILES } from '../base/limits.ts'
import { monotonicMs } from '../kernel/clock.ts'
import { setCloseOnExec } from '../kernel/fd.ts'
import { probeFeatures } from '../kernel/features.ts'
import { tryLock } from '../kernel/file-lock.ts'
import { openPidfd } from '../kernel/pidfd.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { peerCredentials } from '../kernel/unix-socket.ts'
import { inheritedCallerLimit } from '../launch/caller-limit.ts'
import type { FeatureAnswer } from '../protocol/response.ts'

export interface Host {
  /** Null: run without one; then orphans are ours. */
  readonly guardian: Pid | null
  /** How the last supervisor ended, as the shell says it; undefined: this is the first. */
  readonly lastExit: string | undefined
  /** The guardian was told to end, and no supervisor has answered by ending yet. */
  readonly isAskedToEnd: boolean
  readonly storeFds: readonly Fd[] | null
  /** The soft limit of open files that services begin with. */
  readonly softOpenFiles: number
  /** Tried once, when it is first asked for: it takes milliseconds and a child. */
  features(): readonly FeatureAnswer[]
  now(): number
  /** Only our own user and root may ask. */
  checkPeer(socketFd: number): boolean
  /** Calls back when the guardian has died. */
  watchGuardian(poller: Poller, onDeath: () => void): void
  /** What the next guardian needs, should we become it. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** `locked`: another supervisor runs here. */
export function openHost(
  runtimeDirectory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Host | 'locked' {
  const lock = tryLock(`${runtimeDirectory}/supervisor.lock`)
  if (lock === 'held') return 'locked'
  const guardianText = environment['EUDAEMON_GUARDIAN_PID']
  const isGuarded = guardianText !== undefined && Number(guardianText) === process.ppid
  const storeText = isGuarded ? environment['EUDAEMON_STORE_FDS'] : undefined
  const storeFds = storeText?.split(',').map((word) => toFd(Number(word))) ?? null
  const guardianLock = isGuarded ? environment['EUDAEMON_GUARDIAN_LOCK_FD'] : undefined
  for (const fd of storeFds ?? []) setCloseOnExec(fd, true)
  if (guardianLock) setCloseOnExec(toFd(Number(guardianLock)), true)
  const guardian = isGuarded ? toPid(process.ppid) : null
  let features: readonly FeatureAnswer[] | null = null
  return {
    guardian,
    lastExit: isGuarded ? environment['EUDAEMON_LAST_EXIT'] || undefined : undefined,
    isAskedToEnd: isGuarded && Boolean(environment['EUDAEMON_GUARDIAN_ASKED']),
    storeFds,
    softOpenFiles: inheritedCallerLimit(environment) ?? DEFAULT_SOFT_OPEN_FILES,
    environment,
    features: () => {
      features ??= Object.entries(probeFeatures()).map(([name, { available, detail }]) => ({
        name,
        isPresent: available,
        detail,
      }))
      return features
    },
    now: monotonicMs,
    checkPeer: (socketFd) => {
      const { uid } = peerCredentials(toFd(socketFd))
      return uid === 0 || uid === process.getuid?.()
    },
    watchGuardian: (poller, onDeath) => {
      if (guardian === null) return
      const pidfd = openPidfd(guardian)
      if (pidfd === null || process.ppid !== guardian) return onDeath()
      poller.add(pidfd, POLLIN, onDeath)
    },
  }
}

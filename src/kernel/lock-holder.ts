// Which process holds a lock on a file, as /proc shows it. /proc/locks names files by numbers that
// some file systems show differently to fstat(2); the descriptors of one process do not.

import { fstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import type { Fd, Pid } from '../base/brands.ts'
import { isErrno } from './syscall-error.ts'

/**
 * True when that process has this very file open and holds a lock on it of a kind that daemons
 * take for their life: flock(2) or F_SETLK, not that of an open file description (proc(5), fdinfo).
 * False also when we may not look at its descriptors.
 */
export function holdsLock(pid: Pid, file: Fd): boolean {
  const { dev, ino } = fstatSync(file, { bigint: true })
  return orWhenHidden([], () => readdirSync(`/proc/${pid}/fd`)).some((name) =>
    orWhenHidden(false, () => {
      const found = statSync(`/proc/${pid}/fd/${name}`, { bigint: true })
      if (found.ino !== ino || found.dev !== dev) return false
      return /^lock:\s+\d+: (?:FLOCK|POSIX)/m.test(
        readFileSync(`/proc/${pid}/fdinfo/${name}`, 'latin1'),
      )
    }),
  )
}

/** The process, one of its descriptors, or the right to see them is gone. */
function orWhenHidden<T>(otherwise: T, look: () => T): T {
  try {
    return look()
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((name) => isErrno(error, name))) {
      return otherwise
    }
    throw error
  }
}

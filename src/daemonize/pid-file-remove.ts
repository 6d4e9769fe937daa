// Takes a PID file away whose owner has ended, or is about to: only while nobody claims it, and
// only while it still says what it said. What another start has put there in between stays.

import { unlinkSync } from 'node:fs'
import type { Fd } from '../base/brands.ts'
import { MAX_PID_FILE_ATTEMPTS } from '../base/limits.ts'
import { closeFd } from '../kernel/fd.ts'
import { isStillAt, tryWriteLock } from '../kernel/file-lock.ts'
import { KernelError, kernelErrorOf } from '../kernel/syscall-error.ts'
import { openPidFile, readPidRecord } from './pid-file-open.ts'
import { isSameProcess, type ProcessIdentity } from './pid-file-record.ts'
import { removeLitter } from './pid-file-temporary.ts'
import { judgeOwner, sidePathOf } from './pid-owner.ts'

export type Removal =
  | { readonly kind: 'removed' }
  /** Somebody else has removed it, as many daemons do at their end. */
  | { readonly kind: 'gone' }
  /** It is about another process now, or is being claimed for one. */
  | { readonly kind: 'replaced' }
  /** The system refused; `why` is a whole sentence for people. */
  | { readonly kind: 'kept'; readonly why: string }

/**
 * Removes the PID file of that very process, and the record beside it. The caller knows that the
 * process has ended, or is itself that process. Never throws for what the system refuses.
 */
export function removePidFileOf(path: string, identity: ProcessIdentity): Removal {
  const isOf = (fd: Fd): boolean => {
    const record = readPidRecord(fd)
    if (record.kind === 'number') return record.pid === identity.pid
    if (record.kind !== 'identity') return false
    const { bootId, namespace } = record.identity
    if (bootId !== identity.bootId || namespace !== identity.namespace) return false
    return isSameProcess(record.identity, identity) === true
  }
  removeWhile(sidePathOf(path), isOf)
  return removeWhile(path, isOf)
}

/** Removes a PID file whose owner is gone, whoever that was, and the record beside it. */
export function removeStalePidFile(path: string): Removal {
  const removal = removeWhile(path, (fd) => judgeOwner(fd, path).kind === 'stale')
  if (removal.kind === 'removed') {
    const side = sidePathOf(path)
    removeWhile(side, (fd) => judgeOwner(fd, side).kind === 'stale')
  }
  return removal
}

/** Holds the right to the name (see pid-file.ts) while it looks and removes. */
function removeWhile(path: string, condition: (fd: Fd) => boolean): Removal {
  try {
    for (let attempt = 0; attempt < MAX_PID_FILE_ATTEMPTS; attempt += 1) {
      const opened = openPidFile(path, 'write')
      if (opened.kind === 'absent') return { kind: 'gone' }
      if (opened.kind === 'refused') return { kind: 'kept', why: opened.why }
      try {
        // A stop beside us holds the right for an instant, a start for long.
        if (!tryWriteLock(opened.fd, path)) continue
        if (!isStillAt(opened.fd, path)) continue
        if (!condition(opened.fd)) return { kind: 'replaced' }
        removeLitter(path)
        unlinkSync(path)
        return { kind: 'removed' }
      } finally {
        closeFd(opened.fd)
      }
    }
    return { kind: 'replaced' }
  } catch (error) {
    const cause = kernelErrorOf(error, path)
    if (cause instanceof KernelError) return { kind: 'kept', why: cause.message }
    throw error
  }
}

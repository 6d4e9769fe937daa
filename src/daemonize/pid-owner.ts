// Who owns a PID file: the living process that it was written for, as a pidfd. The pidfd is opened
// first and the identity behind it is checked afterwards, so a signal through it reaches that
// process or nobody. A number is never believed alone. Nothing here changes a file.

import type { Fd, Pid } from '../base/brands.ts'
import { MAX_PID_FILE_ATTEMPTS } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { closeFd } from '../kernel/fd.ts'
import { conflictingLock, isStillAt, tryLockFd, unlockFd } from '../kernel/file-lock.ts'
import { holdsLock } from '../kernel/lock-holder.ts'
import { hasEnded, openPidfd } from '../kernel/pidfd.ts'
import { bootId, pidNamespace, userIdsOf } from '../kernel/procfs.ts'
import { KernelError } from '../kernel/syscall-error.ts'
import {
  objectionToFolder,
  openPidFile,
  possibleForgers,
  readPidRecord,
  versionOf,
} from './pid-file-open.ts'
import {
  identityOfPidfd,
  isSameProcess,
  type PidRecord,
  type ProcessIdentity,
} from './pid-file-record.ts'

/** The caller of openOwner() closes `pidfd`. */
export interface RunningOwner {
  readonly kind: 'running'
  readonly pid: Pid
  readonly pidfd: Fd
  readonly identity: ProcessIdentity
}

/** Whoever wrote the file is gone. `pid` is null when it names nobody. */
export interface StaleOwner {
  readonly kind: 'stale'
  readonly pid: Pid | null
  readonly why: string
}

/** It cannot be told; nothing may be done to the process, nor to the file. */
export interface UnknownOwner {
  readonly kind: 'unknown'
  readonly pid: Pid | null
  readonly why: string
  readonly hint: string
}

export type Owner =
  | { readonly kind: 'absent' }
  /** Somebody holds the right to replace the file: a start, or the end of a stop. */
  | { readonly kind: 'starting' }
  | RunningOwner
  | StaleOwner
  | UnknownOwner

/** The name of the record beside a PID file that a daemon writes itself. */
export function sidePathOf(path: string): string {
  return `${path}.identity`
}

/** Finds the owner. What the system refuses (EACCES, ENOTDIR...) is `unknown`. */
export function openOwner(path: string): Owner {
  try {
    for (let attempt = 0; attempt < MAX_PID_FILE_ATTEMPTS; attempt += 1) {
      const opened = openPidFile(path, 'read')
      if (opened.kind === 'absent') return opened
      if (opened.kind === 'refused') return { ...opened, kind: 'unknown', pid: null }
      try {
        const owner = judgeOwner(opened.fd, path)
        // What was read may have been replaced before we judged it.
        if (owner.kind === 'running' || isStillAt(opened.fd, path)) return owner
      } finally {
        closeFd(opened.fd)
      }
    }
    return { kind: 'starting' }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    const hint = 'Run the command as the user who owns the file, or as root.'
    return unknown(null, error.message, hint)
  }
}

/** Judges an open PID file: its content first, then who holds the right to replace it. */
export function judgeOwner(fd: Fd, path: string): Exclude<Owner, { readonly kind: 'absent' }> {
  const lock = conflictingLock(fd)
  const verdict = judgeRecord(fd, path, lock?.pid ?? null)
  if (verdict.kind === 'running' || lock === null) return verdict
  if (lock.kind === 'write' && lock.pid === null) return { kind: 'starting' }
  const who = lock.pid === null ? 'another program' : `process ${lock.pid}`
  const why = `${who} holds a lock on ${quote(path)}`
  return unknown(verdict.pid, why, `See who it is with \`fuser ${path}\`, and end it.`)
}

type Verdict = RunningOwner | StaleOwner | UnknownOwner

function judgeRecord(fd: Fd, path: string, lockedBy: number | null): Verdict {
  const record = readPidRecord(fd)
  if (record.kind === 'garbage') {
    const hint = 'Choose another name; if the file is not needed, remove it.'
    return unknown(null, `${quote(path)} is no PID file: ${record.why}`, hint)
  }
  if (record.kind === 'empty') return judgeEmpty(fd, path)
  if (record.kind === 'number') return judgeNumber(fd, path, record.pid, lockedBy)
  const { identity } = record
  if (identity.bootId !== bootId()) return stale(identity.pid, 'the machine was restarted')
  if (identity.namespace !== pidNamespace()) return judgeElsewhere(fd, identity)
  return withLiving(identity.pid, (found, pidfd) => {
    const isSame = isSameProcess(identity, found)
    if (isSame === null) return indistinct(identity.pid)
    if (!isSame) return reused(identity.pid)
    return trusted([{ fd, path }], found, pidfd)
  })
}

/** Ours are never empty without the write lock, which was looked for before. */
function judgeEmpty(fd: Fd, path: string): Verdict {
  if (!isFlocked(fd)) return stale(null, 'a start has not come to its end')
  const why = `another program holds a lock on ${quote(path)}, which is empty`
  return unknown(null, why, `See who it is with \`fuser ${path}\`.`)
}

/** A number of another PID namespace means nothing here. What is left is the lock of its life. */
function judgeElsewhere(fd: Fd, { pid, namespace }: ProcessIdentity): Verdict {
  if (!isFlocked(fd)) return stale(pid, 'its PID namespace is another, and its lock is gone')
  const why = `process ${pid} of another PID namespace (${namespace}) holds the PID file`
  return unknown(pid, why, 'Run the command in the container where it was started.')
}

/** A PID file of another program: the lock or the side record must prove what it says. */
function judgeNumber(fd: Fd, path: string, pid: Pid, lockedBy: number | null): Verdict {
  const verdict = withLiving(pid, (found, pidfd) => {
    if (lockedBy === pid || holdsLock(pid, fd)) return trusted([{ fd, path }], found, pidfd)
    const side = openPidFile(sidePathOf(path), 'read')
    if (side.kind === 'open') {
      try {
        const files = [
          { fd, path },
          { fd: side.fd, path: sidePathOf(path) },
        ]
        const record = readPidRecord(side.fd)
        const verdict = judgeBySide(record, found, versionOf(fd))
        if (verdict !== null) return verdict === 'same' ? trusted(files, found, pidfd) : verdict
      } finally {
        closeFd(side.fd)
      }
    }
    return unknown(
      pid,
      `${quote(path)} has only a number, and nothing proves that process ${pid} wrote it`,
      `Look at the process (\`ps ${pid}\`): if it is another one, remove the file.`,
    )
  })
  // Meant in another PID namespace, perhaps: somebody does hold a lock.
  if (verdict.kind !== 'stale' || !isFlocked(fd)) return verdict
  const why = `another program holds a lock on ${quote(path)}, though ${verdict.why}`
  return unknown(pid, why, `See who it is with \`fuser ${path}\`.`)
}

/** Null when the side record does not help. */
function judgeBySide(
  record: PidRecord,
  found: ProcessIdentity,
  version: string,
): 'same' | Verdict | null {
  if (record.kind !== 'identity') return null
  const { identity, file } = record
  const isComparable =
    identity.pid === found.pid &&
    identity.bootId === found.bootId &&
    identity.namespace === found.namespace
  if (isComparable && isSameProcess(identity, found) === true) return 'same'
  // The file still says what it said when that process was recorded, and that one is gone.
  if (file !== version || identity.pid !== found.pid) return null
  if (identity.bootId !== found.bootId) return stale(found.pid, 'the machine was restarted')
  const isGone = isComparable && isSameProcess(identity, found) === false
  return isGone ? reused(found.pid) : null
}

/** Opens the process and closes it again, unless the verdict is that it runs. */
function withLiving(pid: Pid, judge: (found: ProcessIdentity, pidfd: Fd) => Verdict): Verdict {
  const pidfd = openPidfd(pid)
  if (pidfd === null) return stale(pid, `there is no process ${pid}`)
  let verdict: Verdict | undefined
  try {
    const found = hasEnded(pidfd) ? null : identityOfPidfd(pid, pidfd)
    verdict = found === null ? ended(pid) : judge(found, pidfd)
    // What /proc said about the number in between was about this process only if it still lives.
    if (hasEnded(pidfd)) verdict = ended(pid)
    return verdict
  } finally {
    if (verdict?.kind !== 'running') closeFd(pidfd)
  }
}

/**
 * Who could have written these files could have named any process in them. So that process must
 * be his own: then he could have signalled it himself (the rule of systemd.service(5), PIDFile=).
 */
function trusted(
  files: readonly { readonly fd: Fd; readonly path: string }[],
  identity: ProcessIdentity,
  pidfd: Fd,
): Verdict {
  const { pid } = identity
  for (const { fd, path } of files) {
    const folder = objectionToFolder(path)
    if (folder !== null) return unknown(pid, folder.why, folder.hint)
    for (const forger of possibleForgers(fd, path)) {
      if (userIdsOf(pid)?.every((uid) => uid === forger) === true) continue
      const why = `user ${forger} may have written ${quote(path)}, and process ${pid} is not his`
      return unknown(pid, why, 'Let root own the file and its folder.')
    }
  }
  return { kind: 'running', pid, pidfd, identity }
}

/** True while a flock(2) of anybody else is on the file. Ours is held for this instant only. */
function isFlocked(fd: Fd): boolean {
  if (!tryLockFd(fd, 'shared')) return true
  unlockFd(fd)
  return false
}

const stale = (pid: Pid | null, why: string): StaleOwner => ({ kind: 'stale', pid, why })
const ended = (pid: Pid): StaleOwner => stale(pid, `process ${pid} has ended`)
const reused = (pid: Pid): StaleOwner => stale(pid, `the number ${pid} is another process now`)

function unknown(pid: Pid | null, why: string, hint: string): UnknownOwner {
  return { kind: 'unknown', pid, why, hint }
}

function indistinct(pid: Pid): UnknownOwner {
  const why = `process ${pid} cannot be told from an earlier one: /proc does not show it`
  return unknown(pid, why, 'Mount /proc without hidepid, or run the command as root.')
}

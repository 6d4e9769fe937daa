// A PID file that this very process holds, as an object: for DaemonContext, and for programs that
// stay in the foreground. The daemon of another process is pid-file.ts.

import { resolve } from 'node:path'
import type { Fd } from '../base/brands.ts'
import { quote } from '../base/quote.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd, duplicateFd } from '../kernel/fd.ts'
import { ownPid } from './own-pid.ts'
import { type ClaimResult, claimPidFile } from './pid-file.ts'
import { identityOf, type ProcessIdentity } from './pid-file-record.ts'
import { removePidFileOf } from './pid-file-remove.ts'
import { openOwner } from './pid-owner.ts'

/**
 * A PID file of this process. claim() makes it, exclusively, and locks it for as long as the
 * process lives; children do not inherit the lock. release() removes it. An end without release(),
 * by SIGKILL for example, leaves a file whose lock is gone: the next claim sees that and replaces
 * it.
 */
export class PidFile implements Disposable {
  /** Absolute. */
  readonly path: string
  #held: { readonly lock: Fd; readonly identity: ProcessIdentity } | null = null

  /** Only names the file. A relative path is meant from the present working directory. */
  constructor(path: string) {
    this.path = resolve(path)
  }

  /** True between claim() and release(). */
  get isHeld(): boolean {
    return this.#held !== null
  }

  /** The process that holds the file now, proved by its identity; null when none does. Throws
   *  ERR_OWNER_UNKNOWN when the file names a process that cannot be told from a later one. */
  owner(): number | null {
    const owner = openOwner(this.path)
    if (owner.kind === 'unknown') {
      const details = { hint: owner.hint, context: { path: this.path } }
      throw new ToolkitError('ERR_OWNER_UNKNOWN', owner.why, details)
    }
    if (owner.kind !== 'running') return null
    closeFd(owner.pidfd)
    return owner.pid
  }

  /**
   * Writes the file, with this process in it. Throws ToolkitError: ERR_ALREADY_RUNNING,
   * ERR_OWNER_UNKNOWN, ERR_PID_FILE_UNSAFE, ERR_PID_FILE_UNUSABLE.
   */
  claim(): this {
    if (this.#held !== null) return this
    const result = claimPidFile(this.path)
    if (result.kind !== 'claimed') throw this.#refusal(result)
    const { claim } = result
    try {
      const identity = identityOf(ownPid())
      // We live, so there is one.
      if (identity === null) throw new ToolkitError('ERR_OWNER_UNKNOWN', 'we are not in /proc')
      claim.record(identity)
      this.#held = { identity, lock: duplicateFd(claim.lockFd, MIN_LOCK_FD) }
    } catch (error) {
      claim.withdraw()
      throw error
    }
    claim.release()
    return this
  }

  /** Removes the file, if it is still ours, and lets go of it. May be called again. */
  release(): void {
    if (this.#held === null) return
    const { identity, lock } = this.#held
    this.#held = null
    removePidFileOf(this.path, identity)
    closeFd(lock)
  }

  /** The same as release(), for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }

  #refusal(result: Exclude<ClaimResult, { kind: 'claimed' }>): ToolkitError {
    const context = { path: this.path }
    if (result.kind === 'unknown') {
      return new ToolkitError('ERR_OWNER_UNKNOWN', result.why, { hint: result.hint, context })
    }
    const message =
      result.kind === 'running'
        ? `already running as process ${result.pid}`
        : `another start has claimed ${quote(this.path)}`
    return new ToolkitError('ERR_ALREADY_RUNNING', message, { context })
  }
}

/** Above the standard descriptors. */
const MIN_LOCK_FD = 3

/**
 * At a normal end the PID file of this process goes. Not at a signal that nobody handles, and not
 * where this user may not write any more: a file that is left proves by itself that it is stale.
 */
export function removePidFileAtExit(path: string): void {
  const identity = identityOf(ownPid())
  if (identity !== null) process.on('exit', () => void removePidFileOf(path, identity))
}

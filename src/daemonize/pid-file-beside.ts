// The record beside a PID file that a daemon writes itself (`PATH.identity`): who had the number
// when it was written. Without it a bare number proves nothing; pid-owner.ts reads it.

import { renameSync, unlinkSync, writeSync } from 'node:fs'
import type { Fd, Pid } from '../base/brands.ts'
import { MAX_PID_FILE_ATTEMPTS } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd } from '../kernel/fd.ts'
import { isStillAt, tryWriteLock } from '../kernel/file-lock.ts'
import { explained, unsafe } from './pid-file-error.ts'
import { openPidFile, readPidRecord, versionOf } from './pid-file-open.ts'
import {
  type FileVersion,
  identityOf,
  type ProcessIdentity,
  printPidRecord,
} from './pid-file-record.ts'
import { createTemporary } from './pid-file-temporary.ts'
import { sidePathOf } from './pid-owner.ts'

/**
 * Records who the process is that the PID file names. The caller knows that it is the daemon: it
 * is a child or descendant of ours. Throws ToolkitError: ERR_OWNER_UNKNOWN when the process is gone
 * or the file names another one, ERR_PID_FILE_UNUSABLE and ERR_PID_FILE_UNSAFE as a claim does.
 */
export function recordIdentityBeside(path: string, pid: Pid): ProcessIdentity {
  return explained(path, () => {
    const identity = identityOf(pid)
    if (identity === null) throw mismatch(path, `process ${pid} has ended`)
    const text = Buffer.from(printPidRecord(identity, versionNaming(path, pid)))
    const { fd, name } = createTemporary(sidePathOf(path))
    try {
      writeSync(fd, text)
      replaceSide(name, sidePathOf(path))
    } catch (error) {
      if (isStillAt(fd, name)) unlinkSync(name)
      throw error
    } finally {
      closeFd(fd)
    }
    return identity
  })
}

/** The version of the PID file, which must name that process. */
function versionNaming(path: string, pid: Pid): FileVersion {
  const opened = openPidFile(path, 'read')
  if (opened.kind === 'absent') throw mismatch(path, 'there is no such file')
  if (opened.kind === 'refused') throw unsafe(opened, path)
  try {
    const version = versionOf(opened.fd)
    const record = readPidRecord(opened.fd)
    const named = record.kind === 'number' ? record.pid : null
    const whole = record.kind === 'identity' ? record.identity.pid : named
    if (whole === pid) return version
    throw mismatch(path, `it does not name process ${pid}`)
  } finally {
    closeFd(opened.fd)
  }
}

/** Holds the right to the old one, so that nobody removes the new one in its place. */
function replaceSide(temporary: string, side: string): void {
  for (let attempt = 0; attempt < MAX_PID_FILE_ATTEMPTS; attempt += 1) {
    const opened = openPidFile(side, 'write')
    if (opened.kind === 'refused') throw unsafe(opened, side)
    const old: Fd | null = opened.kind === 'open' ? opened.fd : null
    try {
      if (old !== null && !(tryWriteLock(old, side) && isStillAt(old, side))) continue
      renameSync(temporary, side)
      return
    } finally {
      if (old !== null) closeFd(old)
    }
  }
  const message = `the record ${quote(side)} is held by another program`
  const hint = 'Let only one tool look after this file; then start again.'
  throw new ToolkitError('ERR_PID_FILE_BUSY', message, { hint, context: { path: side } })
}

function mismatch(path: string, why: string): ToolkitError {
  const message = `the PID file ${quote(path)} cannot be recorded: ${why}`
  const hint = 'Name the file that the daemon itself writes.'
  return new ToolkitError('ERR_OWNER_UNKNOWN', message, { hint, context: { path } })
}

// What keeps a PID file from being used, as errors: an objection of ours, or a failed system call.

import { dirname } from 'node:path'
import { quote } from '../base/quote.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { KernelError, kernelErrorOf } from '../kernel/syscall-error.ts'

/** What is wrong, and what the operator can do. */
export interface Objection {
  readonly why: string
  readonly hint: string
}

/** The objection as an error, for operations that cannot go on. */
export function unsafe({ why, hint }: Objection, path: string): ToolkitError {
  const message = `the PID file ${quote(path)} is not used: ${why}`
  return new ToolkitError('ERR_PID_FILE_UNSAFE', message, { hint, context: { path } })
}

/** Somebody who does not know of the locks has changed the folder under our hands. */
export function lost(path: string): ToolkitError {
  const message = `the PID file ${quote(path)} was taken away by another program`
  const hint = 'Let only one tool look after this file; then start again.'
  return new ToolkitError('ERR_PID_FILE_UNUSABLE', message, { hint, context: { path } })
}

/** Somebody holds the right to change it: a start, or the end of a stop. */
export function busy(path: string): ToolkitError {
  const message = `the PID file ${quote(path)} is being claimed: a start is in progress`
  const hint = 'Try again when it has ended.'
  return new ToolkitError('ERR_PID_FILE_BUSY', message, { hint, context: { path } })
}

/** Runs it, and turns a failed call into words: what, where, and what to do. */
export function explained<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    const cause = kernelErrorOf(error)
    throw cause instanceof KernelError ? unusable(cause, path) : error
  }
}

function unusable(cause: KernelError, path: string): ToolkitError {
  const message = `cannot write the PID file ${quote(path)}: ${cause.message}`
  const hint = hintFor(cause, dirname(path))
  return new ToolkitError('ERR_PID_FILE_UNUSABLE', message, { hint, context: { path }, cause })
}

function hintFor({ errnoName, syscall }: KernelError, folder: string): string {
  const at = quote(folder)
  if (errnoName === 'ENOENT') return `The folder ${at} does not exist: make it, or choose another.`
  if (errnoName === 'ENOTDIR') return `A part of ${at} is no folder: choose another place.`
  if (errnoName === 'ENOSPC' || errnoName === 'EDQUOT') return `Make room on the disk of ${at}.`
  if (errnoName === 'EROFS') return `${at} is read-only: choose a folder under /run or /tmp.`
  if (syscall === 'flock' || syscall === 'fcntl') {
    return `The file system of ${at} has no locks: choose a local one, as /run is.`
  }
  return `Let this user write to ${at} and its files, or choose a folder of its own.`
}

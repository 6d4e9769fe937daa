// A failed system call as an error: which call, which errno, on which path. Shaped like Node's own
// errors (`errno`, `syscall`, `path`) but with one `code`, so that callers match on one word.

import { constants as osConstants } from 'node:os'
import { ToolkitError } from '../base/toolkit-error.ts'
import { lastErrno } from './libc.ts'

/** Numbers by name: `errnos.ENOENT`. */
export const errnos = { ...osConstants.errno, ETOOMANYREFS: 109 }

/** What Node has no name and no words for (errno(3)); unix(7) tells when it happens. */
const textsUnknownToNode: ReadonlyMap<number, string> = new Map([
  [errnos.ETOOMANYREFS, 'too many descriptors in flight'],
])

const errnoNames = new Map<number, string>(
  Object.entries(errnos).map(([name, number]) => [number, name]),
)

/** `ENOENT` for 2. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`
}

/** `no such file or directory` for 2: the words of strerror(3), in libuv's spelling. */
export function errnoText(errno: number): string {
  // Loaded when something has failed: node:util takes a millisecond.
  const { getSystemErrorMessage } = process.getBuiltinModule('node:util')
  return textsUnknownToNode.get(errno) ?? getSystemErrorMessage(-errno) ?? `errno ${errno}`
}

/** A system call failed. `errno` is positive, as in C. */
export class KernelError extends ToolkitError {
  readonly errno: number
  readonly errnoName: string
  readonly syscall: string
  readonly path?: string

  constructor(syscall: string, errno: number, path?: string, detail?: string) {
    const name = errnoName(errno)
    const on = path === undefined ? '' : ` '${path}'`
    const context = path === undefined ? {} : { path }
    super('ERR_KERNEL_CALL', `${syscall}${on}: ${name}: ${detail ?? errnoText(errno)}`, {
      context: { syscall, errno: name, ...context },
    })
    this.errno = errno
    this.errnoName = name
    this.syscall = syscall
    if (path !== undefined) this.path = path
  }
}

/** True for a failed call with that errno, ours or one of node:fs. */
export function isErrno(error: unknown, name: string): boolean {
  if (error instanceof KernelError) return error.errnoName === name
  return error instanceof Error && (error as NodeJS.ErrnoException).code === name
}

/** The error for the call that has just failed. Ask before any other call is made. */
export function failedCall(syscall: string, path?: string): KernelError {
  return new KernelError(syscall, lastErrno(), path)
}

/** The result of a call, or a KernelError when it is -1. */
export function checked(result: number, syscall: string, path?: string): number {
  if (result === -1) throw failedCall(syscall, path)
  return result
}

/** Does something with node:fs and turns its errors into KernelError. */
export function viaNode<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw kernelErrorOf(error, path)
  }
}

/** The KernelError for an error of node:fs; any other value comes back as it is. */
export function kernelErrorOf(error: unknown, path?: string): unknown {
  const { errno, syscall } = error as NodeJS.ErrnoException
  if (error instanceof KernelError || typeof errno !== 'number') return error
  return new KernelError(syscall ?? 'unknown', -errno, path)
}

/** Refuses a string that C would cut short at its NUL byte: EINVAL, never a truncation. */
export function refuseNul(text: string, syscall: string): void {
  if (!text.includes('\0')) return
  const shown = text.replaceAll('\0', '\\0')
  throw new KernelError(syscall, errnos.EINVAL, shown, 'the string contains a NUL byte')
}

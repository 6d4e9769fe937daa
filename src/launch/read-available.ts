// What can be read from a pipe without waiting, as text. Bounded: what nobody needs is thrown away.

import { readSync } from 'node:fs'
import type { Fd } from '../base/brands.ts'
import { MAX_HOOK_OUTPUT_BYTES } from '../base/limits.ts'
import { isErrno } from '../kernel/syscall-error.ts'

const buffer = Buffer.alloc(MAX_HOOK_OUTPUT_BYTES)

/** The descriptor does not block. `isAtEnd`: all writers have closed it. */
export function readAvailable(fd: Fd): { readonly text: string; readonly isAtEnd: boolean } {
  try {
    const length = readSync(fd, buffer, 0, buffer.length, null)
    return { text: buffer.toString('utf8', 0, length), isAtEnd: length === 0 }
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return { text: '', isAtEnd: false }
    throw error
  }
}

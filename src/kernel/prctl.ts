// Attributes of this process that only prctl(2) can set.

import { constants } from './layouts.ts'
import { libc } from './libc.ts'
import { checked, refuseNul } from './syscall-error.ts'

const MAX_NAME_BYTES = 15

/**
 * Makes this process the parent of orphaned descendants. The flag survives execve(2), and is not
 * inherited by children (PR_SET_CHILD_SUBREAPER).
 */
export function setSubreaper(): void {
  checked(libc.prctl_number(constants.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl')
}

export function isSubreaper(): boolean {
  const cell = Buffer.alloc(4)
  checked(libc.prctl_memory(constants.PR_GET_CHILD_SUBREAPER, cell, 0, 0, 0), 'prctl')
  return cell.readInt32LE(0) !== 0
}

/** Sets what `ps -o comm` shows. The kernel keeps 15 bytes; the rest is cut off (PR_SET_NAME). */
export function setProcessName(name: string): void {
  refuseNul(name, 'prctl')
  const cell = Buffer.alloc(MAX_NAME_BYTES + 1)
  cell.write(name, 0, MAX_NAME_BYTES)
  checked(libc.prctl_memory(constants.PR_SET_NAME, cell, 0, 0, 0), 'prctl')
}

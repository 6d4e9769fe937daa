// Plain operations on descriptors: close, duplicate, close-on-exec, the limit on their number.
// Every descriptor that this folder makes is close-on-exec from birth (open(2), fcntl(2)).

import { constants as fsConstants, openSync } from 'node:fs'
import { type Fd, toFd } from '../base/brands.ts'
import { constants, layouts } from './layouts.ts'
import { libc } from './libc.ts'
import { checked, viaNode } from './syscall-error.ts'

const { size, fields } = layouts.rlimit
const limitCell = Buffer.alloc(size)
const INFINITE = 0xffff_ffff_ffff_ffffn

/** Closes a descriptor. EBADF is an error here: somebody closed what was not theirs (close(2)). */
export function closeFd(fd: Fd): void {
  checked(libc.close(fd), 'close')
}

/** True when the number names an open descriptor of this process. */
export function isOpen(fd: number): boolean {
  return libc.fcntl(fd, constants.F_GETFD, 0) !== -1
}

/** True when the descriptor is closed by execve(2). */
export function isCloseOnExec(fd: Fd): boolean {
  return (checked(libc.fcntl(fd, constants.F_GETFD, 0), 'fcntl') & constants.FD_CLOEXEC) !== 0
}

/** Sets or clears close-on-exec. */
export function setCloseOnExec(fd: Fd, closeOnExec: boolean): void {
  const flags = closeOnExec ? constants.FD_CLOEXEC : 0
  checked(libc.fcntl(fd, constants.F_SETFD, flags), 'fcntl')
}

/** Sets or clears O_NONBLOCK, on the open file description: everybody who shares it sees it.
 *  False when it was that way already. */
export function setNonBlocking(fd: Fd, nonBlocking: boolean): boolean {
  const flags = checked(libc.fcntl(fd, constants.F_GETFL, 0), 'fcntl')
  const bit = constants.O_NONBLOCK
  const wanted = nonBlocking ? flags | bit : flags & ~bit
  if (wanted === flags) return false
  checked(libc.fcntl(fd, constants.F_SETFL, wanted), 'fcntl')
  return true
}

/** A copy with the lowest free number that is at least `minimum`, close-on-exec. */
export function duplicateFd(fd: Fd, minimum: number): Fd {
  return toFd(checked(libc.fcntl(fd, constants.F_DUPFD_CLOEXEC, minimum), 'fcntl'))
}

/**
 * Makes `to` a copy of `from`, in one step: no other thread can take the number in between. What
 * `to` was before is closed. Not close-on-exec: it is for the standard descriptors (dup3(2)).
 */
export function replaceFd(from: Fd, to: Fd): void {
  checked(libc.dup3(from, to, 0), 'dup3')
}

/** /dev/null, open for reading and writing. */
export function openDevNull(): Fd {
  const path = '/dev/null'
  return toFd(viaNode(path, () => openSync(path, fsConstants.O_RDWR)))
}

/** The limits on the number of open descriptors (RLIMIT_NOFILE, getrlimit(2)). */
export interface DescriptorLimit {
  readonly soft: number
  readonly hard: number
}

/** Reads the limit. Unlimited is Infinity. */
export function descriptorLimit(): DescriptorLimit {
  checked(libc.getrlimit(constants.RLIMIT_NOFILE, limitCell), 'getrlimit')
  return { soft: limitAt(fields.rlim_cur), hard: limitAt(fields.rlim_max) }
}

/** Raises the soft limit to the hard limit and returns what holds afterwards. */
export function raiseDescriptorLimit(): DescriptorLimit {
  const { soft, hard } = descriptorLimit()
  if (soft === hard) return { soft, hard }
  limitCell.copy(limitCell, fields.rlim_cur, fields.rlim_max, fields.rlim_max + 8)
  checked(libc.setrlimit(constants.RLIMIT_NOFILE, limitCell), 'setrlimit')
  return descriptorLimit()
}

/**
 * Does something that must be done with a lower soft limit: a child inherits it. What is open stays
 * open, whatever its number, but until the end nobody in this process, its thread pool included,
 * can open a descriptor beyond. A limit above the present one changes nothing.
 */
export function withDescriptorLimit<T>(wanted: number, action: () => T): T {
  const { soft } = descriptorLimit()
  if (wanted >= soft) return action()
  const former = limitCell.readBigUInt64LE(fields.rlim_cur)
  setSoftLimit(BigInt(wanted))
  try {
    return action()
  } finally {
    setSoftLimit(former)
  }
}

/** The cell holds both limits since descriptorLimit() read them. */
function setSoftLimit(value: bigint): void {
  limitCell.writeBigUInt64LE(value, fields.rlim_cur)
  checked(libc.setrlimit(constants.RLIMIT_NOFILE, limitCell), 'setrlimit')
}

function limitAt(offset: number): number {
  const value = limitCell.readBigUInt64LE(offset)
  return value === INFINITE ? Number.POSITIVE_INFINITY : Number(value)
}

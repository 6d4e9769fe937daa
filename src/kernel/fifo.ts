// Pipes: named (FIFOs) and anonymous. A FIFO that a service writes into is opened O_RDWR for it,
// so that it never sees SIGPIPE, and the reader never sees an end of file (fifo(7), pipe(7)).

import { chmodSync, chownSync, constants as fsConstants, openSync, rmSync } from 'node:fs'
import { type Fd, toFd } from '../base/brands.ts'
import { constants } from './layouts.ts'
import { libc } from './libc.ts'
import { checked, failedCall, refuseNul, viaNode } from './syscall-error.ts'

const cell = Buffer.alloc(8)

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Makes a FIFO with exactly that mode, whatever the umask is. EEXIST when the path is taken. */
export function createFifo(path: string, mode: number, owner?: Owner): void {
  refuseNul(path, 'mkfifo')
  if (libc.mkfifo(path, mode) === -1) throw failedCall('mkfifo', path)
  try {
    viaNode(path, () => {
      chmodSync(path, mode)
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
    })
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}

/** Opens the reading end. Never blocks, neither now nor when it is read. */
export function openFifoReader(path: string): Fd {
  return open(path, fsConstants.O_RDONLY | fsConstants.O_NONBLOCK)
}

/** Opens both ends in one descriptor, whose reads and writes block. Succeeds without a reader. */
export function openFifoReadWrite(path: string): Fd {
  return open(path, fsConstants.O_RDWR)
}

/** Asks for a capacity and returns the actual one. EPERM above the user's limits (F_SETPIPE_SZ). */
export function setPipeSize(fd: Fd, bytes: number): number {
  return checked(libc.fcntl(fd, constants.F_SETPIPE_SZ, bytes), 'fcntl')
}

/** The capacity in bytes (F_GETPIPE_SZ). */
export function pipeSize(fd: Fd): number {
  return checked(libc.fcntl(fd, constants.F_GETPIPE_SZ, 0), 'fcntl')
}

/** Bytes that wait in the pipe (FIONREAD). */
export function pipeBytes(fd: Fd): number {
  checked(libc.ioctl(fd, constants.FIONREAD, cell), 'ioctl')
  return cell.readInt32LE(0)
}

/** An anonymous pipe, close-on-exec and blocking. */
export function createPipe(): { readonly reader: Fd; readonly writer: Fd } {
  checked(libc.pipe2(cell, constants.O_CLOEXEC), 'pipe2')
  return { reader: toFd(cell.readInt32LE(0)), writer: toFd(cell.readInt32LE(4)) }
}

/** A symbolic link in the place of the FIFO is refused with ELOOP: it may be somebody's trap. */
function open(path: string, flags: number): Fd {
  refuseNul(path, 'open')
  return toFd(viaNode(path, () => openSync(path, flags | fsConstants.O_NOFOLLOW)))
}

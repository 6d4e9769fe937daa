// The facts that supervised-by.ts decides by, from /proc and from the descriptors of this process.

import { fstatSync } from 'node:fs'
import { type Pid, toFd, toPid } from '../base/brands.ts'
import { argumentsOf, readStat } from '../kernel/procfs.ts'
import { type SocketFacts, socketFacts } from '../kernel/socket-option.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import {
  decideSupervisedBy,
  type RelativeFacts,
  type StartFacts,
  type SupervisedBy,
} from './supervised-by.ts'

/** Who started this process. Reads four small files of /proc. */
export function findStarter(): SupervisedBy {
  return decideSupervisedBy(collectStartFacts())
}

/** Ask early: when the parent ends, its place is taken by another. */
export function collectStartFacts(): StartFacts {
  const own = readStat(toPid(process.pid))
  const parentStat = readStat(toPid(process.ppid))
  return {
    pid: process.pid,
    parent: relative(toPid(process.ppid)),
    grandparent: parentStat === null ? null : relative(parentStat.parent),
    hasTerminal: (own?.terminal ?? 0) !== 0,
    environment: process.env,
    stdin: stdinSocket(),
    hasIpc: process.connected === true,
  }
}

function relative(pid: Pid): RelativeFacts | null {
  if (pid <= 0) return null
  const stat = readStat(pid)
  if (stat === null) return null
  return { pid, name: stat.command, argv: argumentsOf(pid) ?? [] }
}

/** Most standard inputs are none: those are told without loading the C library. */
function stdinSocket(): SocketFacts | null {
  try {
    return fstatSync(0).isSocket() ? socketFacts(toFd(0)) : null
  } catch (error) {
    if (isErrno(error, 'EBADF')) return null
    throw error
  }
}

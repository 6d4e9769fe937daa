// What this kernel and this user's rights offer, found out by trying, never by a version number.
// `eudaemon doctor` prints it. Nothing here is needed to run services.

import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toFd, toPid } from '../base/brands.ts'
import { findCgroupRoot } from './cgroup.ts'
import { closeFd, descriptorLimit } from './fd.ts'
import { createPipe, pipeSize } from './fifo.ts'
import { libc } from './libc.ts'
import { openPidfd, readExitInfo, sendSignal } from './pidfd.ts'
import { isSubreaper } from './prctl.ts'
import { spawnProcess } from './spawn.ts'
import { splice } from './splice.ts'
import { reap } from './wait.ts'

export interface Feature {
  readonly available: boolean
  /** One phrase for people. */
  readonly detail: string
}

/** Tries everything. Takes a few milliseconds; spawns `/bin/sh` once. */
export function probeFeatures(): Record<string, Feature> {
  return {
    'c-library': attempt(() => yes(`glibc ${libc.gnu_get_libc_version()}`)),
    pidfd: attempt(probePidfd),
    'pidfd-exit-info': attempt(probeExitInfo),
    splice: attempt(probeSplice),
    subreaper: attempt(() => yes(isSubreaper() ? 'set' : 'not set')),
    cgroup: attempt(probeCgroup),
    'proc-children': attempt(probeProcChildren),
    'pipe-memory': attempt(probePipeMemory),
    'descriptor-limit': attempt(probeDescriptorLimit),
  }
}

const yes = (detail: string): Feature => ({ available: true, detail })
const no = (detail: string): Feature => ({ available: false, detail })

function attempt(probe: () => Feature): Feature {
  try {
    return probe()
  } catch (error) {
    return no(error instanceof Error ? error.message : String(error))
  }
}

function probePidfd(): Feature {
  const fd = openPidfd(toPid(process.pid))
  if (fd === null) return no('pidfd_open does not find this process')
  sendSignal(fd, 0)
  closeFd(fd)
  return yes('open and signal')
}

function probeExitInfo(): Feature {
  const child = spawnProcess({
    path: '/bin/sh',
    argv: ['sh', '-c', 'exit 42'],
    env: [],
    directory: '/',
    files: [],
    session: 'inherit',
  })
  if (child.kind === 'failed') return no(child.message)
  try {
    while (reap(child.pidfd) === 'running') libc.poll(null, 0, 1)
    const status = readExitInfo(child.pidfd)
    const told = typeof status === 'object' && status.kind === 'exited' && status.code === 42
    return told
      ? yes('exit statuses of processes that ended while nobody watched')
      : no('such exit statuses are unknown; Linux 6.15 or newer tells them')
  } finally {
    closeFd(child.pidfd)
  }
}

function probeSplice(): Feature {
  const folder = mkdtempSync(join(tmpdir(), 'eudaemon-probe-'))
  const { reader, writer } = createPipe()
  const file = toFd(openSync(join(folder, 'file'), 'w'))
  try {
    const result = splice(reader, file, 0, 1)
    return result === 'again' ? yes('pipe to file') : no(`unexpected result ${result}`)
  } finally {
    for (const fd of [reader, writer, file]) closeFd(fd)
    rmSync(folder, { recursive: true })
  }
}

function probeCgroup(): Feature {
  const root = findCgroupRoot()
  return 'reason' in root ? no(root.reason) : yes(`${root.kind}, ${root.path}`)
}

function probeProcChildren(): Feature {
  const path = `/proc/self/task/${process.pid}/children`
  return existsSync(path) ? yes('/proc/PID/task/TID/children') : no('children are found by a scan')
}

function probePipeMemory(): Feature {
  const soft = readFileSync('/proc/sys/fs/pipe-user-pages-soft', 'latin1').trim()
  const max = readFileSync('/proc/sys/fs/pipe-max-size', 'latin1').trim()
  const { reader, writer } = createPipe()
  const size = pipeSize(reader)
  closeFd(reader)
  closeFd(writer)
  return yes(`${size} bytes a pipe, at most ${max}; ${soft} pages a user`)
}

function probeDescriptorLimit(): Feature {
  const { soft, hard } = descriptorLimit()
  return yes(`soft ${soft}, hard ${hard}`)
}

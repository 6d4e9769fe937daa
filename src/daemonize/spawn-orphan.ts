// Starts a process that is nobody's child but ours, and no session leader: the shell that leads
// its session is killed when the process has reported itself. It waits at a gate until openGate(),
// so that a PID file can be written before the first instruction of the command.

import { readSync, writeSync } from 'node:fs'
import { type Fd, type Pid, toPid } from '../base/brands.ts'
import { MAX_STAGE_REPORT_BYTES } from '../base/limits.ts'
import { closeFd } from '../kernel/fd.ts'
import { createPipe } from '../kernel/fifo.ts'
import { openPidfd } from '../kernel/pidfd.ts'
import { setSubreaper } from '../kernel/prctl.ts'
import { children } from '../kernel/procfs.ts'
import { spawnProcess } from '../kernel/spawn.ts'
import { killAndReap, lookForChildren } from '../kernel/wait.ts'
import { buildPreamble } from '../launch/preamble.ts'
import { findTool } from '../launch/program.ts'
import { type LaunchRefusal, refuse } from '../launch/refusal.ts'
import type { DaemonRequest } from './daemon-request.ts'
import { ownPid } from './own-pid.ts'
import { OWN_PID, writeSessionScript } from './session-script.ts'

export interface InheritedFile {
  readonly from: Fd
  readonly to: number
}

export interface Orphan {
  readonly kind: 'orphan'
  readonly pid: Pid
  readonly pidfd: Fd
  /** Process number of the session's former leader, and so the number of session and group. */
  readonly session: Pid
  /** Children that we had before. */
  readonly strangers: ReadonlySet<Pid>
  /** What the preamble says of a failed step; its end without a word comes with the last exec. */
  readonly report: Fd
  /** True when a process whose command line begins like this is not the command yet. */
  readonly isPreparing: (commandLine: string) => boolean
  /** Lets it run. False when it is gone. */
  openGate(): boolean
}

type Wanted = Pick<
  DaemonRequest,
  'path' | 'argv' | 'environment' | 'settings' | 'credentials' | 'ready'
>

/** Blocks until the process has reported itself, which takes a shell's start. */
export function spawnOrphan(
  request: Wanted,
  files: readonly InheritedFile[],
): Orphan | LaunchRefusal {
  const digits = freeDigits(files)
  if (digits === null) {
    return refuse('exec', '', 'three of the descriptors 3 to 9 are needed to start; keep fewer')
  }
  const [reportFd, gateFd, savedFd] = digits
  const inherited = files.map(({ to }) => to).filter((fd) => fd > 2)
  const preamble = buildPreamble({
    definition: request.settings,
    change: request.credentials,
    path: request.path,
    argv: request.argv,
    environment: request.environment,
    stageFd: reportFd,
    ownPid: OWN_PID,
    inherited,
    findTool,
  })
  if (preamble.kind === 'refused') return preamble
  const ignoredSignals = request.ready.kind === 'signal' ? ['USR1'] : []
  const { script: steps } = preamble
  const isMain = request.ready.kind !== 'forking'
  const fds = { reportFd, gateFd, savedFd }
  const script = writeSessionScript({ preamble: steps, ...fds, ignoredSignals, isMain })
  const argv = [preamble.path, '-c', script, request.path, ...request.argv]
  const env = Array.from(preamble.environment, ([name, value]) => `${name}=${value}`)
  const report = createPipe()
  const gate = createPipe()
  const strangers = new Set(lookForChildren() === 'none' ? [] : children(ownPid()))
  setSubreaper()
  const spawned = spawnProcess({
    path: preamble.path,
    argv,
    env,
    directory: request.settings.root == null ? request.settings.directory : '/',
    files: [...files, { from: report.writer, to: reportFd }, { from: gate.reader, to: gateFd }],
    session: 'new-session',
  })
  closeFd(report.writer)
  closeFd(gate.reader)
  const giveUp = (refusal: LaunchRefusal): LaunchRefusal => {
    closeFd(report.reader)
    closeFd(gate.writer)
    return refusal
  }
  if (spawned.kind === 'failed') return giveUp(refuse('exec', '', spawned.message))
  const pid = readReportedPid(report.reader)
  const pidfd = pid === null ? null : openPidfd(pid)
  killAndReap(spawned.pid)
  closeFd(spawned.pidfd)
  if (pid === null || pidfd === null) {
    return giveUp(refuse('exec', '', 'the shell that was to start it ended before it had forked'))
  }
  const shellLine = [preamble.path, '-c', script, ''].join('\0')
  return {
    kind: 'orphan',
    pid,
    pidfd,
    session: spawned.pid,
    strangers,
    report: report.reader,
    isPreparing: (line) =>
      line === '' ||
      line.startsWith(shellLine) ||
      preamble.lastSteps.some((word) => line.startsWith(word)),
    openGate: () => {
      try {
        writeSync(gate.writer, '\n')
        return true
      } catch {
        return false
      } finally {
        closeFd(gate.writer)
      }
    },
  }
}

/** A line that is written at once arrives at once (pipe(7), PIPE_BUF). */
function readReportedPid(reader: Fd): Pid | null {
  const buffer = Buffer.alloc(MAX_STAGE_REPORT_BYTES)
  const length = readSync(reader, buffer, 0, buffer.length, null)
  const pid = Number(buffer.toString('latin1', 0, length).trim())
  return Number.isInteger(pid) && pid > 0 ? toPid(pid) : null
}

/** Shells know only digits in redirections; what the command inherits is not free. */
function freeDigits(files: readonly InheritedFile[]): readonly [number, number, number] | null {
  const taken = new Set(files.map(({ to }) => to))
  const [a, b, c] = [9, 8, 7, 6, 5, 4, 3].filter((fd) => !taken.has(fd))
  return a === undefined || b === undefined || c === undefined ? null : [a, b, c]
}

// One subject in one scenario, from the hostile start to the end of the daemon: starts it, asks the
// probe, closes the terminal under it, asks again, and ends it with SIGTERM. Judges nothing.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killExactly, readProcess, type SeenProcess } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { type Began, type HostileStart, startHostile } from './hostile-start.ts'
import { type ProbeReport, readCounters, readReport } from './probe-report.ts'
import type { Subject } from './subjects.ts'

export interface Scenario {
  /** Octal digits of the umask at the start. */
  readonly umask: string
  readonly user: string | null
  /** Null: the daemon is ready at once and nobody waits for it. */
  readonly readyAfterMs: number | null
}

export interface Programs {
  readonly hostile: string
  readonly probe: string
}

export interface Measurement {
  readonly report: ProbeReport
  readonly began: Began
  /** Of this measurement; the PID file is `probe.pid` in it. */
  readonly folder: string
  /** The exit status of the command that started the daemon. */
  readonly status: number
  /** True when the command returned after the daemon had become ready. */
  readonly wasReadyFirst: boolean
  /** False while a process with the number of the session still lives. */
  readonly isSessionLeaderGone: boolean
  /** The parent of the daemon when it is not the reaper: the words of its command. */
  readonly keeper: string
  /** Null: no such file. */
  readonly pidFile: string | null
  readonly isPidFileLocked: boolean
  /** Folders in the home of the environment that not even their owner can use. */
  readonly unusable: readonly string[]
  /** After the terminal was closed. */
  readonly isAliveAfterClose: boolean
  readonly hangups: number
  /** How it took SIGTERM, with the dispositions it was started with. */
  readonly term: 'ended' | 'blocked' | 'ignored'
}

const MAX_EMPTY_LISTINGS = 20
const SIGHUP = 1
const SIGUSR1 = 10
const SIGTERM = 15

/** Null when the subject has no option for the scenario. */
export async function measure(
  subject: Subject,
  scenario: Scenario,
  programs: Programs,
): Promise<Measurement | null> {
  const folder = mkdtempSync(join(tmpdir(), 'eudaemon-probe-'))
  // The daemon may run as another user.
  chmodSync(folder, 0o1777)
  const { user, readyAfterMs } = scenario
  const words = readyAfterMs === null ? [] : [String(readyAfterMs)]
  const command = subject.command({
    probe: [programs.probe, folder, ...words],
    pidFile: join(folder, 'probe.pid'),
    user,
    waits: readyAfterMs !== null,
  })
  try {
    if (command === null) return null
    execFileSync('mkfifo', ['-m', '666', join(folder, 'control')])
    const options = { folder, umask: scenario.umask, command }
    return await observe(await startHostile(programs.hostile, options), folder)
  } catch (error) {
    const said = readIfThere(join(folder, 'terminal')) ?? ''
    throw new Error(`${subject.name}: ${command?.join(' ')}\n${said}`, { cause: error })
  } finally {
    for (const left of processesNaming(folder)) killExactly(left)
    await until('nothing to be left', () => processesNaming(folder).length === 0)
    // A folder in it may have been made under a umask that denies everything.
    execFileSync('chmod', ['-R', 'u+rwx', folder])
    rmSync(folder, { recursive: true, force: true })
  }
}

async function observe(start: HostileStart, folder: string): Promise<Measurement> {
  let emptyListings = 0
  try {
    const file = (name: string): string => join(folder, name)
    const ready = await until('the probe to be ready', () => {
      const isGone = processesNaming(folder).every(({ command }) => command.includes('hostile '))
      const time = readIfThere(file('ready'))
      // A fork may slip through one listing of processes, not through many.
      emptyListings = isGone && time === null ? emptyListings + 1 : 0
      if (emptyListings === MAX_EMPTY_LISTINGS) throw new Error('no probe was started')
      return time
    })
    order(folder, 'r')
    await until('the report', () => existsSync(file('report')))
    const report = readReport(file('report'))
    const { began } = start
    const pidFile = file('probe.pid')
    const before = {
      report,
      began,
      folder,
      status: start.returned.status,
      wasReadyFirst: BigInt(Math.trunc(start.returned.at)) >= BigInt(ready.trim()),
      isSessionLeaderGone: readProcess(report.session) === undefined,
      keeper: report.parent === began.reaper ? '' : (readProcess(report.parent)?.command ?? ''),
      pidFile: readIfThere(pidFile),
      isPidFileLocked: [pidFile, `${pidFile}.lock`].some(isLocked),
    }
    const unusable = findUnusable(folder)
    const closed = await closeUnder(start, folder, report.pid)
    return { ...before, ...closed, unusable, term: await terminate(folder, report.pid) }
  } finally {
    await start.end()
  }
}

async function closeUnder(
  start: HostileStart,
  folder: string,
  pid: number,
): Promise<{ readonly isAliveAfterClose: boolean; readonly hangups: number }> {
  order(folder, 'h')
  const path = join(folder, 'counters')
  await until('the probe to count signals', () => existsSync(path))
  await start.closeTerminal()
  process.kill(pid, SIGUSR1)
  const isAsked = (): boolean => (readCounters(path).get(SIGUSR1) ?? 0) > 0
  await until('an answer after the close', () => isAsked() || !isRunning(pid))
  const hangups = readCounters(path).get(SIGHUP) ?? 0
  return { isAliveAfterClose: isRunning(pid), hangups }
}

async function terminate(folder: string, pid: number): Promise<Measurement['term']> {
  const path = join(folder, 'counters')
  rmSync(path)
  order(folder, 'd')
  await until('the probe to be as before', () => existsSync(path))
  process.kill(pid, SIGTERM)
  if (hasSignal(pid, 'SigIgn', SIGTERM)) return 'ignored'
  return until('an end by SIGTERM', () => {
    if (!isRunning(pid)) return 'ended'
    return hasSignal(pid, 'ShdPnd', SIGTERM) && hasSignal(pid, 'SigBlk', SIGTERM) && 'blocked'
  })
}

function order(folder: string, letter: string): void {
  const fd = openSync(join(folder, 'control'), constants.O_WRONLY | constants.O_NONBLOCK)
  writeSync(fd, letter)
  closeSync(fd)
}

function isRunning(pid: number): boolean {
  const seen = readProcess(pid)
  return seen !== undefined && seen.state !== 'Z'
}

/** Of a mask in /proc/PID/status; false when the process is gone. */
function hasSignal(pid: number, field: string, signal: number): boolean {
  const status = readIfThere(`/proc/${pid}/status`) ?? ''
  const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n
}

/** By any kind of lock, as the kernel lists them. */
function isLocked(path: string): boolean {
  if (!existsSync(path)) return false
  const { ino } = statSync(path)
  const locks = readFileSync('/proc/locks', 'utf8').split('\n')
  return locks.some((line) => new RegExp(`:${ino} \\d+ (?:\\d+|EOF)$`).test(line))
}

/** Whatever has the folder of this measurement among its words. */
function processesNaming(folder: string): readonly SeenProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((seen) => seen !== undefined && seen.state !== 'Z' && seen.command.includes(folder))
    .filter((seen) => seen !== undefined)
}

function findUnusable(home: string): readonly string[] {
  return readdirSync(home, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => (statSync(join(home, name)).mode & 0o700) !== 0o700)
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

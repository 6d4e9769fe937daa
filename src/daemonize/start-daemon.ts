// The engine: a request becomes a running daemon, or an outcome that says why not. Fork soon, exit
// late: whoever calls stays until the daemon is ready. Where the pieces are: spawn-orphan.ts (the
// two forks), ready-watch.ts (the dialects), daemon-streams.ts (output), pid-file.ts,
// end-daemon.ts.

import { readFileSync } from 'node:fs'
import type { Fd, Milliseconds, Pid } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { printExitStatus } from '../base/exit-status.ts'
import { MAX_TIMER_MS } from '../base/limits.ts'
import { monotonicMs } from '../kernel/clock.ts'
import { closeFd } from '../kernel/fd.ts'
import { openPoller, POLLIN, type Poller } from '../kernel/poll.ts'
import { isExiting } from '../kernel/procfs.ts'
import { reap } from '../kernel/wait.ts'
import { readStageReport } from '../launch/preamble.ts'
import { readAvailable } from '../launch/read-available.ts'
import { type LaunchRefusal, printRefusal } from '../launch/refusal.ts'
import { claimFor, type DaemonClaim } from './daemon-claim.ts'
import type { DaemonHost, DaemonOutcome, DaemonRequest } from './daemon-request.ts'
import { type DaemonStreams, openStreams, type WatchedStream } from './daemon-streams.ts'
import { startDrain } from './drain.ts'
import { endDaemon } from './end-daemon.ts'
import { ownPid } from './own-pid.ts'
import { loadReadyWatch, type ReadyWatch } from './ready-watch.ts'
import { type InheritedFile, type Orphan, spawnOrphan } from './spawn-orphan.ts'

/** Never rejects for what the daemon does; a ToolkitError says what could not be prepared. */
export async function startDaemon(
  request: DaemonRequest,
  host: DaemonHost,
): Promise<DaemonOutcome> {
  const claim = request.pidFile === null ? null : claimFor(request, request.pidFile)
  if (claim !== null && claim.kind !== 'claimed') return claim
  try {
    const outcome = await startClaimed(request, host, claim)
    if (isLeft(outcome, request)) claim?.release()
    else claim?.withdraw()
    return outcome
  } catch (error) {
    claim?.withdraw()
    throw error
  }
}

/** True when a daemon runs after we have gone. */
function isLeft(outcome: DaemonOutcome, { onTimeout }: DaemonRequest): boolean {
  if (outcome.kind === 'timed-out') return onTimeout === 'leave'
  return outcome.kind === 'ready' && !outcome.hasEnded
}

async function startClaimed(
  request: DaemonRequest,
  host: DaemonHost,
  claim: DaemonClaim | null,
): Promise<DaemonOutcome> {
  const openWatch = await loadReadyWatch(request.ready)
  const poller = openPoller()
  // A poller that stays open, here too when there is no watch, keeps this process from ending.
  let opened: ReadyWatch | null = null
  try {
    const watch = closedOnce(openWatch(request, poller))
    opened = watch
    const watched = new Set<WatchedStream>(watch.streams)
    // Who waits for the exec only sees nothing of the program: its words go where they belong.
    if (request.ready.kind !== 'exec') watched.add('stderr')
    const streams = openStreams(request, watched)
    const files = [...streams.files, ...keptFiles(request, watch, claim)]
    const environment = new Map([...request.environment, ...Object.entries(watch.environment)])
    const orphan = spawnOrphan({ ...request, environment }, files)
    if (orphan.kind === 'refused') {
      for (const { reader } of streams.leave()) closeFd(reader)
      return notStarted(orphan)
    }
    return await new Start(request, host, poller, watch, streams, orphan, claim).run()
  } finally {
    opened?.close()
    poller.close()
  }
}

/** Closed as soon as the outcome is known, and at the latest when the start is left. */
function closedOnce(watch: ReadyWatch): ReadyWatch {
  let isClosed = false
  return {
    ...watch,
    close: () => {
      if (!isClosed) watch.close()
      isClosed = true
    },
  }
}

/** The lock of the PID file is the lowest number from 10 on that nobody wants. */
function keptFiles(
  { keptFds }: DaemonRequest,
  watch: ReadyWatch,
  claim: DaemonClaim | null,
): readonly InheritedFile[] {
  const files = [...keptFds.map((fd) => ({ from: fd as Fd, to: fd })), ...watch.files]
  const lockFd = claim?.lockFd ?? null
  if (lockFd === null) return files
  let to = 10
  while (files.some((file) => file.to === to)) to += 1
  return [...files, { from: lockFd, to }]
}

function notStarted(refusal: LaunchRefusal): DaemonOutcome {
  const exitCode = refusalExitCode(refusal)
  const message = refusal.stage === 'exec' ? refusal.reason : printRefusal(refusal)
  return { kind: 'not-started', exitCode, message }
}

/** Those of env(1) and nohup(1) for what could not be executed; 111 for the other stages. */
export function refusalExitCode({ stage, reason }: LaunchRefusal): number {
  if (stage !== 'exec') return 111
  return reason.includes('not found') || reason.includes('no such file') ? 127 : 126
}

/** One start, from the closed gate to its outcome. Owns what is open meanwhile. */
class Start {
  readonly #request: DaemonRequest
  readonly #host: DaemonHost
  readonly #watch: ReadyWatch
  readonly #streams: DaemonStreams
  readonly #orphan: Orphan
  readonly #claim: DaemonClaim | null
  readonly #poller: Poller
  #report = ''
  #isReportOpen = true
  #hasEnded = false
  #timer: NodeJS.Timeout | undefined
  #deadlineMs = 0
  #execTimer: NodeJS.Timeout | undefined
  #settle: (outcome: DaemonOutcome) => void = () => {}

  constructor(
    request: DaemonRequest,
    host: DaemonHost,
    poller: Poller,
    watch: ReadyWatch,
    streams: DaemonStreams,
    orphan: Orphan,
    claim: DaemonClaim | null,
  ) {
    this.#request = request
    this.#host = host
    this.#poller = poller
    this.#watch = watch
    this.#streams = streams
    this.#orphan = orphan
    this.#claim = claim
  }

  async run(): Promise<DaemonOutcome> {
    const { cancel } = this.#host
    const onCancel = (): void => this.#settle({ kind: 'cancelled', message: 'cancelled' })
    const outcome = await new Promise<DaemonOutcome>((resolve) => {
      this.#settle = resolve
      this.#listen()
      this.#extend(this.#request.readyTimeoutMs)
      cancel.addEventListener('abort', onCancel, { once: true })
      if (cancel.aborted) onCancel()
      else this.#orphan.openGate()
    })
    clearTimeout(this.#timer)
    clearTimeout(this.#execTimer)
    cancel.removeEventListener('abort', onCancel)
    this.#watch.close()
    return await this.#conclude(outcome)
  }

  #listen(): void {
    const { pid, pidfd, session, report } = this.#orphan
    const daemon = { pid, pidfd, session }
    this.#claim?.record(pid)
    this.#streams.listen(this.#poller, {
      onBytes: (stream, bytes) => {
        if (stream === 'stderr') this.#host.relay(bytes)
        this.#watch.onBytes?.(stream, bytes)
      },
      onEnd: (stream) => {
        // A process that dies closes its streams first; its end will be told.
        if (!isExiting(pid)) this.#watch.onStreamEnd?.(stream)
      },
    })
    this.#watch.start({
      poller: this.#poller,
      daemon,
      ready: (main) =>
        this.#settle({
          kind: 'ready',
          pid: main ?? pid,
          hasEnded: main === undefined && this.#hasEnded,
        }),
      fail: (message, exitCode) => this.#settle({ kind: 'failed', message, exitCode }),
      tell: (line) => this.#host.tell(line),
      extend: (ms) => this.#extend(ms),
    })
    this.#poller.add(report, POLLIN, () => this.#readReport())
    this.#poller.add(pidfd, POLLIN, () => this.#lookForEnd())
  }
  /** Only ever later. A wait that one timer cannot measure goes on for ever. */
  #extend(ms: Milliseconds): void {
    const deadlineMs = monotonicMs() + ms
    if (deadlineMs <= this.#deadlineMs) return
    this.#deadlineMs = deadlineMs
    clearTimeout(this.#timer)
    if (ms > MAX_TIMER_MS) return
    this.#timer = setTimeout(() => this.#settle(this.#timedOut()), ms)
  }

  #readReport(): void {
    if (!this.#isReportOpen) return
    const { text, isAtEnd } = readAvailable(this.#orphan.report)
    this.#report += text
    if (!isAtEnd) return
    this.#closeReport()
    const refusal = readStageReport(this.#report)
    if (refusal === null) this.#awaitExec()
    else this.#settle(notStarted(refusal))
  }

  #closeReport(): void {
    if (this.#isReportOpen) this.#poller.remove(this.#orphan.report)
    this.#isReportOpen = false
  }

  /** The preamble closes its report just before the last exec; no event tells of exec itself. */
  #awaitExec(): void {
    if (this.#hasEnded) return
    if (this.#orphan.isPreparing(commandLineOf(this.#orphan.pid))) {
      this.#execTimer = setTimeout(() => this.#awaitExec(), EXEC_LOOK_INTERVAL_MS)
    } else this.#watch.onExec?.()
  }

  #lookForEnd(): void {
    if (this.#hasEnded) return
    const found = reap(this.#orphan.pidfd)
    if (found === 'running') return
    this.#hasEnded = true
    this.#poller.remove(this.#orphan.pidfd)
    this.#streams.flush()
    // A step that failed has said so before the end, and is the better answer.
    this.#readReport()
    const status = found === 'not-a-child' ? null : found
    if (this.#watch.onMainEnded?.(status) === true) return
    const how = status === null ? 'how is unknown' : printExitStatus(status)
    const seen = this.#watch.describeEnd?.() ?? ''
    const message = `it ended before it was ready: ${how}${seen === '' ? '' : `; ${seen}`}`
    this.#settle({ kind: 'ended', status, message })
  }

  #timedOut(): DaemonOutcome {
    const limit = printDuration(this.#request.readyTimeoutMs)
    const seen = this.#watch.describe?.() ?? ''
    const message = `it was not ready within ${limit}${seen === '' ? '' : `: ${seen}`}`
    return { kind: 'timed-out', pid: this.#orphan.pid, message }
  }

  async #conclude(outcome: DaemonOutcome): Promise<DaemonOutcome> {
    const isOver = outcome.kind === 'ready' || isLeft(outcome, this.#request)
    this.#streams.flush()
    if (!this.#hasEnded) this.#poller.remove(this.#orphan.pidfd)
    this.#closeReport()
    const left = isOver ? [] : await this.#endAll()
    this.#streams.flush()
    for (const pipe of this.#streams.leave()) {
      if (isOver) startDrain(pipe, this.#request.name)
      else closeFd(pipe.reader)
    }
    if (outcome.kind === 'ready') this.#claim?.recordReady(outcome.pid)
    closeFd(this.#orphan.pidfd)
    closeFd(this.#orphan.report)
    if (left.length > 0)
      this.#host.tell(`still running, because we may not end them: ${left.join(', ')}`)
    return outcome
  }

  #endAll(): Promise<readonly Pid[]> {
    const { stopSignal, stopTimeoutMs } = this.#request
    return endDaemon({
      poller: this.#poller,
      main: this.#hasEnded ? null : this.#orphan.pidfd,
      ancestor: ownPid(),
      stopSignal,
      timeoutMs: stopTimeoutMs,
    })
  }
}

const EXEC_LOOK_INTERVAL_MS = 1

function commandLineOf(pid: Pid): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    // It is gone: its end will be told.
    return ''
  }
}

// One start, from the closed gate to its outcome: the exec of the command, what it writes, whether
// it becomes ready, ends, takes too long or is not wanted any more, and what is left behind then.

import { readFileSync } from 'node:fs'
import type { Milliseconds, Pid } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { printExitStatus } from '../base/exit-status.ts'
import { MAX_TIMER_MS } from '../base/limits.ts'
import { monotonicMs } from '../kernel/clock.ts'
import { closeFd } from '../kernel/fd.ts'
import { hasEnded, isReadable } from '../kernel/pidfd.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { isExiting } from '../kernel/procfs.ts'
import { reap } from '../kernel/wait.ts'
import { readStageReport } from '../launch/preamble.ts'
import { readAvailable } from '../launch/read-available.ts'
import { type LaunchRefusal, printRefusal } from '../launch/refusal.ts'
import type { DaemonClaim } from './daemon-claim.ts'
import type { DaemonHost, DaemonOutcome, DaemonRequest } from './daemon-request.ts'
import type { DaemonStreams } from './daemon-streams.ts'
import { startDrain } from './drain.ts'
import { endDaemon } from './end-daemon.ts'
import { ownPid } from './own-pid.ts'
import type { ReadyWatch } from './ready-watch.ts'
import type { Orphan } from './spawn-orphan.ts'

/** True when a daemon runs after we have gone. */
export function isLeft(outcome: DaemonOutcome, { onTimeout }: DaemonRequest): boolean {
  if (outcome.kind === 'timed-out') return onTimeout === 'leave'
  return outcome.kind === 'ready' && !outcome.hasEnded
}

/** The outcome of a step that failed before the program. */
export function notStarted(refusal: LaunchRefusal): DaemonOutcome {
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
export class Start {
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
  #isSettled = false
  /** The poller knows the report and the process. */
  #isListening = false
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
      this.#settle = (outcome) => {
        this.#isSettled = true
        resolve(outcome)
      }
      this.#prepare()
      cancel.addEventListener('abort', onCancel, { once: true })
      if (cancel.aborted) onCancel()
      else this.#orphan.openGate()
      if (this.#request.ready.kind === 'exec') this.#lookQuickly()
      if (!this.#isSettled) this.#listen()
    })
    clearTimeout(this.#timer)
    clearTimeout(this.#execTimer)
    cancel.removeEventListener('abort', onCancel)
    this.#watch.close()
    return await this.#conclude(outcome)
  }

  #prepare(): void {
    const { pid, pidfd, session, strangers } = this.#orphan
    const daemon = { pid, pidfd, session, strangers }
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
  }

  /** The exec is mostly a matter of a millisecond: less than what it takes to wait in the loop. */
  #lookQuickly(): void {
    const { report, pid, pidfd } = this.#orphan
    if (!isReadable(report, QUICK_LOOK_MS)) return
    const endMs = monotonicMs() + QUICK_SPIN_MS
    // Between the end of the report and the exec there are some instructions of a shell.
    while (monotonicMs() < endMs && !hasEnded(pidfd)) {
      if (!this.#orphan.isPreparing(commandLineOf(pid))) break
    }
    this.#readReport()
  }

  #listen(): void {
    const { pidfd, report } = this.#orphan
    this.#isListening = true
    this.#extend(this.#request.readyTimeoutMs)
    if (this.#isReportOpen) this.#poller.add(report, POLLIN, () => this.#readReport())
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
    if (this.#isReportOpen && this.#isListening) this.#poller.remove(this.#orphan.report)
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
    if (!this.#hasEnded && this.#isListening) this.#poller.remove(this.#orphan.pidfd)
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
      except: this.#orphan.strangers,
      stopSignal,
      timeoutMs: stopTimeoutMs,
      hurry: this.#host.hurry,
    })
  }
}

const EXEC_LOOK_INTERVAL_MS = 1
/** No signal is heard meanwhile. */
const QUICK_LOOK_MS = 20
const QUICK_SPIN_MS = 1

function commandLineOf(pid: Pid): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    // It is gone: its end will be told.
    return ''
  }
}

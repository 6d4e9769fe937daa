// The engine: a request becomes a running daemon, or an outcome that says why not. Fork soon, exit
// late: whoever calls stays until the daemon is ready. Where the pieces are: spawn-orphan.ts (the
// two forks), start.ts (until the outcome), ready-watch.ts (the dialects), daemon-streams.ts
// (output), pid-file.ts, end-daemon.ts.

import type { Fd } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd } from '../kernel/fd.ts'
import { openPoller } from '../kernel/poll.ts'
import { showsOurNumbers } from '../kernel/procfs.ts'
import { claimFor, type DaemonClaim } from './daemon-claim.ts'
import type { DaemonHost, DaemonOutcome, DaemonRequest } from './daemon-request.ts'
import { openStreams, type WatchedStream } from './daemon-streams.ts'
import { loadReadyWatch, type ReadyWatch } from './ready-watch.ts'
import { type InheritedFile, spawnOrphan } from './spawn-orphan.ts'
import { isLeft, notStarted, Start } from './start.ts'

/** Never rejects for what the daemon does; a ToolkitError says what could not be prepared. */
export async function startDaemon(
  request: DaemonRequest,
  host: DaemonHost,
): Promise<DaemonOutcome> {
  refuseForeignProc()
  keepDebuggerShut()
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

/** The numbers that /proc shows would be those of other processes: some would be signalled. */
function refuseForeignProc(): void {
  if (showsOurNumbers()) return
  const message = '/proc shows another PID namespace than ours, or nothing'
  const hint = 'Mount one for this namespace: `mount -t proc proc /proc`.'
  throw new ToolkitError('ERR_KERNEL_UNSUPPORTED', message, { hint })
}

/** By default Node opens its debugger's port for SIGUSR1, which daemons send to their parent. */
function keepDebuggerShut(): void {
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => {})
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
    const isLogged = [request.stdout, request.stderr].some(({ kind }) => kind === 'syslog')
    const tell = isLogged ? (await import('./syslog-lines.ts')).tellSyslog(request) : null
    const plain = openStreams(request, watched)
    const streams = tell?.(plain) ?? plain
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

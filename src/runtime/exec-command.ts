// Runs one short command beside a service: an exec probe. Its output is kept up to a bound, its
// time is limited, and nothing of its process group is left.

import { assert } from '../base/assert.ts'
import type { Fd, InstanceId, InvocationId } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import { MAX_HOOK_OUTPUT_BYTES } from '../base/limits.ts'
import { closeFd, openDevNull, setNonBlocking } from '../kernel/fd.ts'
import { createPipe } from '../kernel/fifo.ts'
import { sendSignal } from '../kernel/pidfd.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { spawnProcess } from '../kernel/spawn.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import { reap } from '../kernel/wait.ts'
import { readAvailable } from '../launch/read-available.ts'
import type { Command, ServiceDefinition } from '../model/service-definition.ts'
import { parseInstanceId } from '../model/service-name.ts'
import { type PlanLaunch, printRefusal } from './launch-plan.ts'

export interface CommandRequest {
  readonly id: InstanceId
  readonly definition: ServiceDefinition
  readonly command: Command
  readonly timeoutMs: number
  readonly mainPid: number | null
  /** Ends the command at once: its result is of no more interest. */
  readonly signal: AbortSignal
}

/** What every command needs besides the request. */
export interface CommandDeps {
  readonly poller: Poller
  readonly planLaunch: PlanLaunch
  readonly baseEnvironment: (project: string) => Readonly<Record<string, string>>
  /**
   * What the command carries as its invocation id: no process of a probe may be taken for one of
   * the service, and a later supervisor finds by it what this one has left.
   */
  readonly mark: InvocationId
}

export interface CommandResult {
  readonly status: ExitStatus | 'timed-out' | 'refused'
  /** What it printed, or why it was refused. */
  readonly output: string
}

const STAGE_FD = 9
const SIGKILL = 9

/** Resolves when the command has ended; never rejects for what the command does. */
export function runCommand(request: CommandRequest, deps: CommandDeps): Promise<CommandResult> {
  const { id, definition, command } = request
  const name = parseInstanceId(id)
  assert(name, `instance name '${id}'`)
  const planned = deps.planLaunch({
    definition,
    role: 'main',
    command,
    name,
    mainPid: request.mainPid,
    exit: null,
    notifyFd: null,
    invocation: deps.mark,
    baseEnvironment: deps.baseEnvironment(name.project),
    stageFd: STAGE_FD,
  })
  if (planned.kind === 'refused') {
    return Promise.resolve({ status: 'refused', output: printRefusal(planned) })
  }
  const { reader, writer } = createPipe()
  setNonBlocking(reader, true)
  const devNull = openDevNull()
  const files = [
    { from: devNull, to: 0 },
    { from: writer, to: 1 },
    { from: writer, to: 2 },
  ]
  if (planned.usesStageFd) files.push({ from: writer, to: STAGE_FD })
  const result = spawnProcess({ ...planned, files, session: 'new-session' })
  closeFd(writer)
  closeFd(devNull)
  if (result.kind === 'failed') {
    closeFd(reader)
    return Promise.resolve({ status: 'refused', output: result.message })
  }
  return outcome(deps.poller, result, reader, request)
}

function outcome(
  poller: Poller,
  { pid, pidfd }: { readonly pid: number; readonly pidfd: Fd },
  reader: Fd,
  { timeoutMs, signal }: CommandRequest,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    let output = ''
    let hasTimedOut = false
    let isReading = true
    const stopReading = () => {
      if (isReading) poller.remove(reader)
      isReading = false
    }
    const kill = () => {
      killGroup(pid)
      sendSignal(pidfd, SIGKILL)
    }
    const timer = setTimeout(() => {
      hasTimedOut = true
      kill()
    }, timeoutMs)
    const giveUp = () => {
      clearTimeout(timer)
      kill()
    }
    signal.addEventListener('abort', giveUp, { once: true })
    const read = () => {
      const { text, isAtEnd } = readAvailable(reader)
      if (output.length < MAX_HOOK_OUTPUT_BYTES) output += text
      if (isAtEnd) stopReading()
    }
    poller.add(reader, POLLIN, read)
    poller.add(pidfd, POLLIN, () => {
      // Not reaped yet: the number is still held, and the rest of its group can be ended by it.
      killGroup(pid)
      const status = reap(pidfd)
      if (status === 'running') return
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      read()
      poller.remove(pidfd)
      stopReading()
      closeFd(pidfd)
      closeFd(reader)
      const known = status === 'not-a-child' ? { kind: 'unknown' as const } : status
      resolve({ status: hasTimedOut ? 'timed-out' : known, output: output.trim() })
    })
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!isErrno(error, 'ESRCH') && !isErrno(error, 'EPERM')) throw error
  }
}

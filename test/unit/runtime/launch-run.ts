// Carries a launch plan out with the real spawn and collects what came of it. For the tests of
// this folder; the process port is the one that does it in production.

import { closeSync, readFileSync, readSync } from 'node:fs'
import { type Fd, toInvocationId } from '../../../src/base/brands.ts'
import type { ExitStatus } from '../../../src/base/exit-status.ts'
import { openDevNull } from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { openPoller, POLLIN } from '../../../src/kernel/poll.ts'
import { spawnProcess } from '../../../src/kernel/spawn.ts'
import { reap } from '../../../src/kernel/wait.ts'
import { type ServiceInput, withDefaults } from '../../../src/model/defaults.ts'
import type { Command } from '../../../src/model/service-definition.ts'
import type { LaunchPlan, LaunchRefusal, LaunchRequest } from '../../../src/runtime/launch-plan.ts'
import { printRefusal, readStageReport } from '../../../src/runtime/launch-plan.ts'

const STAGE_FD = 9

/** A shell line as a command. */
export const shell = (line: string): Command => ({ kind: 'shell', line })
/** A vector as a command. */
export const exec = (...argv: string[]): Command => ({ kind: 'argv', argv })

/** A complete request for the main process of `shop/web@1`. */
export function requestOf(
  input: Partial<ServiceInput>,
  more: Partial<LaunchRequest> = {},
): LaunchRequest {
  const definition = withDefaults({
    name: 'web',
    command: exec('true'),
    directory: '/',
    ...input,
  })
  return {
    definition,
    role: 'main',
    command: definition.command,
    name: { project: 'shop', service: 'web', index: 1 },
    invocation: toInvocationId('0123456789abcdef0123456789abcdef'),
    mainPid: null,
    exit: null,
    baseEnvironment: { PATH: '/usr/bin:/bin' },
    notifyFd: null,
    stageFd: STAGE_FD,
    ...more,
  }
}

export interface Outcome {
  readonly pid: number
  readonly status: ExitStatus
  readonly stdout: string
  readonly stderr: string
  readonly refusal: LaunchRefusal | null
}

/** Spawns the plan and waits for its end. Output must fit into a pipe. */
export async function run(plan: LaunchPlan): Promise<Outcome> {
  const [input, out, err, stage] = [openDevNull(), createPipe(), createPipe(), createPipe()]
  const files = [
    { from: input, to: 0 },
    { from: out.writer, to: 1 },
    { from: err.writer, to: 2 },
    ...(plan.usesStageFd ? [{ from: stage.writer, to: STAGE_FD }] : []),
  ]
  const spawned = spawnProcess({ ...plan, files, session: 'new-session' })
  for (const fd of [input, out.writer, err.writer, stage.writer]) closeSync(fd)
  if (spawned.kind === 'failed') throw new Error(spawned.message)
  await ended(spawned.pidfd)
  const status = reap(spawned.pidfd)
  closeSync(spawned.pidfd)
  if (typeof status === 'string') throw new Error(status)
  return {
    pid: spawned.pid,
    status,
    stdout: drain(out.reader),
    stderr: drain(err.reader),
    refusal: readStageReport(drain(stage.reader)),
  }
}

/** The plan, or an error that says why there is none. */
export function planOf(result: LaunchPlan | LaunchRefusal): LaunchPlan {
  if (result.kind === 'plan') return result
  throw new Error(printRefusal(result))
}

/** The refusal, or an error. */
export function refusalOf(result: LaunchPlan | LaunchRefusal): LaunchRefusal {
  if (result.kind === 'refused') return result
  throw new Error('it was not refused')
}

function ended(pidfd: Fd): Promise<void> {
  const poller = openPoller()
  return new Promise((resolve) => {
    poller.add(pidfd, POLLIN, () => {
      poller.remove(pidfd)
      poller.close()
      resolve()
    })
  })
}

function drain(fd: Fd): string {
  const buffer = Buffer.alloc(64 * 1024)
  let text = ''
  for (let read = -1; read !== 0; text += buffer.toString('utf8', 0, read)) {
    read = readSync(fd, buffer, 0, buffer.length, null)
  }
  closeSync(fd)
  return text
}

/** True when this process may become another user. */
export function isRoot(): boolean {
  return (
    /^CapEff:\s*0*[1-9a-f]/m.test(readFileSync('/proc/self/status', 'latin1')) &&
    process.geteuid?.() === 0
  )
}

// Deaths of the supervisor, as a test arranges them: at an instant, together with its guardian, or
// with a time in between in which no supervisor lives.

import type { SupervisorInfo } from '../../src/protocol/response.ts'
import { supervisorInfo } from './control.ts'
import type { Home } from './home.ts'
import { killExactly, readProcess } from './processes.ts'
import { until } from './until.ts'

/** Waits for a supervisor that answers and is not this one. */
export function nextSupervisor(home: Home, old: number): Promise<SupervisorInfo> {
  return until('another supervisor to answer', async () => {
    const info = await supervisorInfo(home.socket)
    return info !== undefined && info.pid !== old && info
  })
}

/** Kills the supervisor and waits for the next one. */
export async function killSupervisor(
  home: Home,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<SupervisorInfo> {
  const { pid } = await home.supervisor()
  kill(pid, signal)
  return nextSupervisor(home, pid)
}

/** While `action` runs, no supervisor lives and the guardian sleeps. Waits for the next one. */
export async function whileDead(
  home: Home,
  action: () => void | Promise<void>,
): Promise<SupervisorInfo> {
  return nextSupervisor(home, await actWhileDead(home, action))
}

/** The same without waiting; gives the pid of the dead one. */
export async function actWhileDead(
  home: Home,
  action: () => void | Promise<void>,
): Promise<number> {
  const { pid, guardian } = await home.supervisor()
  if (guardian === null) throw new Error('this supervisor has no guardian')
  kill(guardian, 'SIGSTOP')
  try {
    kill(pid, 'SIGKILL')
    await until('the supervisor to be dead', () => isGone(pid))
    await action()
  } finally {
    kill(guardian, 'SIGCONT')
  }
  return pid
}

/** Kills the guardian first, so that it starts nothing; resolves when both are gone. */
export async function killBoth(home: Home): Promise<void> {
  const { pid, guardian } = await home.supervisor()
  if (guardian !== null) kill(guardian, 'SIGSTOP')
  kill(pid, 'SIGKILL')
  if (guardian !== null) kill(guardian, 'SIGKILL')
  await until('both to be dead', () => isGone(pid) && (guardian === null || isGone(guardian)))
}

function isGone(pid: number): boolean {
  const seen = readProcess(pid)
  return seen === undefined || seen.state === 'Z'
}

function kill(pid: number, signal: NodeJS.Signals): void {
  if (signal === 'SIGSTOP' || signal === 'SIGCONT') process.kill(pid, signal)
  else {
    const seen = readProcess(pid)
    if (!seen || !killExactly(seen, signal)) throw new Error(`no process ${pid} to kill`)
  }
}

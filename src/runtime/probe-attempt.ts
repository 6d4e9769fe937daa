// One question to a service: asked, answered or given up, within its time. The network's part is
// in launch/network-probe.ts; here is the command.

import type { Milliseconds } from '../base/brands.ts'
import { printDuration } from '../base/duration.ts'
import { printExitStatus } from '../base/exit-status.ts'
import {
  type AttemptResult,
  askNetwork,
  bad,
  clampTimeout,
  type NetworkAttempt,
} from '../launch/network-probe.ts'
import type { Command, ProbeAction } from '../model/service-definition.ts'
import type { CommandResult } from './exec-command.ts'

export interface AttemptContext extends NetworkAttempt {
  readonly runCommand: (command: Command, timeoutMs: Milliseconds) => Promise<CommandResult>
}

/** Asks once. Never rejects: what goes wrong is an answer. */
export async function attemptProbe(
  action: ProbeAction,
  context: AttemptContext,
): Promise<AttemptResult> {
  if (action.kind !== 'exec') return askNetwork(action, context)
  try {
    return await askCommand(action.command, context)
  } catch (error) {
    return bad(error instanceof Error ? error.message : String(error))
  }
}

async function askCommand(command: Command, context: AttemptContext): Promise<AttemptResult> {
  const { status, output } = await context.runCommand(command, clampTimeout(context.timeoutMs))
  if (typeof status === 'object' && status.kind === 'exited' && status.code === 0) {
    return { isGood: true, peer: null }
  }
  const said = output.trim().split('\n').at(-1)?.trim() ?? ''
  const words =
    typeof status === 'object' ? printExitStatus(status) : commandFailure(status, context)
  return bad(`probe command: ${[words, said].filter((part) => part !== '').join(': ')}`)
}

function commandFailure(status: 'timed-out' | 'refused', { timeoutMs }: AttemptContext): string {
  return status === 'refused' ? '' : `not done within ${printDuration(timeoutMs)}`
}

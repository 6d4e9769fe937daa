// The actions of `eudaemon run` on a daemon that runs: they know it by its PID file, and act on the
// process that the file proves, never on a number.

import { DAEMON_KILL_PATIENCE_MS } from '../base/limits.ts'
import { quote } from '../base/quote.ts'
import { signalName } from '../base/signal.ts'
import { ownIdentity } from '../kernel/identity.ts'
import { signalOwner, statusOfOwner, stopOwner } from './pid-owner-control.ts'
import { durationOf, pidFileOf, type RunOptions, signalOf } from './run-options.ts'

export type PidAction = 'stop' | 'reload' | 'status' | 'signal'

export interface ActionResult {
  readonly kind: 'done' | 'wrong-usage'
  readonly exitCode: number
  readonly stdout?: string
  readonly stderr?: string
}

/** Of the contract in cli/exit-codes.ts; the status action has those of LSB, which agree. */
const NOT_RUNNING = 3

/** Throws a ToolkitError when the owner cannot be told, may not be signalled or does not end. */
export async function actOnOwner(action: PidAction, options: RunOptions): Promise<ActionResult> {
  const path = pidFileOf(options, ownIdentity())
  if (path === null) {
    const stderr = `eudaemon run: --${action} needs --pid-file FILE\n`
    return { kind: 'wrong-usage', exitCode: 100, stderr }
  }
  const label = options.value('name') ?? quote(path)
  const say = (text: string): string => `eudaemon: ${label}: ${text}\n`
  switch (action) {
    case 'status': {
      const { lsbStatus, text, hint } = statusOfOwner(path)
      const stdout = `${label}: ${text}\n${hint === null ? '' : `  ${hint}\n`}`
      return { kind: 'done', exitCode: lsbStatus, stdout }
    }
    case 'stop': {
      const outcome = await stopOwner(path, {
        signal: signalOf(options, 'stop-signal', 'TERM'),
        timeoutMs: durationOf(options, 'stop-timeout', '10s'),
        killTimeoutMs: DAEMON_KILL_PATIENCE_MS,
      })
      if (outcome.kind === 'not-running') {
        return { kind: 'done', exitCode: 0, stderr: say('not running') }
      }
      if (outcome.kind === 'stopped') return { kind: 'done', exitCode: 0 }
      const text = `process ${outcome.pid} had to be killed`
      return { kind: 'done', exitCode: 0, stderr: say(text) }
    }
    case 'reload':
    case 'signal': {
      const number =
        action === 'reload'
          ? signalOf(options, 'reload-signal', 'HUP')
          : signalOf(options, 'signal', 'TERM')
      const outcome = signalOwner(path, number)
      if (outcome.kind === 'sent') return { kind: 'done', exitCode: 0 }
      const stderr = say(`not running; ${signalName(number)} was not sent`)
      return { kind: 'done', exitCode: NOT_RUNNING, stderr }
    }
  }
}

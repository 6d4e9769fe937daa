// What commands get from outside, without an outside: outputs are collected, signals are sent by
// the test, the supervisor is whatever listens on the socket.

import type { CommandResult, Deps, Run, Screen, StopSignal } from '../../src/cli/deps.ts'
import { parseArguments } from '../../src/cli/parse-arguments.ts'
import { createClient } from '../../src/client/client.ts'

export interface FakeDeps extends Deps {
  /** What was written while the command ran. */
  readonly written: { out: string; err: string }
  send(signal: StopSignal): void
}

export function createFakeDeps(directory: string, socketPath: string): FakeDeps {
  const written = { out: '', err: '' }
  const listeners = new Set<(signal: StopSignal) => void>()
  const screen = (name: 'out' | 'err'): Screen => ({
    isTerminal: false,
    hasColour: false,
    columns: 80,
    write: (text) => {
      written[name] += text
      return true
    },
  })
  const connect = async (): Promise<ReturnType<typeof createClient>> => createClient(socketPath, 0)
  return {
    env: { PATH: process.env['PATH'] },
    directory,
    uid: 0,
    directories: {
      runtime: `${directory}/run`,
      state: `${directory}/state`,
      log: `${directory}/log`,
      home: directory,
    },
    out: screen('out'),
    err: screen('err'),
    now: () => Date.parse('2026-11-21T06:00:00.000Z') + performance.now(),
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onSignal: (_signals, listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    connect,
    ensureSupervisor: connect,
    supervise: async () => 0,
    written,
    send: (signal) => {
      for (const listener of listeners) listener(signal)
    },
  }
}

/** Runs a command as main.ts would. */
export async function runCommand(run: Run, line: string, deps: Deps): Promise<CommandResult> {
  const parsed = parseArguments(line.split(' '))
  if (parsed.kind !== 'command') throw new Error(`${line}: ${JSON.stringify(parsed)}`)
  return run(parsed.options, deps)
}

// What commands get from outside: terminal, environment, clock, signals, the way to a supervisor.
// Tests hand in others; main.ts makes the real ones.

import type { Client } from '../client/client.ts'
import type { Directories } from '../protocol/directories.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Options } from './parse-arguments.ts'

export interface Screen {
  readonly isTerminal: boolean
  readonly hasColour: boolean
  /** Of the terminal; 80 where there is none. */
  readonly columns: number
  /** Writes all of it; false when nobody reads any more. */
  write(text: string | Uint8Array): boolean
}

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface Deps {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly directory: string
  readonly uid: number
  readonly directories: Directories
  readonly out: Screen
  readonly err: Screen
  /** Wall time in milliseconds. */
  now(): number
  /** Resolves after so many milliseconds. */
  delay(ms: number): Promise<void>
  /** Calls back for each signal until the returned function is called. */
  onSignal(signals: readonly StopSignal[], listener: (signal: StopSignal) => void): () => void
  /** Talks to the supervisor that runs; whether one does shows with the first request. */
  connect(patienceMs?: number): Promise<Client>
  /** Resolves when a supervisor in the background answers; starts one if need be. */
  ensureSupervisor(): Promise<Client>
  /** Runs the supervisor in this process until it ends; see supervisor/main.ts. */
  supervise(options: SuperviseOptions): Promise<number>
}

export interface SuperviseOptions {
  readonly file: string | null
  readonly isOnDemand: boolean
}

/** Text for the two outputs; empty by default. */
export interface Output {
  readonly stdout?: string
  readonly stderr?: string
}

export interface CommandResult {
  readonly output: Output
  /** Of the contract, or what a command that was run ended with. */
  readonly exitCode: number
}

/** Each file in commands/ exports one as `run`. */
export type Run = (options: Options, deps: Deps) => Promise<CommandResult>

/** What there is without a supervisor. */
export type PlainDeps = Omit<Deps, 'directories' | 'connect' | 'ensureSupervisor' | 'supervise'>

/** Ends a command from the depth of a helper, with what to print. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: ExitCode
  /** For standard error, with its newline. */
  readonly text: string

  constructor(exitCode: ExitCode, text: string) {
    super(text)
    this.exitCode = exitCode
    this.text = text
  }
}

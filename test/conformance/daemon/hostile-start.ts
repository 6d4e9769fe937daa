// Runs one command under hostile.c and is its remote control: when did the command return, close
// the terminal, end. The C programs are compiled on first use, statically where that is possible.

import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { until } from '../../support/until.ts'
import { hostileEnvironment } from './hostile-environment.ts'

/** How the surroundings are; the parent of orphans is init or a subreaper above the tests. */
export interface Began {
  readonly event: 'began'
  readonly reaper: number
  /** Leader of the session with the terminal. */
  readonly shell: number
  /** False: not even the hostile start may allow core dumps here. */
  readonly canDumpCore: boolean
  /** The inodes behind the descriptors that it leaves open for the command. */
  readonly inherited: readonly number[]
}

/** The command has ended: what a person sees as the prompt. */
interface Returned {
  readonly event: 'returned'
  readonly status: number
  /** Monotonic nanoseconds. */
  readonly at: number
}

type HostileEvent = Began | Returned | { readonly event: 'closed' }

export interface HostileStart {
  readonly began: Began
  readonly returned: Returned
  /** The master side of the terminal is closed and the leader of its session has ended. */
  closeTerminal(): Promise<void>
  /** Ends what is left of the surroundings; the daemon is not part of them. */
  end(): Promise<void>
}

export interface HostileOptions {
  /** Where hostile.c may write; also the home in the environment. */
  readonly folder: string
  /** Octal digits. */
  readonly umask: string
  readonly command: readonly string[]
}

/** Compiles a program of this folder; undefined when there is no C compiler. */
export function compile(name: string, into: string): string | undefined {
  const compiler = ['cc', 'gcc', 'clang']
    .flatMap((tool) => (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, tool)))
    .find(existsSync)
  if (compiler === undefined) return undefined
  const program = join(into, name)
  const words = ['-Wall', '-Wextra', '-Werror', '-O1', '-o', program]
  const source = join(import.meta.dirname, `${name}.c`)
  try {
    execFileSync(compiler, [...words, '-static', source], { stdio: 'pipe' })
  } catch {
    execFileSync(compiler, [...words, source], { stdio: 'inherit' })
  }
  return program
}

/** Resolves when the command has returned. */
export async function startHostile(
  hostile: string,
  { folder, umask, command }: HostileOptions,
): Promise<HostileStart> {
  const child = spawn(hostile, [folder, umask, ...command], {
    cwd: '/',
    env: hostileEnvironment(folder),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const isOver = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const events = collect(child)
  const next = <Kind extends HostileEvent['event']>(
    kind: Kind,
  ): Promise<Extract<HostileEvent, { readonly event: Kind }>> =>
    until(`${command.join(' ')}: ${kind}`, () => {
      const isThis = (
        event: HostileEvent,
      ): event is Extract<HostileEvent, { readonly event: Kind }> => event.event === kind
      const found = events.find(isThis)
      if (found === undefined && child.exitCode !== null) throw new Error('hostile has ended')
      return found
    })
  const end = async (): Promise<void> => {
    child.stdin.end()
    await isOver
  }
  try {
    const began = await next('began')
    const returned = await next('returned')
    const closeTerminal = async (): Promise<void> => {
      child.stdin.write('\n')
      await next('closed')
    }
    return { began, returned, closeTerminal, end }
  } catch (error) {
    await end()
    throw error
  }
}

function collect(child: ChildProcessByStdio<Writable, Readable, null>): readonly HostileEvent[] {
  const events: HostileEvent[] = []
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line)))
  return events
}

// test/fixtures/programs/service-program.ts as a command, and what it has reported: for tests that
// run a program under one supervisor or another. At the end the supervisor is ended first, since
// it would start the program again, then the program, and then its folder is removed.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { killExactly, readProcess, type SeenProcess } from './processes.ts'
import { program } from './programs.ts'
import { until } from './until.ts'

type Fields = Readonly<Record<string, unknown>>

export interface ServiceProgram {
  readonly folder: string
  readonly report: string
  /** Words of the command. */
  argv(...actions: readonly string[]): readonly string[]
  /** One line for sh, with the report in its environment. */
  line(...actions: readonly string[]): string
  /** The results of the actions so far, in order. */
  results(): readonly (readonly [action: string, result: unknown])[]
  /** Resolves to the result of the action as soon as it is there. */
  result(action: string): Promise<Fields>
  /** Starts a supervisor, or whatever else runs the program, in a session of its own. */
  startPeer(words: readonly string[], options?: PeerOptions): Peer
}

export interface PeerOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Peer {
  readonly pid: number
  /** Its exit status. */
  readonly gone: Promise<number | null>
}

/** A fresh folder for it; nothing of it is left after the test, or the test fails. */
export function serviceProgram(test: TestContext): ServiceProgram {
  const folder = mkdtempSync(join(tmpdir(), 'eudaemon-test-'))
  const report = join(folder, 'report')
  const peers: (() => Promise<unknown>)[] = []
  const argv = (...actions: readonly string[]) => [
    process.execPath,
    program('service-program.ts'),
    ...actions,
  ]
  const results = (): ReturnType<ServiceProgram['results']> => {
    const text = existsSync(report) ? readFileSync(report, 'utf8') : ''
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  }
  test.after(async () => {
    for (const end of peers) await end()
    await endHolders(results())
    rmSync(folder, { recursive: true })
  })
  return {
    folder,
    report,
    argv,
    line: (...actions) => `PROGRAM_REPORT='${report}' ${argv(...actions).join(' ')}`,
    results,
    result: async (action) => {
      const found = await until(`the result of '${action}'`, () =>
        results().find(([word]) => word === action),
      )
      return found[1] as Fields
    },
    startPeer: (words, options = {}) => {
      const [file = '', ...args] = words
      const env = { PATH: process.env['PATH'], ...options.env }
      const child = spawn(file, args, { ...options, env, stdio: 'ignore', detached: true })
      const gone = new Promise<number | null>((resolve) => child.on('exit', resolve))
      peers.push(() => {
        child.kill('SIGTERM')
        return gone
      })
      return { pid: child.pid ?? 0, gone }
    },
  }
}

/** Every process of this program that still holds on; its number alone would prove nothing. */
async function endHolders(results: ReturnType<ServiceProgram['results']>): Promise<void> {
  const holders = results
    .filter(([action]) => action === 'hold')
    .map(([, pid]) => readProcess(Number(pid)))
    .filter((seen): seen is SeenProcess => seen?.command.includes('service-program.ts') ?? false)
  for (const seen of holders) {
    killExactly(seen, 'SIGTERM')
    await until(`the end of ${seen.pid}`, () => {
      const now = readProcess(seen.pid)
      return now === undefined || now.state === 'Z' || now.startTime !== seen.startTime
    })
  }
}

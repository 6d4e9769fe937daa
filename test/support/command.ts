// The real command in a process of its own: `bin/eudaemon.js` under the Node that runs the tests.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { LIMIT_MS, until } from './until.ts'

const bin = join(import.meta.dirname, '../../bin/eudaemon.js')

export interface RunOptions {
  readonly cwd?: string
  /** On top of the environment of the tests; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A command that runs the rest of its arguments. */
  readonly prefix?: readonly string[]
  readonly timeoutMs?: number
}

export interface RunResult {
  /** The exit status; 128 and the signal's number when a signal ended it, as a shell says it. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
}

export interface Running {
  readonly pid: number
  /** What it has printed so far. */
  output(): string
  errors(): string
  signal(name: NodeJS.Signals): void
  /** Writes to its standard input. */
  types(text: string): void
  /** Resolves when it prints this on standard output or standard error. */
  prints(text: string | RegExp): Promise<void>
  ended: Promise<RunResult>
}

/** Runs it to its end; rejects, and kills it, when that takes longer than the limit. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return start(args, options).ended
}

/** Starts it. It is killed at its time limit. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const { cwd = '/', prefix = [], timeoutMs = LIMIT_MS * 2 } = options
  const [file = '', ...words] = [...prefix, process.execPath, bin, ...args]
  const env = { ...process.env, NO_COLOR: '1', NODE_TEST_CONTEXT: undefined, ...options.env }
  const child = spawn(file, words, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  // It may be gone before it is told something.
  child.stdin.on('error', () => undefined)
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (part: string) => {
      text[stream] += part
    })
  }
  const ended = endOf(child, args, text, timeoutMs)
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  ended.then(over, over)
  const has = (wanted: string | RegExp): boolean => {
    const all = text.stdout + text.stderr
    return typeof wanted === 'string' ? all.includes(wanted) : wanted.test(all)
  }
  return {
    pid: child.pid ?? 0,
    output: () => text.stdout,
    errors: () => text.stderr,
    signal: (name) => child.kill(name),
    types: (typed) => child.stdin.write(typed),
    prints: async (wanted) => {
      const what = `${args.join(' ')} to print ${wanted}`
      const fail = (why: string): never => {
        throw new Error(`${why}\n${text.stdout}\n${text.stderr}`)
      }
      await until(
        what,
        () => has(wanted) || (isOver && fail(`it ended; waited for ${what}`)),
      ).catch((error: unknown) => fail(String(error)))
    },
    ended,
  }
}

function endOf(
  child: ChildProcess,
  args: readonly string[],
  text: { readonly stdout: string; readonly stderr: string },
  timeoutMs: number,
): Promise<RunResult> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      const said = `${text.stdout}\n${text.stderr}`
      reject(new Error(`eudaemon ${args.join(' ')}: not done in ${timeoutMs} ms\n${said}`))
    }, timeoutMs)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const { stdout, stderr } = text
      const status = code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)
      resolve({ status, stdout, stderr, tookMs: performance.now() - began })
    })
  })
}

const signalNumbers: Readonly<Record<string, number>> = {
  ...{ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 },
}

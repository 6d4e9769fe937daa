// Runs one part of the suite in a child process and counts what it says. node:test prints for
// people on the terminal and TAP into a file, which is what is counted; a run that ends badly
// without a failed test (a crash of the runner itself) counts as one failure.

import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Check, Part, TestPart } from './parts.ts'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** One line a skipped test: its name and its reason. */
  readonly skips: readonly string[]
}

/** How to start a child: another root and a prefix let a part run as another user. */
export interface Place {
  readonly root: string
  readonly prefix: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The counts of a part; never throws for what the part does. */
export async function runPart(part: Part, place: Place): Promise<Counts> {
  return part.kind === 'check' ? runCheck(part, place) : runTests(part, place)
}

async function runCheck(check: Check, place: Place): Promise<Counts> {
  const [tool = '', ...rest] = check.command
  const status = await run([join(place.root, 'node_modules/.bin', tool), ...rest], place)
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0, skips: [] }
}

async function runTests(part: TestPart, place: Place): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'eudaemon-test-'))
  const tap = join(folder, 'results.tap')
  try {
    // The part may run as another user, who must be able to write into this one file.
    chmodSync(folder, 0o755)
    writeFileSync(tap, '')
    chmodSync(tap, 0o666)
    const reporters = [
      ['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ['--test-reporter=tap', `--test-reporter-destination=${tap}`],
    ]
    const options = ['--test', `--test-concurrency=${part.concurrency}`, ...reporters.flat()]
    const node = join(place.root, 'node_modules/.bin/node')
    const status = await run([node, ...options, ...part.files], place)
    return countTap(readFileSync(tap, 'utf8'), status)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Counts what a TAP stream of node:test says; `status` is the exit status of its run. */
export function countTap(tap: string, status: number): Counts {
  const total = (name: string): number => {
    const lines = [...tap.matchAll(new RegExp(`^# ${name} (\\d+)$`, 'gm'))]
    return Number(lines.at(-1)?.[1] ?? 0)
  }
  const failed = total('fail') + total('cancelled')
  // Skipped suites are missing in the summary of node:test, so the lines are counted.
  const skips = [...tap.matchAll(/^ *(?:not )?ok \d+ - (.*?) # (?:SKIP|TODO)(.*)$/gm)]
  return {
    passed: total('pass'),
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: skips.length,
    skips: skips.map((match) => `${match[1]}:${match[2] === '' ? ' no reason given' : match[2]}`),
  }
}

/** Runs a command on our terminal; resolves to its exit status, 128 + n for signal n. */
async function run(command: readonly string[], place: Place): Promise<number> {
  const [file = '', ...args] = [...place.prefix, ...command]
  const child = spawn(file, args, {
    cwd: place.root,
    env: place.env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`cannot run ${file}: ${error.message}`)
      resolve(127)
    })
    child.on('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

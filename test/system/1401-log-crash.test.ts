// Lines are neither lost nor doubled when the process that captures is killed at any instant.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { LogLine } from '../../src/client/log-reader.ts'
import { createFifo, openFifoReadWrite } from '../../src/kernel/fifo.ts'
import { readAll, until } from '../fixtures/log-bench.ts'

const KILLS = 20
const fixtures = join(import.meta.dirname, '../fixtures')
const indexes = [1, 2, 3, 4] as const

function startCaptor(root: string, logs: string): ChildProcess {
  return spawn(process.execPath, [join(fixtures, 'log-captor.ts'), root, logs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

interface Writer {
  readonly child: ChildProcess
  readonly ends: readonly number[]
  readonly result: Promise<number>
}

/** The writing ends stay open here too, as the descriptor store would hold the pipes. */
function startWriter(root: string, index: number): Writer {
  const ends = ['stdout', 'stderr'].map((name) => {
    createFifo(`${root}/${name}-${index}`, 0o600)
    return openFifoReadWrite(`${root}/${name}-${index}`)
  })
  const [stdout = -1, stderr = -1] = ends
  const child = spawn(process.execPath, [join(fixtures, 'log-writer.ts')], {
    stdio: ['ignore', stdout, stderr, 'pipe'],
  })
  let said = ''
  const result = new Promise<number>((resolve) => {
    child.stdio[3]?.on('data', (bytes) => {
      said += String(bytes)
      if (said.endsWith('\n')) resolve(Number(said))
    })
  })
  return { child, ends, result }
}

test(`${KILLS} times SIGKILL: no line lost, none doubled`, async () => {
  const root = mkdtempSync(join(tmpdir(), 'eudaemon-crash-'))
  const logs = join(root, 'logs')
  const writers = indexes.map((index) => startWriter(root, index))
  let captor: ChildProcess | undefined
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      captor = startCaptor(root, logs)
      await once(captor.stdout ?? captor, 'data')
      // Anything from the first callback to the middle of rotations and compressions.
      await delay(Math.random() ** 2 * 250)
      captor.kill('SIGKILL')
      await once(captor, 'exit')
    }
    captor = startCaptor(root, logs)
    await once(captor.stdout ?? captor, 'data')
    for (const { child } of writers) child.kill('SIGTERM')
    const counts = await Promise.all(writers.map(({ result }) => result))
    for (const [at, index] of indexes.entries()) {
      await checkLog(logs, `shop/writer@${index}`, counts[at] ?? 0)
    }
    await checkStamped(join(logs, 'shop/writer@4'))
    assert.ok(readdirSync(join(logs, 'shop/writer@1')).length > 4, 'it has rotated')
  } finally {
    const children = [captor, ...writers.map(({ child }) => child)]
    for (const child of children) if (child?.exitCode === null) child.kill('SIGKILL')
    for (const { ends } of writers) for (const end of ends) closeSync(end)
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
})

async function readLines(logs: string, instance: string): Promise<readonly LogLine[]> {
  const items = await readAll({ directory: logs, instances: [instance] })
  return items.filter((item) => item.kind === 'line')
}

async function checkLog(logs: string, instance: string, count: number): Promise<void> {
  let lines: readonly LogLine[] = []
  const end = Date.now() + 30_000
  while (lines.length < count && Date.now() < end) {
    lines = await readLines(logs, instance)
    if (lines.length < count) await delay(20)
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const expected: string[] = []
    for (let number = 0; number < count; number += 1) {
      const isStderr = number % 4 === 3
      if (isStderr === (stream === 'stderr'))
        expected.push(`line ${number} ${'.'.repeat(number % 90)}`)
    }
    const seen = lines.filter((line) => line.stream === stream).map((line) => line.text)
    const firstWrong = seen.findIndex((text, at) => text !== expected[at])
    assert.equal(
      firstWrong,
      -1,
      `${instance} ${stream}: '${seen[firstWrong]}' for '${expected[firstWrong]}'`,
    )
    assert.equal(seen.length, expected.length, `${instance} ${stream}: number of lines`)
  }
  assert.equal(
    lines.every(
      (line, at) =>
        line.timeUs >= (lines[at - 1]?.timeUs ?? 0) || line.stream !== lines[at - 1]?.stream,
    ),
    true,
    'times go up',
  )
}

/** The stamped file of the newest segment has all complete lines of the segment. */
async function checkStamped(directory: string): Promise<void> {
  const newest =
    readdirSync(directory)
      .filter((name) => /^\d+\.log$/.test(name))
      .sort()
      .at(-1) ?? ''
  const countIn = (name: string): number =>
    readFileSync(join(directory, name), 'latin1').split('\n').length - 1
  const stamped = newest.replace('.log', '.stamped.log')
  await until(() => Math.abs(countIn(stamped) - countIn(newest)) <= 2, 'the stamped file')
}

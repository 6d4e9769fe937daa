// Real processes for tests of the kernel room: started, awaited through their pidfds, and never
// left behind. No time-outs as synchronisation; one generous limit turns a hang into a failure.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Fd, Pid } from '../../src/base/brands.ts'
import { type ExitStatus, printExitStatus } from '../../src/base/exit-status.ts'
import { closeFd } from '../../src/kernel/fd.ts'
import { createPipe } from '../../src/kernel/fifo.ts'
import { sendSignal } from '../../src/kernel/pidfd.ts'
import { openPoller, POLLIN } from '../../src/kernel/poll.ts'
import { type SpawnRequest, spawnProcess } from '../../src/kernel/spawn.ts'
import { reap } from '../../src/kernel/wait.ts'

const LIMIT_MS = 20_000
const SIGKILL = 9

export interface Child {
  readonly pid: Pid
  readonly pidfd: Fd
}

/** A fresh folder that is removed after the test. */
export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'eudaemon-test-'))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts `sh -c script` (or what the request says); killed and reaped after the test. */
export function start(
  test: TestContext,
  script: string,
  request: Partial<SpawnRequest> = {},
): Child {
  const child = spawnProcess({
    path: '/bin/sh',
    argv: ['sh', '-c', script],
    env: [`PATH=${process.env['PATH']}`],
    directory: '/',
    files: [],
    session: 'inherit',
    ...request,
  })
  if (child.kind === 'failed') throw new Error(child.message)
  test.after(() => {
    if (reap(child.pidfd) === 'running') {
      sendSignal(child.pidfd, SIGKILL)
      while (reap(child.pidfd) === 'running') execFileSync('true')
    }
    closeFd(child.pidfd)
  })
  return child
}

/** Resolves when the descriptor has one of the events; rejects after the limit. */
export function readiness(fd: Fd, events: number = POLLIN): Promise<number> {
  const poller = openPoller()
  return new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => {
      poller.close()
      reject(new Error(`descriptor ${fd} was not ready within ${LIMIT_MS} ms`))
    }, LIMIT_MS)
    poller.add(fd, events, (seen) => {
      clearTimeout(late)
      poller.close()
      resolve(seen)
    })
  })
}

/** Waits for the end of a child of ours and takes its status. */
export async function ended({ pidfd }: Child): Promise<ExitStatus> {
  await readiness(pidfd)
  const status = reap(pidfd)
  if (typeof status === 'string') throw new Error(`ended, but ${status}`)
  return status
}

/** What a child prints on the descriptors of `to`, until the end of them all, and how it ended. */
export async function outputOf(
  test: TestContext,
  script: string,
  request: Partial<SpawnRequest> = {},
  to: readonly number[] = [1, 2],
): Promise<{ readonly text: string; readonly status: string }> {
  const { reader, writer } = createPipe()
  const files = [...to.map((target) => ({ from: writer, to: target })), ...(request.files ?? [])]
  const child = start(test, script, { ...request, files })
  closeFd(writer)
  const text = await readAll(reader)
  closeFd(reader)
  return { text, status: printExitStatus(await ended(child)) }
}

/** Reads until the end of file. */
async function readAll(fd: Fd): Promise<string> {
  let text = ''
  for (;;) {
    const chunk = await readSome(fd)
    if (chunk === '') return text
    text += chunk
  }
}

/** Waits until there is something to read, and reads it; empty at the end of the file. */
export async function readSome(fd: Fd): Promise<string> {
  await readiness(fd)
  const buffer = Buffer.alloc(64 * 1024)
  return buffer.toString('utf8', 0, readSync(fd, buffer))
}

/** Resolves when the condition holds, asked once in each turn of the loop. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const limit = performance.now() + LIMIT_MS
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`not within ${LIMIT_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Runs a module text in a Node of its own, with `kernel/` importable by that name; `before` is a
 *  command that executes the rest of its arguments. */
export function runNode(
  test: TestContext,
  text: string,
  request: Partial<SpawnRequest> = {},
  before: readonly string[] = [],
): Promise<{ readonly text: string; readonly status: string }> {
  const kernel = new URL('../../src/kernel/', import.meta.url).href
  const source = text.replaceAll("'kernel/", `'${kernel}`)
  const argv = [process.execPath, '--input-type=module', '-e', source]
  if (before.length === 0) return outputOf(test, '', { path: process.execPath, argv, ...request })
  const wrapped = ['env', ...before, ...argv]
  return outputOf(test, '', { path: '/usr/bin/env', argv: wrapped, ...request })
}

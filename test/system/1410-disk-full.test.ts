// A full disk under the logs: the service goes on, what could not be kept is counted and shown, and
// when there is room again so is what comes. On a small tmpfs of its own; needs root.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openHome } from '../support/home.ts'
import { command } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

test('1410 the disk is full: the service runs, drops are counted and shown', async (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  const home = openHome(context)
  const logs = join(home.path, 'log')
  mkdirSync(logs, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', logs])
  home.atEnd(() => void execFileSync('umount', ['--lazy', logs]))
  const ballast = join(logs, 'ballast')
  writeFileSync(ballast, Buffer.alloc(1_000_000))
  home.write(
    'eudaemon.toml',
    `[services.writer]
     command = ${command('numbered-lines.sh', 200, 0.01)}
     log = { max-size = "50M" }`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const { pid } = await home.row('writer@1')
  const why = async (): Promise<number> => {
    const answer = await home.run(['why', '--json', 'writer'])
    const parsed = JSON.parse(answer.stdout) as { readonly log: { readonly droppedBytes: number } }
    return parsed.log.droppedBytes
  }
  const dropped = await until('something to be dropped', why)
  await until('more to be dropped: the writer is not blocked', async () => (await why()) > dropped)
  assert.equal((await home.row('writer@1')).pid, pid)
  const told = [
    (await home.run(['why', 'writer'])).stdout,
    (await home.run(['doctor'])).stdout,
    (await home.supervisor()).problems.join('\n'),
  ].join('\n')
  assert.match(told, /dropped|full|ENOSPC|no space/i)
  rmSync(ballast)
  const numberNow = async (): Promise<number> => {
    const last = await home.run(['logs', '-n', '1', '--stream', 'stdout', 'writer'])
    return Number(/(\d+)\s*$/.exec(last.stdout)?.[1] ?? 0)
  }
  const before = await numberNow()
  await until('lines to be kept again', async () => (await numberNow()) > before)
  assert.equal((await home.row('writer@1')).pid, pid)
  assert.equal((await home.run(['down'])).status, 0)
})

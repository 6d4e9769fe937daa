// runs-as: nobody
// PID files under real races: many processes that claim at once, deaths at every step, numbers that
// are given to other processes.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { claimPidFile } from '../../src/daemonize/pid-file.ts'
import { statusOfOwner } from '../../src/daemonize/pid-owner-control.ts'
import { sendSignal } from '../../src/kernel/pidfd.ts'
import { ended, start, temporaryFolder } from '../support/children.ts'
import { claimed, litterBeside, living, ownerKind, sleeper } from '../support/pid-files.ts'
import { program } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

/** Together 200 claims. */
const CLAIMANTS = 20
const CLAIMS_EACH = 10

type Counts = Readonly<Record<string, number>>

interface Claimant {
  readonly process: ChildProcess
  ask(line: string): Promise<Counts>
}

async function startClaimant(t: TestContext): Promise<Claimant> {
  const argv = [program('claim-pid-file.ts')]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Counts> => {
    const { value } = await lines.next()
    assert.ok(value, 'the claimant has ended')
    return JSON.parse(value)
  }
  await next()
  return {
    process: child,
    ask: (line) => {
      child.stdin.write(`${line}\n`)
      return next()
    },
  }
}

function startClaimants(t: TestContext, count: number): Promise<readonly Claimant[]> {
  return Promise.all(Array.from({ length: count }, () => startClaimant(t)))
}

const sum = (all: readonly Counts[], kind: string): number =>
  all.reduce((total, counts) => total + (counts[kind] ?? 0), 0)

/** A daemon of before that left a child which holds its lock. */
async function leaveLock(t: TestContext, path: string): Promise<void> {
  const claim = claimed(claimPidFile(path))
  const files = [{ from: claim.lockFd, to: 9 }]
  const daemon = start(t, '', { ...sleeper, files })
  start(t, '', { ...sleeper, files })
  claim.record(living(daemon.pid))
  claim.release()
  sendSignal(daemon.pidfd, 9)
  await ended(daemon)
}

test('200 claims at once: exactly one is granted', async (t) => {
  const path = join(temporaryFolder(t), 'daemon.pid')
  const claimants = await startClaimants(t, CLAIMANTS)
  const askAll = (line: string): Promise<readonly Counts[]> =>
    Promise.all(claimants.map((claimant) => claimant.ask(line)))
  const before: Readonly<Record<string, () => void | Promise<void>>> = {
    'no file': () => undefined,
    'an empty file': () => writeFileSync(path, ''),
    'a stale number': () => writeFileSync(path, '4194304\n'),
    'a lock of a dead daemon': () => leaveLock(t, path),
  }
  for (const [name, prepare] of Object.entries(before)) {
    for (let round = 0; round < 5; round += 1) {
      await prepare()
      const answers = await askAll(`claim ${path} ${CLAIMS_EACH}`)
      assert.equal(sum(answers, 'claimed'), 1, `${name}: ${JSON.stringify(answers)}`)
      assert.equal(sum(answers, 'starting'), CLAIMANTS * CLAIMS_EACH - 1, name)
      const winner = claimants[answers.findIndex((counts) => counts['claimed'] === 1)]
      await winner?.ask('record')
      const later = await askAll(`claim ${path} 1`)
      assert.equal(sum(later, 'running'), CLAIMANTS, name)
      execFileSync('rm', [path])
    }
  }
})

test('claims that come and go in every way never overlap', async (t) => {
  const path = join(temporaryFolder(t), 'daemon.pid')
  const claimants = await startClaimants(t, 4)
  const answers = await Promise.all(claimants.map(({ ask }) => ask(`churn ${path} 300`)))
  assert.equal(sum(answers, 'clashes'), 0, JSON.stringify(answers))
  assert.equal(sum(answers, 'claimed'), 4 * 300)
})

test('a death at any step leaves a file that the next claim can use', async (t) => {
  const path = join(temporaryFolder(t), 'daemon.pid')
  for (const step of ['claimed', 'recorded', 'released']) {
    const { process: child } = await startClaimant(t)
    child.stdin?.write(`die ${step} ${path}\n`)
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
    assert.equal(ownerKind(path), 'stale', step)
    claimed(claimPidFile(path)).withdraw()
    assert.deepEqual(litterBeside(path), [], step)
  }
  // And at instants that nobody chose.
  const others = await startClaimants(t, 8)
  for (const [index, { process: child }] of others.entries()) {
    child.stdin?.write(`churn ${path} 1000000\n`)
    await new Promise((resolve) => setTimeout(resolve, 40 + index * 7))
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.notEqual(ownerKind(path), 'unknown')
    claimed(claimPidFile(path)).withdraw()
    const left = readdirSync(dirname(path)).filter((name) => name.startsWith(`.${basename(path)}`))
    assert.deepEqual(left, [])
    execFileSync('rm', ['-f', `${path}-held`])
  }
})

const ownNamespace = ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath]

test('a number that another process has by now is never signalled', (t) => {
  if (skipUnless(t, isRoot, 'needs root for a PID namespace')) return
  const argv = [...ownNamespace, program('reuse-number.ts'), 'reuse', temporaryFolder(t)]
  const found = JSON.parse(execFileSync('unshare', argv, { encoding: 'utf8', timeout: 60_000 }))
  const expected = {
    before: 0,
    after: 1,
    reload: 'not-running',
    signal: 'not-running',
    stop: 'not-running',
    claim: 'claimed',
    otherLives: true,
  }
  assert.deepEqual(found, { own: expected, leaked: expected, beside: expected })
})

test('a daemon of another PID namespace keeps its file while it lives', async (t) => {
  if (skipUnless(t, isRoot, 'needs root for a PID namespace')) return
  const folder = temporaryFolder(t)
  const path = join(folder, 'held.pid')
  const argv = [...ownNamespace, program('reuse-number.ts'), 'hold', folder]
  const child = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  assert.equal(String((await once(child.stdout, 'data'))[0]), 'held\n')
  assert.match(readFileSync(path, 'utf8'), /^\d+\neudaemon: /)
  assert.equal(statusOfOwner(path).lsbStatus, 4)
  assert.equal(claimPidFile(path).kind, 'unknown')
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  await until('its processes to be gone', () => statusOfOwner(path).lsbStatus === 1)
  claimed(claimPidFile(path)).withdraw()
})

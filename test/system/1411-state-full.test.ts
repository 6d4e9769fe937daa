// A full disk under the records: what cannot be stored is not started, and says so; what could not
// be recorded is recorded as soon as there is room. On a small tmpfs of its own; needs root.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { killSupervisor, whileDead } from '../support/deaths.ts'
import { type Home, openHome } from '../support/home.ts'
import { killExactly, processesOfInstance } from '../support/processes.ts'
import { command } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

interface SmallDisk {
  readonly home: Home
  fill(): void
  makeRoom(): void
}

function openSmallDisk(context: TestContext): SmallDisk {
  const home = openHome(context)
  const state = join(home.path, 'state')
  mkdirSync(state, { recursive: true, mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', state])
  home.atEnd(() => void execFileSync('umount', ['--lazy', state]))
  const ballast = join(state, 'ballast')
  return {
    home,
    fill: () => {
      try {
        writeFileSync(ballast, Buffer.alloc(1_000_000))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    },
    makeRoom: () => rmSync(ballast),
  }
}

const one = `services.web.command = ${command('forever.sh')}\n`

test('1411 what cannot be stored is refused, and nothing of it is started', async (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  const { home, fill, makeRoom } = openSmallDisk(context)
  home.write('eudaemon.toml', one)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.row('web@1')
  fill()
  home.write('eudaemon.toml', `${one}services.more.command = ${command('forever.sh')}\n`)
  const up = await home.run(['up', '-d'])
  assert.equal(up.status, 111, up.stdout + up.stderr)
  assert.match(up.stderr, /full/)
  assert.match(up.stderr, new RegExp(join(home.path, 'state')))
  const scale = await home.run(['scale', 'web=3'])
  assert.equal(scale.status, 111, scale.stdout + scale.stderr)
  assert.deepEqual(await home.status(), [before])
  makeRoom()
  const again = await home.run(['up', '-d'])
  assert.equal(again.status, 0, again.stderr)
  assert.deepEqual((await home.status()).map(({ service }) => service).sort(), ['more', 'web'])
  assert.equal((await home.row('web@1')).pid, before.pid)
})

test('1412 what could not be recorded is recorded when there is room', async (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  const { home, fill, makeRoom } = openSmallDisk(context)
  home.write('eudaemon.toml', `${one}services.other.command = ${command('forever.sh')}\n`)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  fill()
  const told = async () => (await home.supervisor()).problems.join('\n')
  // The last page of the file still takes some.
  await until('the disk to refuse a record', async () => {
    await home.run(['stop', 'other'])
    await home.run(['start', 'other', '--no-wait'])
    return /full/.test(await told())
  })
  assert.equal((await home.run(['stop', 'web'])).status, 0)
  makeRoom()
  await until('the records to be written', async () => /takes records again/.test(await told()))
  await killSupervisor(home)
  const row = await home.row('web@1')
  assert.deepEqual([row.desired, row.phase], ['down', 'down'])
})

test('1413 read-only while no supervisor lives: it adopts, holds, says why', async (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount')) return
  const home = openHome(context)
  home.write('eudaemon.toml', `${one}services.other.command = ${command('forever.sh')}\n`)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  const state = join(home.path, 'state')
  // A mount of its own: the guardian has its log open for writing, so the old one stays as it is.
  await whileDead(home, () => {
    execFileSync('mount', ['--bind', state, state])
    execFileSync('mount', ['-o', 'remount,bind,ro', state])
  })
  home.atEnd(() => void execFileSync('umount', ['--lazy', state]))
  const held = await home.supervisor()
  assert.equal(held.mode, 'hold')
  assert.match(held.holdReason ?? '', /cannot be written.*EROFS/)
  assert.deepEqual(await home.status(), before)
  const said = await home.run(['status'])
  assert.match(said.stderr, /holds.*cannot be written/)
  for (const seen of processesOfInstance(home.path, 'web@1')) killExactly(seen)
  const dead = await until('the death to be seen', async () => {
    const row = await home.row('web@1')
    return row.pid === null && row
  })
  assert.deepEqual([dead.phase, dead.exit], ['waiting', { signal: 'SIGKILL' }])
  assert.equal((await home.supervisor()).pid, held.pid, 'it died again')

  execFileSync('mount', ['-o', 'remount,bind,rw', state])
  await until('web to be up again', async () => (await home.row('web@1')).phase === 'up')
  const { mode, holdReason } = await home.supervisor()
  assert.deepEqual([mode, holdReason], ['normal', null])
  assert.equal((await home.run(['status'])).stderr, '')
  await killSupervisor(home)
  const rows = await home.status()
  assert.ok(rows.every(({ phase }) => phase === 'up'))
  assert.equal(processesOfInstance(home.path, 'web@1').length, 1)
})

test('1414 full while no supervisor lives: the same', async (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  const { home, fill, makeRoom } = openSmallDisk(context)
  home.write('eudaemon.toml', one)
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const before = await home.status()
  await whileDead(home, () => {
    // Up to the last byte: the rest of the last page of the journal would still take a record.
    const journal = join(home.path, 'state/journal')
    const rest = 4_096 - (statSync(journal).size % 4_096)
    appendFileSync(journal, '\n'.repeat(rest))
    fill()
  })
  assert.equal((await home.supervisor()).mode, 'hold')
  assert.match((await home.run(['status'])).stderr, /holds.*full/)
  assert.deepEqual(await home.status(), before)
  makeRoom()
  await until('normal mode', async () => (await home.supervisor()).mode === 'normal')
  assert.deepEqual(await home.status(), before)
})

// A full disk under the records: what cannot be stored is not started, and says so; what could not
// be recorded is recorded as soon as there is room. On a small tmpfs of its own; needs root.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { killSupervisor } from '../support/deaths.ts'
import { type Home, openHome } from '../support/home.ts'
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

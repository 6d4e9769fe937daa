// Real children: what they inherit, how they start, and which stage a failed start names.

import assert from 'node:assert/strict'
import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toFd } from '../../../src/base/brands.ts'
import {
  closeFd,
  descriptorLimit,
  duplicateFd,
  isOpen,
  openDevNull,
  raiseDescriptorLimit,
  setCloseOnExec,
} from '../../../src/kernel/fd.ts'
import { createPipe } from '../../../src/kernel/fifo.ts'
import { constants, layouts } from '../../../src/kernel/layouts.ts'
import { libc } from '../../../src/kernel/libc.ts'
import { readStat } from '../../../src/kernel/procfs.ts'
import {
  resolveProgram,
  type SpawnFailure,
  type SpawnRequest,
  spawnProcess,
} from '../../../src/kernel/spawn.ts'
import { outputOf, runNode, start, temporaryFolder } from '../../support/children.ts'
import { skipUnless } from '../../support/skip.ts'

const request: SpawnRequest = {
  path: '/bin/true',
  argv: ['true'],
  env: [],
  directory: '/',
  files: [],
  session: 'inherit',
}

function failure(change: Partial<SpawnRequest>): SpawnFailure {
  const result = spawnProcess({ ...request, ...change })
  assert.equal(result.kind, 'failed')
  return result as SpawnFailure
}

test('arguments, environment and directory arrive as they were given', async (t) => {
  const folder = temporaryFolder(t)
  const argv = ['sh', '-c', 'pwd; printf "<%s>" "$0" "$@"; env', 'zero', 'a b', '', 'é\n"$x']
  const { text, status } = await outputOf(t, '', {
    argv,
    env: ['A=1', 'B=x=y ü', 'PATH=/usr/bin:/bin'],
    directory: folder,
  })
  assert.equal(status, 'exit 0')
  assert.ok(text.startsWith(`${folder}\n<zero><a b><><é\n"$x>`), text)
  for (const entry of ['A=1', 'B=x=y ü']) assert.ok(text.includes(`${entry}\n`), text)
})

test('a missing, forbidden or false directory is the stage chdir', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const missing = failure({ directory: join(folder, 'none') })
  assert.deepEqual([missing.stage, missing.errnoName], ['chdir', 'ENOENT'])
  assert.equal(missing.message, `chdir '${folder}/none': ENOENT: no such file or directory`)
  const file = failure({ directory: join(folder, 'file') })
  assert.deepEqual([file.stage, file.errnoName], ['chdir', 'ENOTDIR'])
})

test('a missing program is the stage exec', (t) => {
  const path = join(temporaryFolder(t), 'none')
  const { stage, errnoName, message } = failure({ path })
  assert.deepEqual([stage, errnoName], ['exec', 'ENOENT'])
  assert.equal(message, `exec '${path}': ENOENT: no such file or directory`)
})

test('a program without execute permission, and a directory, are the stage exec', (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'plain')
  writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 })
  const plain = failure({ path })
  assert.deepEqual([plain.stage, plain.errnoName], ['exec', 'EACCES'])
  assert.match(plain.message, /it has no execute permission$/)
  const directory = failure({ path: folder })
  assert.deepEqual([directory.stage, directory.errnoName], ['exec', 'EACCES'])
  assert.match(directory.message, /it is a directory$/)
})

test('a missing interpreter is told by its name, a file of no known format as such', (t) => {
  const folder = temporaryFolder(t)
  const script = join(folder, 'script')
  writeFileSync(script, '#!/no/such/interpreter -x\n', { mode: 0o755 })
  const missing = failure({ path: script })
  assert.deepEqual([missing.stage, missing.errnoName], ['exec', 'ENOENT'])
  assert.match(missing.message, /its interpreter '\/no\/such\/interpreter'$/)
  const text = join(folder, 'text')
  writeFileSync(text, 'hello\n', { mode: 0o755 })
  const unknown = failure({ path: text })
  assert.deepEqual([unknown.stage, unknown.errnoName], ['exec', 'ENOEXEC'])
})

test('a descriptor that is not open is the stage files', () => {
  const closed = toFd(9_999)
  assert.equal(isOpen(closed), false)
  const { stage, errnoName } = failure({ files: [{ from: closed, to: 1 }] })
  assert.deepEqual([stage, errnoName], ['files', 'EBADF'])
})

test('an environment that is too large is the stage exec', () => {
  const env = Array.from({ length: 80 }, (_, at) => `V${at}=${'x'.repeat(120_000)}`)
  const { stage, errnoName } = failure({ env })
  assert.deepEqual([stage, errnoName], ['exec', 'E2BIG'])
})

test('a process that cannot be watched is killed and is the stage pidfd', async (t) => {
  const folder = temporaryFolder(t)
  const script = `import { spawnProcess } from 'kernel/spawn.ts'
    import { openSync, closeSync, readdirSync } from 'node:fs'
    import { libc } from 'kernel/libc.ts'
    const request = { path: '/bin/sleep', argv: ['sleep', '60'], env: [], directory: '/',
      files: [], session: 'inherit' }
    spawnProcess({ ...request, path: '/bin/true', argv: ['true'] })
    const open = []
    try { for (;;) open.push(openSync('/dev/null', 'r')) } catch {}
    const result = spawnProcess(request)
    for (const fd of open) closeSync(fd)
    const left = libc.waitid(0, 0, null, 4)
    const again = libc.waitid(0, 0, null, 4)
    console.log(result.kind, result.stage, result.errnoName, left, again)`
  const { text } = await runNode(t, script, { directory: folder })
  // The first waitid takes /bin/true, the second finds no child: the sleeper was reaped.
  assert.equal(text, 'failed pidfd EMFILE 0 -1\n')
})

test('a string with a NUL byte is refused, wherever it is', () => {
  const nul = 'a\0b'
  for (const change of [{ path: `/bin/true${nul}` }, { argv: [nul] }, { env: [nul] }]) {
    const { stage, errnoName } = failure(change)
    assert.deepEqual([stage, errnoName], ['exec', 'EINVAL'])
  }
  const { stage, errnoName } = failure({ directory: `/${nul}` })
  assert.deepEqual([stage, errnoName], ['chdir', 'EINVAL'])
})

test('only the named descriptors are open in the child', async (t) => {
  const folder = temporaryFolder(t)
  const stray = toFd(openSync('/dev/zero', 'r'))
  setCloseOnExec(stray, false)
  const high = duplicateFd(stray, 300)
  setCloseOnExec(high, false)
  const files = ['a', 'b'].map((name, index) => {
    const from = toFd(openSync(join(folder, name), 'w'))
    return { from, to: 4 + index * 3 }
  })
  // ls itself opens the folder that it lists, as 0, the first number that is free.
  const { text } = await outputOf(t, '', {
    path: '/bin/ls',
    argv: ['ls', '-l', '/proc/self/fd'],
    files,
  })
  for (const fd of [stray, high, ...files.map(({ from }) => from)]) closeFd(fd)
  const open = [...text.matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, target]) => `${fd} ${target}`)
  assert.deepEqual(
    open.map((line) => line.replace(/pipe:.*/, 'pipe').replace(/\/proc\/\d+/, '/proc/N')).sort(),
    ['0 /proc/N/fd', '1 pipe', '2 pipe', `4 ${folder}/a`, `7 ${folder}/b`],
  )
})

test('descriptors whose numbers overlap are exchanged, not overwritten', async (t) => {
  const folder = temporaryFolder(t)
  const names = ['a', 'b', 'c', 'd']
  const low = 100
  const fds = names.map((name, index) => {
    const plain = openSync(join(folder, name), 'w')
    const fd = duplicateFd(toFd(plain), low + index)
    closeSync(plain)
    assert.equal(fd, low + index)
    return fd
  })
  const at = (index: number): number => low + index
  // A cycle of three, one that keeps its number, and a second copy of one.
  const files = [
    { from: toFd(at(0)), to: at(1) },
    { from: toFd(at(1)), to: at(2) },
    { from: toFd(at(2)), to: at(0) },
    { from: toFd(at(3)), to: at(3) },
    { from: toFd(at(0)), to: 5 },
  ]
  const { text } = await outputOf(
    t,
    'for n in 5 100 101 102 103; do readlink /proc/$$/fd/$n; done; ls /proc/$$/fd',
    { files },
  )
  for (const fd of fds) closeFd(fd)
  const shown = text
    .trim()
    .split('\n')
    .map((line) => line.replace(`${folder}/`, ''))
  assert.deepEqual(shown.slice(0, 5), ['a', 'c', 'a', 'b', 'd'])
  assert.deepEqual(shown.slice(5).sort(), ['1', '100', '101', '102', '103', '2', '5'])
})

test('the child has no blocked, ignored or caught signal', async (t) => {
  const all = Buffer.alloc(layouts.sigset_t.size, 0xff)
  const before = Buffer.alloc(layouts.sigset_t.size)
  libc.pthread_sigmask(constants.SIG_SETMASK, all, before)
  const output = outputOf(t, '', {
    path: resolveFound('cat'),
    argv: ['cat', '/proc/self/status'],
  })
  libc.pthread_sigmask(constants.SIG_SETMASK, before, null)
  const { text } = await output
  const zero = '0'.repeat(16)
  for (const name of ['SigBlk', 'SigIgn', 'SigCgt'])
    assert.ok(text.includes(`${name}:\t${zero}\n`), text)
})

test('a new session, a new group, or ours', (t) => {
  const argv = ['sleep', '60']
  const path = resolveFound('sleep')
  const own = readStat(start(t, '', { path, argv, session: 'new-session' }).pid)
  assert.deepEqual([own?.session, own?.group], [own?.pid, own?.pid])
  const us = readStat(process.pid as never)
  const group = readStat(start(t, '', { path, argv, session: 'new-group' }).pid)
  assert.deepEqual([group?.session, group?.group], [us?.session, group?.pid])
  const inherited = readStat(start(t, '', { path, argv, session: 'inherit' }).pid)
  assert.deepEqual([inherited?.session, inherited?.group], [us?.session, us?.group])
})

test('programs are found by the rules of execvp', (t) => {
  const folder = temporaryFolder(t)
  for (const name of ['first', 'second', 'second/tool-directory']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'first/tool'), '', { mode: 0o644 })
  writeFileSync(join(folder, 'second/tool'), '', { mode: 0o755 })
  writeFileSync(join(folder, 'local'), '', { mode: 0o755 })
  const path = `${folder}/first:${folder}/second:`
  const resolve = (name: string) => resolveProgram(name, path, folder)

  assert.deepEqual(resolve('tool'), { kind: 'found', path: `${folder}/second/tool` })
  assert.deepEqual(resolve('local'), { kind: 'found', path: `${folder}/local` })
  assert.deepEqual(resolve('./local'), { kind: 'found', path: `${folder}/local` })
  assert.deepEqual(resolve('second/tool'), { kind: 'found', path: `${folder}/second/tool` })
  assert.deepEqual(resolve('/bin/sh'), { kind: 'found', path: '/bin/sh' })
  assert.deepEqual(resolve('./tool'), { kind: 'missing', searched: [`${folder}/tool`] })
  assert.deepEqual(resolve('none'), {
    kind: 'missing',
    searched: [`${folder}/first/none`, `${folder}/second/none`, `${folder}/none`],
  })
  assert.deepEqual(resolve('first/tool'), {
    kind: 'not-executable',
    path: `${folder}/first/tool`,
    reason: 'it has no execute permission',
  })
  assert.deepEqual(resolve('tool-directory'), {
    kind: 'not-executable',
    path: `${folder}/second/tool-directory`,
    reason: 'it is a directory',
  })
  assert.equal(resolve('').kind, 'missing')
  assert.equal(resolve('to\0ol').kind, 'missing')
})

test('the way to a program may be closed', (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'tool')
  writeFileSync(path, '', { mode: 0o755 })
  chmodSync(folder, 0)
  // Root may go everywhere, so it looks as somebody else.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  const result = resolveProgram('./tool', '', folder)
  if (isRoot) process.seteuid?.(0)
  chmodSync(folder, 0o700)
  const reason = 'permission denied on the way to it'
  assert.deepEqual(result, { kind: 'not-executable', path, reason })
})

function resolveFound(name: string): string {
  const found = resolveProgram(name, process.env['PATH'] ?? '/usr/bin:/bin', '/')
  assert.equal(found.kind, 'found')
  return found.kind === 'found' ? found.path : ''
}

test('a child begins with the soft limit that is asked for, and ours stays', async (t) => {
  const { soft, hard } = raiseDescriptorLimit()
  if (skipUnless(t, hard > 3_100, `the hard limit is ${hard}`)) return
  // One number is beyond the limit of the child.
  const high = duplicateFd(openDevNull(), 3_000)
  const nine = openSync('/dev/null', 'r')
  const files = [
    { from: high, to: 0 },
    { from: toFd(nine), to: 9 },
  ]
  const script = 'ulimit -Sn; ulimit -Hn; ls -l /proc/self/fd | grep -c /dev/null'
  const { text, status } = await outputOf(t, script, { files, softOpenFiles: 64 })
  assert.equal(text, `64\n${hard}\n2\n`)
  assert.equal(status, 'exit 0')
  assert.deepEqual(descriptorLimit(), { soft, hard })
  const more = await outputOf(t, 'ulimit -Sn', { softOpenFiles: hard * 2 })
  assert.equal(more.text, `${soft}\n`, 'a limit above ours changes nothing')
  closeFd(high)
  closeSync(nine)
})

test('a descriptor is parked where the limit of the child allows it', async (t) => {
  const { hard } = raiseDescriptorLimit()
  if (skipUnless(t, hard > 3_100, `the hard limit is ${hard}`)) return
  const low = createPipe()
  const [a, b] = [low.reader, low.writer]
  const high = duplicateFd(openDevNull(), 3_000)
  // Each is the target of the other, so both are parked; the third has a high number.
  const files = [
    { from: a, to: b },
    { from: b, to: a },
    { from: high, to: 2 },
  ]
  const at = '/proc/self/fd'
  const script = `echo through >${at}/${a}; read -r line <${at}/${b}; [ "$line" = through ]`
  const { status } = await outputOf(t, script, { files, softOpenFiles: 256 }, [1])
  assert.equal(status, 'exit 0')
  for (const fd of [a, b, high]) closeFd(fd)
})

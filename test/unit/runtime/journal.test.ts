// The journal under everything that can happen to a file: kills in the middle of a write, a full
// disk, a read-only disk, and bytes that changed under it.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hasCode } from '../../../src/base/toolkit-error.ts'
import { packJournalRecord, packJournalVersion } from '../../../src/protocol/journal-record.ts'
import { openJournal } from '../../../src/runtime/journal.ts'
import { skipUnless } from '../../support/skip.ts'
import { contentsOf, freshDirectory, mount } from '../../support/state-folder.ts'

const isRoot = process.getuid?.() === 0

test('the newest value of a key is found again', (context) => {
  const directory = join(freshDirectory(context), 'made', 'for', 'it')
  const journal = openJournal(directory)
  journal.put('a', { phase: 'up', pid: 1 })
  journal.put('b', 'naïve \u{1f600} \ud800 "quoted"\n')
  journal.put('a', { phase: 'down' })
  journal.put('c', [1, 2, 3])
  journal.remove('c')
  journal.remove('never there')
  const expected = { a: { phase: 'down' }, b: 'naïve \u{1f600} \ud800 "quoted"\n' }
  assert.deepEqual(Object.fromEntries(journal.read()), expected)
  journal.close()
  assert.deepEqual(contentsOf(directory), expected)
  assert.equal(statSync(join(directory, 'journal')).mode & 0o777, 0o600)
})

test('a torn last line is cut off, and the next record follows a whole one', (context) => {
  const directory = freshDirectory(context)
  const path = join(directory, 'journal')
  const first = openJournal(directory)
  first.put('a', 1)
  first.put('b', 2)
  first.close()
  const whole = readFileSync(path)
  const last = packJournalRecord({ key: 'b', value: 2 }).length
  for (let kept = 0; kept < last; kept += 1) {
    writeFileSync(path, whole.subarray(0, whole.length - last + kept))
    const journal = openJournal(directory)
    assert.deepEqual(journal.problems, [])
    journal.put('c', kept)
    journal.close()
    const isComplete = kept === last - 1
    assert.deepEqual(contentsOf(directory), { a: 1, c: kept, ...(isComplete ? { b: 2 } : {}) })
  }
  assert.ok(!existsSync(join(directory, 'quarantine')))
})

test('damaged lines are put aside and told, all others are used', (context) => {
  const directory = freshDirectory(context)
  const path = join(directory, 'journal')
  const good = packJournalRecord({ key: 'good', value: 1 })
  const late = packJournalRecord({ key: 'late', value: 2 })
  const damage = `${good.replace('good', 'evil')}{"key":"x"}\n\0\0\0\0\n\xff\xfe foreign\n`
  writeFileSync(path, `${packJournalVersion(1)}${good}${damage}\0\0\0${late}`, 'latin1')
  const journal = openJournal(directory)
  assert.deepEqual(Object.fromEntries(journal.read()), { good: 1, late: 2 })
  assert.equal(journal.problems.length, 1)
  assert.match(
    journal.problems[0] ?? '',
    /^5 damaged places \(\d+ bytes\).*journal-1\.bin.*other 2/,
  )
  journal.close()
  const kept = readFileSync(join(directory, 'quarantine', 'journal-1.bin'), 'latin1')
  assert.ok(kept.startsWith(damage))
  const again = openJournal(directory)
  assert.deepEqual(again.problems, [])
  again.close()
})

test('the quarantine is bounded', (context) => {
  const directory = freshDirectory(context)
  openJournal(directory).close()
  let problems: readonly string[] = []
  for (let round = 0; round < 20; round += 1) {
    appendFileSync(join(directory, 'journal'), 'rubbish\n')
    const journal = openJournal(directory)
    problems = journal.problems
    journal.close()
  }
  assert.equal(readdirSync(join(directory, 'quarantine')).length, 16)
  assert.match(problems[0] ?? '', /not kept, the quarantine is full/)
})

test('the file of a newer version is refused and stays as it is', (context) => {
  const directory = freshDirectory(context)
  const path = join(directory, 'journal')
  const text = `${packJournalVersion(2)}whatever version 2 writes\n`
  writeFileSync(path, text)
  assert.throws(
    () => openJournal(directory),
    (error) => hasCode(error, 'ERR_STATE_VERSION'),
  )
  assert.equal(readFileSync(path, 'latin1'), text)
})

test('the file is rewritten before its slack grows beyond the bound', (context) => {
  const directory = freshDirectory(context)
  const journal = openJournal(directory)
  const text = 'x'.repeat(30_000)
  for (let round = 0; round < 1_000; round += 1) journal.put(`key ${round % 3}`, { round, text })
  assert.ok(statSync(join(directory, 'journal')).size < 9 * 1024 * 1024)
  assert.ok(!existsSync(join(directory, 'journal.new')))
  journal.close()
  const found = contentsOf(directory)
  assert.deepEqual(found['key 0'], { round: 999, text })
  assert.equal(Object.keys(found).length, 3)
})

test('a writer that is killed loses nothing that it was told is stored', async (context) => {
  const directory = freshDirectory(context)
  const source = new URL('../../../src/runtime/journal.ts', import.meta.url).href
  const program = `
    import { openJournal } from ${JSON.stringify(source)}
    import { writeSync } from 'node:fs'
    const journal = openJournal(process.argv[1])
    let number = journal.read().get('number') ?? 0
    for (;;) {
      number += 1
      journal.put('filler', 'x'.repeat(number % 20000))
      journal.put('number', number)
      writeSync(1, number + '\\n')
    }`
  let acknowledged = 0
  for (let round = 0; round < 8; round += 1) {
    const argv = ['--input-type=module', '-e', program, directory]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const target = acknowledged + 20 + round * 37
    let text = ''
    for await (const chunk of child.stdout) {
      text += chunk
      acknowledged = Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1) ?? 0)
      if (acknowledged >= target) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const journal = openJournal(directory)
    assert.deepEqual(journal.problems, [])
    const stored = journal.read().get('number')
    journal.close()
    assert.ok(stored === acknowledged || stored === acknowledged + 1, `${stored} ${acknowledged}`)
  }
})

test('a full disk refuses the record, keeps all others, and recovers', (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  const directory = freshDirectory(context)
  mount(directory, 'size=64k')
  const journal = openJournal(directory)
  const stored: Record<string, unknown> = {}
  let refused: unknown
  for (let number = 0; refused === undefined; number += 1) {
    assert.ok(number < 100)
    try {
      journal.put(`key ${number}`, 'x'.repeat(3_000))
      stored[`key ${number}`] = 'x'.repeat(3_000)
    } catch (error) {
      refused = error
    }
  }
  assert.ok(hasCode(refused, 'ERR_STATE_DIRECTORY_FULL'))
  assert.equal(refused.context.path, join(directory, 'journal'))
  assert.match(refused.hint ?? '', /Free space/)
  assert.deepEqual(Object.fromEntries(journal.read()), stored)

  // Another one starts on the full disk, damage and all, and finds everything.
  const path = join(directory, 'journal')
  const bytes = readFileSync(path)
  bytes[bytes.indexOf('key 0')] = 0
  writeFileSync(path, bytes, { flag: 'r+' })
  const { 'key 0': _, ...rest } = stored
  const next = openJournal(directory)
  assert.deepEqual(Object.fromEntries(next.read()), rest)
  assert.equal(next.problems.length, 2, next.problems.join('\n'))
  assert.throws(() => next.put('big', 'y'.repeat(9_000)))

  assert.equal(spawnSync('mount', ['-o', 'remount,size=1m', directory]).status, 0)
  next.put('big', 'y'.repeat(9_000))
  next.close()
  journal.close()
  assert.deepEqual(contentsOf(directory), { ...rest, big: 'y'.repeat(9_000) })
})

test('a full disk at the first start is refused', (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  const directory = freshDirectory(context)
  mount(directory, 'size=4k')
  writeFileSync(join(directory, 'ballast'), Buffer.alloc(4096))
  assert.throws(
    () => openJournal(directory),
    (error) => hasCode(error, 'ERR_STATE_DIRECTORY_FULL'),
  )
  assert.deepEqual(readdirSync(directory), ['ballast'])
})

test('a read-only directory is refused with what to do', (context) => {
  const directory = freshDirectory(context)
  if (isRoot) mount(directory, 'ro')
  else spawnSync('chmod', ['0500', directory])
  assert.throws(
    () => openJournal(directory),
    (error) => {
      assert.ok(hasCode(error, 'ERR_STATE_DIRECTORY_READ_ONLY'))
      assert.match(error.message, new RegExp(directory))
      assert.match(error.hint ?? '', /EUDAEMON_HOME/)
      return true
    },
  )
})

test('a journal on a disk that became read-only is read, and written when it can be', (context) => {
  if (skipUnless(context, isRoot, 'needs root to mount a tmpfs')) return
  const directory = freshDirectory(context)
  mount(directory, 'size=64k')
  const first = openJournal(directory)
  first.put('kept', 1)
  first.put('damaged', 2)
  first.close()
  const path = join(directory, 'journal')
  const bytes = readFileSync(path)
  bytes[bytes.indexOf('damaged')] = 0
  writeFileSync(path, Buffer.concat([bytes, Buffer.from('00000000 {"torn')]))
  const remount = (how: string) =>
    assert.equal(spawnSync('mount', ['-o', `remount,${how}`, directory]).status, 0)
  remount('ro')
  const journal = openJournal(directory)
  assert.deepEqual(Object.fromEntries(journal.read()), { kept: 1 })
  assert.match(journal.problems.join('\n'), /1 damaged/)
  const isReadOnly = (error: unknown): boolean => hasCode(error, 'ERR_STATE_DIRECTORY_READ_ONLY')
  assert.throws(() => journal.put('new', 3), isReadOnly)
  assert.throws(() => journal.remove('kept'), isReadOnly)
  remount('rw')
  journal.put('new', 3)
  assert.match(journal.problems.join('\n'), /quarantine/)
  journal.close()
  assert.deepEqual(contentsOf(directory), { kept: 1, new: 3 })
})

test('a file in place of the directory is refused', (context) => {
  const path = join(freshDirectory(context), 'taken')
  writeFileSync(path, '')
  const isUnusable = (error: unknown): boolean => hasCode(error, 'ERR_STATE_DIRECTORY_UNUSABLE')
  assert.throws(() => openJournal(path), isUnusable)
  assert.throws(() => openJournal(join(path, 'below')), isUnusable)
  const directory = freshDirectory(context)
  mkdirSync(join(directory, 'journal'))
  assert.throws(() => openJournal(directory), isUnusable)
})

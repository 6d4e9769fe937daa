// Records that the disk refuses: told once, kept by key, written when the disk takes them again.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ToolkitError } from '../../../src/base/toolkit-error.ts'
import { createRecordWriter } from '../../../src/runtime/record-writer.ts'

function openScene(context: TestContext) {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const problems: string[] = []
  const writer = createRecordWriter((message) => problems.push(message))
  const disk: string[] = []
  const scene = { isFull: true, tries: 0 }
  const put = (text: string) => (): void => {
    scene.tries += 1
    if (scene.isFull) throw new ToolkitError('ERR_STATE_DIRECTORY_FULL', 'it is full')
    disk.push(text)
  }
  return { scene, writer, problems, disk, put, pass: (ms: number) => context.mock.timers.tick(ms) }
}

test('what is refused is written when there is room, the newest of each key', (context) => {
  const { scene, writer, problems, disk, put, pass } = openScene(context)
  writer.write('a', put('a1'))
  writer.write('b', put('b1'))
  writer.write('a', put('a2'))
  assert.equal(writer.refusalOf('a')?.code, 'ERR_STATE_DIRECTORY_FULL')
  assert.equal(writer.refusalOf('c'), null)
  scene.isFull = false
  pass(60_000)
  assert.deepEqual(disk.toSorted(), ['a2', 'b1'])
  assert.equal(writer.refusalOf('a'), null)
  assert.match(problems.at(-1) ?? '', /takes records again: 2/)
})

test('a disk that stays full is asked seldom, and only for one of many', (context) => {
  const { scene, writer, problems, put, pass } = openScene(context)
  for (let key = 0; key < 1_000; key += 1) writer.write(`${key}`, put('x'))
  scene.tries = 0
  const told = problems.length
  for (let second = 0; second < 600; second += 1) pass(1_000)
  assert.ok(scene.tries > 10, `it is asked again: ${scene.tries}`)
  assert.ok(scene.tries < 100, `${scene.tries} tries in ten minutes`)
  assert.equal(problems.length, told, 'nothing new is told')
})

test('a later write of the same key that succeeds replaces what was kept', (context) => {
  const { scene, writer, disk, put, pass } = openScene(context)
  writer.write('a', put('old'))
  scene.isFull = false
  writer.write('a', put('new'))
  pass(60_000)
  assert.deepEqual(disk, ['new'])
})

test('an attempt that is refused is not kept, and the end tries once more', (context) => {
  const { scene, writer, disk, put, pass } = openScene(context)
  assert.equal(writer.attempt('a', put('a'))?.code, 'ERR_STATE_DIRECTORY_FULL')
  writer.write('b', put('b'))
  scene.isFull = false
  writer.close()
  assert.deepEqual(disk, ['b'])
  pass(60_000)
  assert.deepEqual(disk, ['b'])
})

test('an error of ours is not taken for one of the disk', (context) => {
  const { writer } = openScene(context)
  assert.throws(() => {
    writer.write('a', () => {
      throw new TypeError('a bug')
    })
  }, TypeError)
})

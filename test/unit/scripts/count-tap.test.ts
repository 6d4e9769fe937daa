// The sum at the end of `npm test` decides whether a change is good: it must not miss a failure.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countTap } from '../../../scripts/testing/run-part.ts'

const summary = (pass: number, fail: number, cancelled: number): string =>
  `# tests 9\n# pass ${pass}\n# fail ${fail}\n# cancelled ${cancelled}\n# skipped 0\n# todo 0\n`

test('passed, failed and cancelled tests', () => {
  const { passed, failed, skipped } = countTap(summary(4, 2, 1), 1)
  assert.deepEqual([passed, failed, skipped], [4, 3, 0])
})

test('a run that ends badly without a failed test is a failure', () => {
  assert.equal(countTap(summary(4, 0, 0), 1).failed, 1)
  assert.equal(countTap('', 139).failed, 1)
  assert.equal(countTap(summary(4, 0, 0), 0).failed, 0)
})

test('skipped tests and whole skipped suites are counted with their reasons', () => {
  const tap = 'ok 1 - a # SKIP no root\n    not ok 1 - b # TODO later\nok 2 - c # SKIP\nok 3 - d\n'
  const { skipped, skips } = countTap(tap + summary(1, 0, 0), 0)
  assert.equal(skipped, 3)
  assert.deepEqual(skips, ['a: no root', 'b: later', 'c: no reason given'])
})

test('a summary that a test prints itself does not count', () => {
  assert.equal(countTap(`# pass 77\n${summary(1, 0, 0)}`, 0).passed, 1)
})

// What the supervisor finds around it: nothing is looked for again that cannot change.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHost } from '../../../src/runtime/host.ts'
import { temporaryFolder } from '../../support/children.ts'

test('what the kernel offers is tried once in a life', (context) => {
  const host = openHost(temporaryFolder(context), {})
  assert.ok(host !== 'locked')
  const features = host.features()
  assert.ok(features.some(({ name, isPresent }) => name === 'pidfd' && isPresent))
  assert.equal(host.features(), features)
})

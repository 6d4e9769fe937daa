// Skips with a reason. What needs rights or a newer kernel asks here; STRICT=1, as in CI, turns the
// skip into a failure, so that nothing is left untested without anybody noticing.

import type { TestContext } from 'node:test'

/** True when the test must return at once, because what it needs is not there. */
export function skipUnless(test: TestContext, available: boolean, reason: string): boolean {
  if (available) return false
  if (process.env['STRICT'] === '1') throw new Error(`STRICT=1 and cannot run: ${reason}`)
  test.skip(reason)
  return true
}

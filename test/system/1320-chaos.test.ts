// Twenty random deaths of the supervisor under load, as `npm run chaos` kills it; all figures that
// must be zero are. The seed differs from run to run and is printed.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const KILLS = 20

test('1320 chaos: 20 kills under load lose nothing', async (context) => {
  const script = join(import.meta.dirname, '../../scripts/chaos.ts')
  const seed = String(Date.now() % 100_000)
  const child = spawn(process.execPath, [script, '--kills', String(KILLS), '--seed', seed], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  for (const line of text.trimEnd().split('\n')) context.diagnostic(line)
  assert.equal(code, 0, text)
})

// runs-as: nobody
// Root directory, core dumps and ignored signals of a process of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runNode, temporaryFolder } from '../../support/children.ts'
import { isRoot } from '../../support/rights.ts'

const load = "import * as own from 'kernel/this-process.ts'; import * as fs from 'node:fs';"

test('core dumps are prevented, for good and for children', async (t) => {
  const text = `${load} own.preventCoreDumps()
    const limits = fs.readFileSync('/proc/self/limits', 'utf8')
    console.log(/Max core file size +(\\d+) +(\\d+)/.exec(limits).slice(1).join(' '))`
  assert.deepEqual(await runNode(t, text), { text: '0 0\n', status: 'exit 0' })
})

test('an ignored signal does nothing; what cannot be ignored is refused', async (t) => {
  const text = `${load} own.ignoreSignal(15); process.kill(process.pid, 'SIGTERM')
    try { own.ignoreSignal(9) } catch (error) { console.log(error.message.split(':')[1].trim()) }`
  assert.deepEqual(await runNode(t, text), { text: 'EINVAL\n', status: 'exit 0' })
})

test('another root directory, or EPERM', async (t) => {
  const folder = temporaryFolder(t)
  const text = `${load}
    try { own.changeRoot('${folder}'); console.log(process.cwd(), fs.readdirSync('/').length) }
    catch (error) { console.log(error.errnoName) }`
  const expected = isRoot ? '/ 0\n' : 'EPERM\n'
  assert.deepEqual(await runNode(t, text), { text: expected, status: 'exit 0' })
})

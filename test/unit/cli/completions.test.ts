// Completion scripts: accepted by their shells, and doing what they say where bash is there.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { printCompletion, type Shell } from '../../../src/cli/completions.ts'
import { freshFolder } from '../../support/control-socket.ts'
import { skipUnless } from '../../support/skip.ts'

const shells: readonly Shell[] = ['bash', 'zsh', 'fish']

function isThere(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0
}

for (const shell of shells) {
  test(`${shell} accepts its script`, (t) => {
    if (skipUnless(t, isThere(shell), `${shell} is not installed`)) return
    const script = join(freshFolder(t), 'script')
    writeFileSync(script, printCompletion(shell))
    const { status, stderr } = spawnSync(shell, ['-n', script])
    assert.deepEqual([stderr.toString(), status], ['', 0])
  })

  test(`the script for ${shell} names every command and option`, () => {
    const script = printCompletion(shell)
    for (const { name, options } of commands) {
      assert.ok(script.includes(name), name)
      for (const option of options) assert.ok(script.includes(option.name), option.name)
    }
  })
}

/** What bash offers for a line whose last word is being completed. */
function completeInBash(line: string): readonly string[] {
  const words = line.split(' ')
  const list = words.map((word) => `'${word}'`).join(' ')
  const script =
    `eudaemon() { printf '%s\\n' '    "service": "web",' '    "instance": "web@1",'; }\n` +
    `${printCompletion('bash')}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}\n` +
    `_eudaemon; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script])
  assert.equal(stderr.toString(), '')
  return stdout
    .toString()
    .split('\n')
    .filter((word) => word !== '')
}

test('bash completes commands, options, values and services', (t) => {
  if (skipUnless(t, isThere('bash'), 'bash is not installed')) return
  assert.deepEqual(completeInBash('eudaemon sta'), ['start', 'status'])
  assert.deepEqual(completeInBash('eudaemon up --de'), ['--detach'])
  assert.deepEqual(completeInBash('eudaemon logs --stream '), ['stdout', 'stderr'])
  assert.deepEqual(completeInBash('eudaemon restart '), ['web', 'web@1'])
  assert.deepEqual(completeInBash('eudaemon signal HU'), ['HUP'])
  assert.deepEqual(completeInBash('eudaemon signal HUP web@'), ['web@1'])
  assert.deepEqual(completeInBash('eudaemon completion z'), ['zsh'])
})

// State directories for tests of the journal: fresh ones, and ones on a file system of their own
// that is small or read-only.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openJournal } from '../../src/runtime/journal.ts'

const mounted = new Set<string>()

/** Unmounted and removed after the test. */
export function freshDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'eudaemon-journal-'))
  context.after(() => {
    if (mounted.delete(directory)) spawnSync('umount', [directory])
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** What a journal that is opened there finds. */
export function contentsOf(directory: string): { readonly [key: string]: unknown } {
  const journal = openJournal(directory)
  try {
    return Object.fromEntries(journal.read())
  } finally {
    journal.close()
  }
}

/** Needs root. */
export function mount(directory: string, options: string): void {
  const result = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'eudaemon-test', directory])
  assert.equal(result.status, 0, String(result.stderr))
  mounted.add(directory)
}

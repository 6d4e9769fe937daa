// Whoever was told that nothing is left must find nothing: the supervisor and its guardian end a
// moment after the last service. Waits for that, bounded; nothing is signalled.

import { readFileSync } from 'node:fs'
import { hasCode } from '../base/toolkit-error.ts'
import type { Client } from './client.ts'

const LOOK_AGAIN_MS = 10
const MAX_LOOKS = 300

/**
 * To be asked before the project is removed: how to wait for the end of a supervisor that is there
 * for this project only. Nothing to wait for when it stays, or when none runs.
 */
export async function expectEnd(client: Client, project: string): Promise<() => Promise<void>> {
  try {
    const { guardian, projects } = await client.describe()
    const isLast = projects.every(({ name }) => name === project)
    return () => awaitGuardianEnd(isLast ? guardian : null)
  } catch (error) {
    if (!hasCode(error, 'ERR_SUPERVISOR_NOT_RUNNING')) throw error
    return () => Promise.resolve()
  }
}

/** Resolves when the guardian has ended, or has not within three seconds. */
async function awaitGuardianEnd(guardian: number | null): Promise<void> {
  if (guardian === null) return
  for (let look = 0; look < MAX_LOOKS && isGuardian(guardian); look += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

/** The number may be another process's by now. */
function isGuardian(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('eudaemon-guardian')
  } catch {
    return false
  }
}

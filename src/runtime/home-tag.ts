// A short name for one supervisor's home, so that several can share one cgroup tree.

import { createHash } from 'node:crypto'

/** Eight hexadecimal digits of the state directory's path. */
export function homeTag(stateDirectory: string): string {
  return createHash('sha256').update(stateDirectory).digest('hex').slice(0, 8)
}

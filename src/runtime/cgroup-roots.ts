// Where the supervisors of this home have made control groups. The place is below the group that a
// supervisor runs in, and a new one that is begun from another session runs in another: what its
// predecessors made must be found, to track what is in it and to leave nothing behind.

import { MAX_CGROUP_ROOTS } from '../base/limits.ts'
import type { Journal } from './journal.ts'
import type { RecordWriter } from './record-writer.ts'

const KEY = 'cgroup-roots'

/** The roots of former supervisors besides this one, which is remembered with them. */
export function rememberCgroupRoot(
  journal: Journal,
  writer: RecordWriter,
  root: string | null,
): readonly string[] {
  const value = journal.get(KEY)
  const known = Array.isArray(value) ? value.map(String) : []
  const former = known.filter((each) => each !== root)
  if (root !== null && !known.includes(root)) {
    const roots = [...former, root].slice(-MAX_CGROUP_ROOTS)
    writer.write(KEY, () => journal.put(KEY, roots))
  }
  return former
}

/** Only those that are left are still of interest. */
export function forgetCgroupRoots(
  journal: Journal,
  writer: RecordWriter,
  left: readonly string[],
): void {
  writer.write(KEY, () => {
    if (left.length === 0) journal.remove(KEY)
    else journal.put(KEY, left)
  })
}

// Which invocations have outlived their guardian. Their orphans were re-parented past it, to init
// or another subreaper, so they must be looked for everywhere, in this and in every later life of
// the supervisor: the descriptor store cannot tell, because its pidfds are replaced at once.

import type { InvocationId, Pid } from '../base/brands.ts'
import type { InstanceState } from '../core/instance-state.ts'
import { startTime } from '../kernel/procfs.ts'
import type { Journal } from './journal.ts'
import type { RecordWriter } from './record-writer.ts'

const REAPER_KEY = 'reaper'
const UPROOTED_PREFIX = 'uprooted '

/** Compares the reaper of orphans with the one of the last life, and remembers both on disk. */
export function findUprooted(
  journal: Journal,
  reaper: Pid,
  instances: Iterable<InstanceState>,
  writer: RecordWriter,
): ReadonlySet<InvocationId> {
  const values = journal.read()
  const now = `${reaper} ${startTime(reaper) ?? 0}`
  const isSame = values.get(REAPER_KEY) === now
  const uprooted = new Map<string, InvocationId>()
  for (const { id, phase } of instances) {
    if (!('invocation' in phase)) continue
    const key = `${UPROOTED_PREFIX}${id}`
    if (!isSame || values.get(key) === phase.invocation) uprooted.set(key, phase.invocation)
  }
  for (const [key, id] of uprooted) {
    if (values.get(key) !== id) writer.write(key, () => journal.put(key, id))
  }
  for (const key of values.keys()) {
    if (!key.startsWith(UPROOTED_PREFIX) || uprooted.has(key)) continue
    writer.write(key, () => journal.remove(key))
  }
  // Last: a death before it marks all of them once more, never too few.
  if (!isSame) writer.write(REAPER_KEY, () => journal.put(REAPER_KEY, now))
  return new Set(uprooted.values())
}

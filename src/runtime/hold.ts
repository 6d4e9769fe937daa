// Holding while nothing can be recorded: a supervisor that comes up where the state directory is
// read-only or full adopts what lives and watches it, and begins nothing of which no record would
// tell the next one. It goes on by itself as soon as the directory takes records again.

import type { SupervisorState } from '../core/supervisor-state.ts'
import { bootId } from '../kernel/procfs.ts'
import type { Journal } from './journal.ts'
import type { RecordWriter } from './record-writer.ts'

export interface HoldDeps {
  readonly journal: Journal
  readonly writer: RecordWriter
  readonly state: SupervisorState
  /** Why it holds in any case; null: it does not. */
  readonly reason: string | null
  readonly leave: () => void
}

/** Written at every start, to see whether writing works. */
const LIFE_KEY = 'life'

/** Sets the mode of a state that nothing has been decided on yet. */
export function holdWhileUnwritable(deps: HoldDeps): { readonly reason: string | null } {
  const { journal, writer, state, leave } = deps
  let isHeldByUs = false
  writer.write(LIFE_KEY, () => {
    journal.put(LIFE_KEY, { boot: bootId(), pid: process.pid })
    if (isHeldByUs && state.mode === 'hold') leave()
    isHeldByUs = false
  })
  const refusal = writer.refusalOf(LIFE_KEY)
  if (refusal === null || deps.reason !== null) return { reason: deps.reason }
  isHeldByUs = true
  state.mode = 'hold'
  return { reason: `${refusal.message}; it goes on when that can be written` }
}

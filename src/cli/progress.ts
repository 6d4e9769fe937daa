// What is shown while a command waits: one live line on a terminal, a line for each change
// otherwise. Goes to standard error, so that the answer itself can be piped.

import type { Progress } from '../client/wait-for.ts'
import type { Deps } from './deps.ts'
import { createPaint, widthOf } from './print/style.ts'

export interface ProgressView {
  readonly show: (progress: Progress) => void
  /** Takes the live line away. */
  readonly clear: () => void
}

const ERASE_LINE = '\r\u001b[2K'
/** A line is drawn at most so often; a thousand services change faster than anybody reads. */
const REDRAW_MS = 50
/** Of more instances than this only those that have trouble get a line. */
const MAX_TOLD = 30

/** `doing` is a word like `starting`. */
export function createProgress(deps: Deps, doing: string): ProgressView {
  const { err } = deps
  return err.isTerminal ? createLiveLine(deps, doing) : createLines(deps)
}

function createLiveLine({ err, now }: Deps, doing: string): ProgressView {
  const paint = createPaint(err.hasColour)
  let lastMs = 0
  let isShown = false
  return {
    show: ({ reached, total, pending }) => {
      if (now() - lastMs < REDRAW_MS || pending.size === 0) return
      lastMs = now()
      const names = nameSome(pending, err.columns - 30)
      isShown = true
      err.write(
        `${ERASE_LINE}${doing} ${paint('bold', `${reached}/${total}`)} ${paint('dim', names)}`,
      )
    },
    clear: () => {
      if (isShown) err.write(ERASE_LINE)
      isShown = false
    },
  }
}

function createLines({ err }: Deps): ProgressView {
  return {
    show: ({ row, total }) => {
      const isTold = total <= MAX_TOLD || row?.phase === 'failed' || row?.phase === 'backoff'
      if (row === null || !isTold) return
      const reason = row.reason === null || row.reason === 'stopped' ? '' : `: ${row.reason}`
      err.write(`${row.instance}: ${row.phase}${reason}\n`)
    },
    clear: () => {},
  }
}

/** As many names as fit. */
function nameSome(ids: ReadonlySet<string>, columns: number): string {
  let text = ''
  let left = ids.size
  for (const id of ids) {
    const name = id.slice(id.indexOf('/') + 1)
    if (widthOf(text) + name.length + 2 > columns) break
    text = text === '' ? name : `${text}, ${name}`
    left -= 1
  }
  return left === 0 ? text : `${text} and ${left} more`
}

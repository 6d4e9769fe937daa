// The door of `eudaemon run` alone, but for `--supervised`. It is published as one file: to find
// and read a further one takes as long as the forks of a daemon, and the prompt is waited for.

import { runMain } from './door.ts'
import { createPlainDeps } from './plain-deps.ts'
import { runDaemon } from './run-daemon.ts'

/** As main() in main.ts, for argument lists that begin with `run`. */
export function main(argv: readonly string[]): Promise<number> {
  return runMain(argv, async (command) => {
    if (command !== 'run') return null
    return (options, out, err) => runDaemon(options, createPlainDeps(out, err))
  })
}

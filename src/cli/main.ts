// The door of the command. Loads only the command that is asked for.

import type { Run } from './deps.ts'
import { runMain } from './door.ts'

const loaders: Readonly<Record<string, () => Promise<{ readonly run: Run }>>> = {
  run: () => import('./commands/run.ts'),
  up: () => import('./commands/up.ts'),
  down: () => import('./commands/down.ts'),
  start: () => import('./commands/start.ts'),
  stop: () => import('./commands/stop.ts'),
  restart: () => import('./commands/restart.ts'),
  reload: () => import('./commands/reload.ts'),
  signal: () => import('./commands/signal.ts'),
  scale: () => import('./commands/scale.ts'),
  status: () => import('./commands/status.ts'),
  logs: () => import('./commands/logs.ts'),
  events: () => import('./commands/events.ts'),
  wait: () => import('./commands/wait.ts'),
  check: () => import('./commands/check.ts'),
  plan: () => import('./commands/plan.ts'),
  why: () => import('./commands/why.ts'),
  supervise: () => import('./commands/supervise.ts'),
  doctor: () => import('./commands/doctor.ts'),
  completion: () => import('./commands/completion.ts'),
}

/** Runs the command that `argv` (without node and script) asks for; resolves to its exit status. */
export function main(argv: readonly string[]): Promise<number> {
  return runMain(argv, async (command) => {
    const load = loaders[command]
    if (load === undefined) return null
    const [{ run }, { createDeps }] = await Promise.all([load(), import('./real-deps.ts')])
    return (options, out, err) => run(options, createDeps(out, err))
  })
}

// The real world for commands that need no supervisor.

import type { PlainDeps, Screen, StopSignal } from './deps.ts'

export function createPlainDeps(out: Screen, err: Screen): PlainDeps {
  return {
    env: process.env,
    // It may have been removed. Only some commands need it.
    get directory() {
      return process.cwd()
    },
    uid: process.getuid?.() ?? 0,
    out,
    err,
    now: Date.now,
    delay: (ms) => new Promise((done) => setTimeout(done, ms)),
    onSignal,
  }
}

function onSignal(
  signals: readonly StopSignal[],
  listener: (signal: StopSignal) => void,
): () => void {
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}

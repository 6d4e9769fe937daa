// Reading the configuration again at SIGHUP, one reload at a time: however many signals come while
// one runs, one more follows it. A supervisor that speaks sd_notify(3) sees both ends of each.

import { isReadySaid, sayReady, sayReloading } from './ready.ts'

/** Reads the configuration again; throws, or rejects, to go on with the old one. */
export type Reload = () => void | Promise<void>

const reloads = new Set<Reload>()
let isRunning = false
let isWanted = false

/**
 * Runs the handler at SIGHUP. Never twice at a time; signals that come meanwhile make one more run.
 * A handler that fails is told on standard error, and the program goes on. Tells RELOADING=1 and
 * READY=1 to a supervisor that listens, once ready() was called. Returns what undoes it.
 */
export function onReload(reload: Reload): () => void {
  reloads.add(reload)
  if (reloads.size === 1) process.on('SIGHUP', onHangUp)
  return () => {
    if (reloads.delete(reload) && reloads.size === 0) process.off('SIGHUP', onHangUp)
  }
}

function onHangUp(): void {
  isWanted = true
  if (!isRunning) void runAll()
}

async function runAll(): Promise<void> {
  isRunning = true
  while (isWanted) {
    isWanted = false
    // Before that READY=1 would say that the start is over.
    const isTold = isReadySaid() && sayReloading()
    for (const reload of reloads) await runOne(reload)
    if (isTold) sayReady()
  }
  isRunning = false
}

async function runOne(reload: Reload): Promise<void> {
  try {
    await reload()
  } catch (error) {
    const why = error instanceof Error ? error.stack : String(error)
    process.stderr.write(`SIGHUP: the reload failed, continuing as before: ${why}\n`)
  }
}

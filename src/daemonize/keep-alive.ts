// The program's end of a watchdog (sd_watchdog_enabled(3)): a message at half of the time that the
// supervisor allows. It is sent from the event loop, so a program that hangs is found out.

import { MAX_TIMER_MS } from '../base/limits.ts'
import { sendNotification } from './notify-sender.ts'

/** The time between two signs of life that the supervisor wants; null: it wants none of us. */
function watchdogMs(): number | null {
  const { WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid = '' } = process.env
  if (!/^[1-9]\d{0,15}$/.test(usec)) return null
  if (pid !== '' && pid !== String(process.pid)) return null
  return Number(usec) / 1_000
}

/**
 * Sends signs of life until the returned function is called; none while `isHealthy` says false. The
 * timer does not keep the program running. Does nothing when no watchdog is wanted.
 */
export function startKeepAlive(isHealthy: () => boolean = () => true): () => void {
  const allowedMs = watchdogMs()
  if (allowedMs === null) return () => undefined
  const beat = (): void => {
    if (isHealthy()) sendNotification({ watchdog: 'keep-alive' })
  }
  beat()
  const timer = setInterval(beat, Math.min(Math.max(1, allowedMs / 2), MAX_TIMER_MS))
  timer.unref()
  return () => clearInterval(timer)
}

// Commands of probes that a former supervisor was running when it died: nobody waits for them, and
// the probe that needs an answer asks anew. Known by their mark, whoever is their parent by now.

import type { InvocationId, Pid } from '../base/brands.ts'
import { MAX_KILL_PASSES } from '../base/limits.ts'
import { signalNumbers } from '../base/signal.ts'
import { closeFd } from '../kernel/fd.ts'
import { openPidfd, sendSignal } from '../kernel/pidfd.ts'
import { invocationIdOf, type ProcessScan, scanAll } from './process-scan.ts'

/** Before any probe of our own is begun. What forks meanwhile is found in the next pass. */
export function killLeftoverProbes(mark: InvocationId, scan: ProcessScan): void {
  const told = new Set<Pid>()
  let fresh = scan.membersOf(mark, [])
  for (let pass = 0; fresh.length > 0 && pass < MAX_KILL_PASSES; pass += 1) {
    for (const pid of fresh) {
      killMarked(pid, mark)
      told.add(pid)
    }
    fresh = scanAll()
      .membersOf(mark, [])
      .filter((pid) => !told.has(pid))
  }
}

function killMarked(pid: Pid, mark: InvocationId): void {
  const pidfd = openPidfd(pid)
  if (pidfd === null) return
  // Looked at again now that the number is held: it may have been given to another process.
  if (invocationIdOf(pid) === mark) sendSignal(pidfd, signalNumbers.KILL)
  closeFd(pidfd)
}

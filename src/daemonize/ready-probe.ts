// Readiness by asking over the network until somebody answers, and that is the daemon: the answer
// of another program on the same port is none.

import { assert } from '../base/assert.ts'
import { DAEMON_PROBE_INTERVAL_MS, DAEMON_PROBE_TIMEOUT_MS } from '../base/limits.ts'
import { readStat } from '../kernel/procfs.ts'
import { socketHolders } from '../kernel/tcp-listeners.ts'
import { askNetwork, type NetworkQuestion, type Peer } from '../launch/network-probe.ts'
import { holdsAny, listenersBehind } from '../launch/port-holders.ts'
import type { DaemonRequest } from './daemon-request.ts'
import { isDescendant } from './descendants.ts'
import { ownPid } from './own-pid.ts'
import { plainWatch, type ReadyContext, type ReadyWatch } from './ready-watch.ts'

/** Any answer below 400 counts, as for Kubernetes. */
const GOOD_STATUS = [200, 399] as const

/** Dialects tcp and http. */
export function openProbeWatch({ ready }: DaemonRequest): ReadyWatch {
  assert(ready.kind === 'tcp' || ready.kind === 'http', 'the dialect asks over the network')
  const question: NetworkQuestion = ready.kind === 'tcp' ? ready : { ...ready, status: GOOD_STATUS }
  const giveUp = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let last = ''
  async function ask(context: ReadyContext): Promise<void> {
    const attempt = { timeoutMs: DAEMON_PROBE_TIMEOUT_MS, signal: giveUp.signal }
    const answer = await askNetwork(question, attempt)
    if (giveUp.signal.aborted) return
    const stranger = answer.isGood ? whoElse(answer.peer, context) : answer.reason
    if (stranger === null) return context.ready()
    last = stranger
    timer = setTimeout(() => void ask(context), DAEMON_PROBE_INTERVAL_MS)
  }
  let start = (): void => {}
  return {
    ...plainWatch,
    start: (context) => {
      start = () => void ask(context)
    },
    onExec: () => start(),
    describe: () => last,
    close: () => {
      giveUp.abort()
      clearTimeout(timer)
    },
  }
}

/** Null: the daemon, or nobody can tell. */
function whoElse(peer: Peer | null, { daemon }: ReadyContext): string | null {
  if (peer === null) return null
  const inodes = listenersBehind(peer)
  if (inodes.size === 0 || holdsAny(daemon.pid, inodes)) return null
  const holders = [...socketHolders(inodes).values()].flat()
  if (holders.length === 0) return null
  const self = ownPid()
  if (holders.some((pid) => pid === self || isDescendant(pid, self))) return null
  const [first] = holders
  const name = first === undefined ? undefined : readStat(first)?.command
  return `port ${peer.port} is in use by '${name ?? 'unknown'}' (pid ${first}), not by the daemon`
}

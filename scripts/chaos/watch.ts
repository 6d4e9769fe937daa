// A thread that looks at /proc without a pause for what must never be: two lives of one instance at
// the same time. It shares nothing with the driver, so that neither slows the other.

import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { isAlive, nameOf, processesOf, type SeenProcess } from '../../test/support/processes.ts'

interface WatchData {
  readonly home: string
}

export interface WatchResult {
  readonly looks: number
  /** One text for each pair that was seen. */
  readonly copies: readonly string[]
}

async function watch({ home }: WatchData): Promise<void> {
  const copies = new Set<string>()
  let looks = 0
  let isOver = false
  parentPort?.once('message', () => {
    isOver = true
  })
  while (!isOver) {
    for (const found of findCopies(processesOf(home))) copies.add(found)
    looks += 1
    await pause(20)
  }
  parentPort?.postMessage({ looks, copies: [...copies] } satisfies WatchResult)
}

function* findCopies(seen: readonly SeenProcess[]): Generator<string> {
  const lives = new Map<string, SeenProcess>()
  for (const one of seen) {
    const instance = nameOf(one.env)
    const life = one.env.get('EUDAEMON_INVOCATION_ID')
    if (instance === '' || life === undefined) continue
    const other = lives.get(instance)
    lives.set(instance, one)
    if (!other) continue
    const isOther = other.env.get('EUDAEMON_INVOCATION_ID') !== life
    // An idle service is one process, so a second one of the same life is a copy as well.
    const isIdle = instance.startsWith('idle') && /^sleep/.test(one.command + other.command)
    // What was listed first may have ended while the rest was read: both must live now.
    if (!(isOther || isIdle) || !isAlive(one) || !isAlive(other)) continue
    yield `${instance}: ${other.pid} (${other.command}) and ${one.pid} (${one.command})`
  }
}

await watch(workerData as WatchData)

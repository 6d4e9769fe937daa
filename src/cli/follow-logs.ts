// Follows the logs of instances, straight from their files, and writes them until told to stop.

import { type InstanceId, toInstanceId } from '../base/brands.ts'
import { readLog } from '../client/log-reader.ts'
import type { LogItem } from '../protocol/log-line.ts'

export interface FollowLogs {
  readonly directory: string
  /** Grows while following: `shop/web@1`. */
  readonly instances: ReadonlySet<string>
  readonly sinceUs: number
  readonly signal: AbortSignal
  /** False: nobody reads any more. */
  readonly onItem: (item: LogItem) => boolean
}

/** The loop gets its turn after so many lines: signals must be heard while logs pour in. */
const LINES_A_TURN = 200

/** Resolves when told to stop, or when nobody reads any more. */
export async function followLogs(options: FollowLogs): Promise<'stopped' | 'unread'> {
  const { directory, instances, sinceUs, signal, onItem } = options
  const list = (): readonly InstanceId[] => [...instances].map(toInstanceId)
  const follow = { signal, listInstances: list }
  let count = 0
  for await (const item of readLog({ directory, instances: list(), sinceUs, follow })) {
    if (!onItem(item)) return 'unread'
    count += 1
    if (count % LINES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return 'stopped'
}

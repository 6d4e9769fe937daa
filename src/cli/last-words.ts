// What a service wrote last, for those who have to find out why it does not run.

import { toInstanceId } from '../base/brands.ts'
import { readLog } from '../client/log-reader.ts'
import type { LogItem } from '../protocol/log-line.ts'
import type { Deps } from './deps.ts'

/** The last lines of one instance, oldest first; empty when nothing can be read. */
export async function readLastLines(
  deps: Deps,
  id: string,
  count: number,
): Promise<readonly LogItem[]> {
  const items: LogItem[] = []
  const directory = deps.directories.log
  const instances = [toInstanceId(id)]
  for await (const item of readLog({ directory, instances, lastLines: count })) items.push(item)
  return items
}

/** Indented, ready to stand below a message; empty when it has written nothing. */
export async function printLastWords(deps: Deps, id: string): Promise<string> {
  const items = await readLastLines(deps, id, LAST_LINES)
  return items.flatMap((item) => (item.kind === 'line' ? [`    | ${item.text}\n`] : [])).join('')
}

const LAST_LINES = 5

// A stand-in for `eudaemon`, for tests of what boot scripts make of it: it writes down its words
// and ends with the statuses that its folder says. The real one is in test/system/2701.

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files `status`, `start`, `stop` and `reload` hold exit statuses; `calls` the words of calls. */
const program = `#!/bin/sh
folder=\${0%/*}
printf "%s\\0" "$@" >>"$folder/calls"
printf '\\n\\0' >>"$folder/calls"
action=start
for word; do
  case $word in
    --status | --stop | --reload) action=\${word#--} ;;
    --) break ;;
  esac
done
echo "$action" >>"$folder/actions"
code=$(cat "$folder/$action")
if [ "$code" -eq 0 ]; then
  case $action in
    start) echo 0 >"$folder/status" ;;
    stop) echo 3 >"$folder/status" ;;
  esac
fi
exit "$code"
`

type Action = 'status' | 'start' | 'stop' | 'reload'

export interface StandIn {
  readonly path: string
  /** From now on the action ends with this. */
  set(action: Action, status: number): void
  /** The actions since the last time, without the questions for the status. */
  actions(): readonly string[]
  /** The words of the last call. */
  lastWords(): readonly string[]
}

export function makeStandIn(folder: string): StandIn {
  const path = join(folder, 'eudaemon')
  const log = join(folder, 'actions')
  writeFileSync(path, program)
  chmodSync(path, 0o755)
  const set = (action: Action, status: number): void =>
    writeFileSync(join(folder, action), `${status}\n`)
  for (const action of ['start', 'stop', 'reload'] as const) set(action, 0)
  set('status', 3)
  return {
    path,
    set,
    actions: () => {
      const text = existsSync(log) ? readFileSync(log, 'utf8') : ''
      writeFileSync(log, '')
      return text.split('\n').filter((line) => line !== '' && line !== 'status')
    },
    lastWords: () => {
      const calls = readFileSync(join(folder, 'calls'), 'utf8').split('\0\n\0')
      return calls.at(-2)?.split('\0') ?? []
    },
  }
}

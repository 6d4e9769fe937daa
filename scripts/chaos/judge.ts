// What is left to see when the killing is over: the logs line by line, and whether anything that
// should have lived through it all has been started again.

import type { StatusRow } from '../../src/protocol/response.ts'
import type { Home } from '../../test/support/home.ts'
import { judgeLines } from '../../test/support/numbered.ts'
import { livesOf } from './driver.ts'
import { idlers, mortals, writers } from './load.ts'

export interface Verdict {
  lines: number
  missing: number
  doubled: number
  readonly foreign: string[]
  /** Services with another process than at the start, though theirs had not died. */
  readonly restarted: string[]
  mortalLives: number
}

/** Pid by instance of everything that never ends by itself. */
export function steadyPids(rows: readonly StatusRow[]): ReadonlyMap<string, number | null> {
  const steady = new Set([...idlers, ...writers])
  return new Map(
    rows.filter(({ service }) => steady.has(service)).map(({ instance, pid }) => [instance, pid]),
  )
}

/** Compares with the start, stops the writers and reads what they wrote. */
export async function judge(
  home: Home,
  before: ReadonlyMap<string, number | null>,
): Promise<Verdict> {
  const verdict: Verdict = {
    lines: 0,
    missing: 0,
    doubled: 0,
    foreign: [],
    restarted: [],
    mortalLives: 0,
  }
  const after = steadyPids(await home.status())
  for (const [instance, pid] of before) {
    if (after.get(instance) === pid) continue
    verdict.restarted.push(`${instance}: was ${pid}, is ${after.get(instance)}`)
  }
  for (const service of mortals) judgeLives(verdict, service, livesOf(home, service))
  const stop = await home.run(['stop', ...writers])
  if (stop.status !== 0) throw new Error(`the writers do not stop: ${stop.stderr}`)
  for (const writer of writers) {
    await judgeLog(home, verdict, writer, 'stdout')
    await judgeLog(home, verdict, writer, 'stderr')
  }
  return verdict
}

/** A life that starts before the one before has ended was a restart without a death. */
function judgeLives(verdict: Verdict, service: string, lines: readonly string[]): void {
  let living = ''
  for (const line of lines) {
    const [what, life = ''] = line.split(' ')
    if (what === 'start') {
      if (living !== '') verdict.restarted.push(`${service}: ${life} started, ${living} lived`)
      living = life
      verdict.mortalLives += 1
    } else if (life === living) living = ''
  }
}

async function judgeLog(
  home: Home,
  verdict: Verdict,
  writer: string,
  stream: 'stdout' | 'stderr',
): Promise<void> {
  const logs = await home.run(['logs', '--stream', stream, '--json', writer])
  if (logs.status !== 0) throw new Error(`no logs of ${writer}: ${logs.stderr}`)
  const texts = logs.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { readonly text?: string }).text ?? line)
  const found = judgeLines(texts, stream === 'stdout' ? 'out' : 'err')
  verdict.lines += found.last
  verdict.missing += found.missing
  verdict.doubled += found.doubled
  verdict.foreign.push(...found.foreign.map((line) => `${writer}: ${line}`))
}

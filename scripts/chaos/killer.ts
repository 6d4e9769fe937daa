// Kills the supervisor at random instants: mostly alone, in some rounds together with its guardian
// (then the next command starts new ones), in a few the guardian alone.

import { setTimeout as pause } from 'node:timers/promises'
import type { SupervisorInfo } from '../../src/protocol/response.ts'
import { supervisorInfo } from '../../test/support/control.ts'
import type { Home } from '../../test/support/home.ts'
import { isAlive, killExactly, readProcess } from '../../test/support/processes.ts'
import { until } from '../../test/support/until.ts'

export interface Deaths {
  supervisor: number
  guardian: number
  both: number
  /** From the signal to the first answer of another supervisor; alone and guardian rounds. */
  readonly answerMs: number[]
  /** The same with the command that starts both again. */
  readonly bothAnswerMs: number[]
}

export type Kind = 'supervisor' | 'guardian' | 'both'

const MAX_PAUSE_MS = 400
const LIMIT_MS = 60_000

/** Kills so many times; `onDeath` is told before each. */
export async function killRepeatedly(
  home: Home,
  kills: number,
  random: () => number,
  onDeath: (kind: Kind) => void,
): Promise<Deaths> {
  const deaths: Deaths = { supervisor: 0, guardian: 0, both: 0, answerMs: [], bothAnswerMs: [] }
  for (let round = 0; round < kills; round += 1) {
    await pause(random() * MAX_PAUSE_MS)
    const kind = chooseKind(round)
    onDeath(kind)
    const tookMs = await killOnce(home, kind)
    deaths[kind] += 1
    if (kind === 'both') deaths.bothAnswerMs.push(tookMs)
    else deaths.answerMs.push(tookMs)
  }
  return deaths
}

function chooseKind(round: number): Kind {
  if (round % 10 === 4) return 'both'
  return round % 20 === 17 ? 'guardian' : 'supervisor'
}

async function killOnce(home: Home, kind: Kind): Promise<number> {
  const before = await answering(home, () => true)
  const supervisor = readProcess(before.pid)
  const guardian = before.guardian === null ? undefined : readProcess(before.guardian)
  const began = performance.now()
  // It must not start another supervisor between the two.
  if (kind === 'both' && guardian) killExactly(guardian, 'SIGSTOP')
  if (kind !== 'guardian' && supervisor) killExactly(supervisor)
  if (kind !== 'supervisor' && guardian) killExactly(guardian)
  if (kind === 'both') {
    const both = [supervisor, guardian].filter((seen) => seen !== undefined)
    await until('the death of both', () => !both.some(isAlive))
    const up = await home.run(['up', '-d', '--timeout', '60s', 'idle1'])
    if (up.status !== 0) throw new Error(`up after a double death: ${up.status}\n${up.stderr}`)
  }
  await answering(home, ({ pid, guardian: parent }) =>
    kind === 'guardian' ? parent !== before.guardian : pid !== before.pid,
  )
  return performance.now() - began
}

async function answering(
  home: Home,
  isWanted: (info: SupervisorInfo) => boolean,
): Promise<SupervisorInfo> {
  const began = performance.now()
  while (performance.now() - began < LIMIT_MS) {
    const info = await supervisorInfo(home.socket)
    if (info && isWanted(info)) return info
    await pause(1)
  }
  throw new Error(`no supervisor answers in ${LIMIT_MS} ms`)
}

// What goes wrong, and how often, decided by the seed once for a history: some histories are calm
// but for one thing, others are storms. Nothing here knows the core.

import type { EffectOf } from '../../src/core/effect.ts'
import type { Chance } from './chance.ts'
import type { Plan } from './world.ts'

export interface Faults {
  /** Of the supervisor, before any effect or decision. */
  readonly death: number
  /** The guardian dies with it. */
  readonly doubleDeath: number
  readonly reboot: number
  readonly hold: number
  /** Of a process that is meant to stay. */
  readonly crash: number
  readonly spawnFailure: number
  readonly slowPreamble: number
  readonly slowReady: number
  readonly stuck: number
  readonly forks: number
  readonly hangs: number
  readonly diskFull: number
}

export function randomFaults(chance: Chance): Faults {
  const some = (share: number, most: number) => (chance.is(share) ? most * chance.next() : 0)
  return {
    death: some(0.7, 0.06),
    doubleDeath: some(0.5, 0.5),
    reboot: some(0.2, 0.3),
    hold: some(0.2, 0.3),
    crash: some(0.7, 0.7),
    spawnFailure: some(0.4, 0.3),
    slowPreamble: some(0.3, 0.6),
    slowReady: some(0.4, 0.5),
    stuck: some(0.4, 0.5),
    forks: some(0.5, 0.6),
    hangs: some(0.3, 0.4),
    diskFull: some(0.25, 0.05),
  }
}

export const calm: Faults = {
  death: 0,
  doubleDeath: 0,
  reboot: 0,
  hold: 0,
  crash: 0,
  spawnFailure: 0,
  slowPreamble: 0,
  slowReady: 0,
  stuck: 0,
  forks: 0,
  hangs: 0,
  diskFull: 0,
}

const never = Number.POSITIVE_INFINITY

/** The fate of a process to be; a string is why it cannot be made. */
export function planSpawn(
  chance: Chance,
  faults: Faults,
  { role, definition }: EffectOf<'spawn'>,
  hit: (fault: string) => void,
): Plan | string {
  const is = (fault: keyof Faults): boolean => {
    const isHit = chance.is(faults[fault])
    if (isHit) hit(fault)
    return isHit
  }
  if (is('spawnFailure')) return 'exec: ENOENT'
  const stays = role === 'main' && definition.kind === 'longrun'
  const isCrash = is('crash')
  const isStuck = is('stuck')
  const isStuckHook = isStuck && role !== 'main'
  const ownEnd = stays || isStuckHook ? never : 1 + chance.time(isStuck ? 60_000 : 1_000)
  const executesInMs = is('slowPreamble') ? chance.between(1, 2_000) : 0
  return {
    endsInMs: isCrash ? chance.time(15_000) : ownEnd,
    status: isCrash ? crashStatus(chance) : { kind: 'exited', code: 0 },
    executesInMs,
    readyInMs: executesInMs + (is('slowReady') ? chance.between(1, 6_000) : chance.between(0, 200)),
    unreadyInMs: chance.is(faults.slowReady / 4) ? executesInMs + chance.time(1_000) : never,
    hangsInMs: role === 'main' && is('hangs') ? chance.between(1, 10_000) : never,
    forksInMs: is('forks') ? executesInMs + chance.time(5_000) : never,
    heedsTerm: !isStuck,
    isInGroup: true,
  }
}

function crashStatus(chance: Chance): Plan['status'] {
  if (chance.is(0.3)) return { kind: 'signaled', signal: 11, core: false }
  return { kind: 'exited', code: chance.pick([0, 1, 1, 3]) }
}

export function planChild(chance: Chance, faults: Faults): Plan {
  return {
    endsInMs: chance.is(0.5) ? chance.time(20_000) : never,
    status: { kind: 'exited', code: 0 },
    executesInMs: 0,
    readyInMs: never,
    unreadyInMs: never,
    hangsInMs: never,
    forksInMs: chance.is(faults.forks / 4) ? chance.time(2_000) : never,
    heedsTerm: !chance.is(0.4),
    isInGroup: chance.is(0.5),
  }
}

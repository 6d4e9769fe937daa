// What runs while the supervisor is being killed: writers of numbered lines, services that live
// short lives and record them, services that double-fork, services that are started and stopped,
// and idle ones. Each group shows another promise; driver.ts moves them, judge.ts judges them.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from '../../test/support/home.ts'
import { command } from '../../test/support/programs.ts'

const range = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`)

export const writers: readonly string[] = range('writer', 4)
/** Restarted by the supervisor whenever they end. */
export const mortals: readonly string[] = range('mortal', 4)
/** Started by the driver; they end with a status that it has chosen, and stay down. */
export const exits: readonly string[] = range('exit', 4)
/** Started and stopped by the driver; each life leaves a process behind that ignores SIGTERM. */
export const forkers: readonly string[] = range('forker', 3)
/** Started, stopped and restarted without waiting for the outcome. */
export const flappers: readonly string[] = range('flapper', 4)
export const idlers: readonly string[] = range('idle', 50)

/** Where a service records its lives, or a forker the pid that it leaves behind. */
export function recordOf(home: Home, service: string): string {
  return join(home.project, `${service}.record`)
}

/** The status with which a service of `exits` shall end; above 255 a signal and 256. */
export function setNextStatus(home: Home, service: string, status: number): void {
  writeFileSync(join(home.project, `${service}.next`), `${status}\n`)
}

/** Writes the definition of all of them. */
export function writeLoad(home: Home): void {
  const manual = 'start = "manual"'
  const noPause = 'restart = { backoff = "50ms..50ms" }'
  const sections = [
    ...writers.map((name) =>
      section(name, command('numbered-lines.sh', 10, 0.03), [
        'log = { max-size = "128K", keep = 1000 }',
        // Only the shell is asked to end: it would tell that its sleep was terminated.
        'stop = { kill = "mixed" }',
      ]),
    ),
    ...mortals.map((name, index) =>
      section(name, command('lives.sh', recordOf(home, name), 0.2 + index * 0.17), [noPause]),
    ),
    ...exits.map((name) => {
      const next = join(home.project, `${name}.next`)
      const words = command('lives.sh', recordOf(home, name), 0.1, next)
      return section(name, words, [manual, 'restart = "never"'])
    }),
    ...forkers.map((name) =>
      section(name, command('double-fork.sh', recordOf(home, name)), [
        manual,
        'ready = { log = "^left " }',
        'stop = { timeout = "300ms" }',
        `setup = ["rm", "-f", "${recordOf(home, name)}"]`,
      ]),
    ),
    ...flappers.map((name) => section(name, command('forever.sh'), [manual])),
    ...idlers.map((name) => section(name, command('forever.sh'), [])),
  ]
  home.write('eudaemon.toml', sections.join('\n'))
  for (const name of exits) setNextStatus(home, name, 0)
}

function section(name: string, words: string, more: readonly string[]): string {
  return [`[services.${name}]`, `command = ${words}`, ...more, ''].join('\n')
}

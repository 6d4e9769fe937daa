// A probe port whose events are collected, for the tests of this folder. Commands are run by the
// real runner; logs are lines that the test says.

import { type InstanceId, toInstanceId, toInvocationId } from '../../../src/base/brands.ts'
import type { InstanceEvent } from '../../../src/core/instance-event.ts'
import type { ProcessRef } from '../../../src/core/instance-state.ts'
import { openPoller } from '../../../src/kernel/poll.ts'
import { withDefaults } from '../../../src/model/defaults.ts'
import type { Probe, ProbeAction, Readiness } from '../../../src/model/service-definition.ts'
import { runCommand } from '../../../src/runtime/exec-command.ts'
import { createLaunchPlanner } from '../../../src/runtime/launch-plan.ts'
import { createProbePort, type LogPattern } from '../../../src/runtime/probe-port.ts'
import { parseEnvFile } from '../../../src/syntax/env-file.ts'

export const id = toInstanceId('shop/web@1')
export const invocation = toInvocationId('0123456789abcdef0123456789abcdef')
const LIMIT_MS = 10_000

export function probeOf(action: ProbeAction, more: Partial<Probe> = {}): Probe {
  return { action, intervalMs: 20, attemptTimeoutMs: 2_000, ...more }
}

export function readyBy(probe: Probe): Readiness {
  return { kind: 'probe', probe, timeoutMs: 30_000 }
}

const definition = withDefaults({
  name: 'web',
  command: { kind: 'shell', line: 'true' },
  directory: '/',
})

export function readyEffect(readiness: Readiness, logMark: string | null = null) {
  return { type: 'watch-ready', id, invocation, readiness, definition, logMark } as const
}

export function liveEffect(probe: Probe, failures: number, name: InstanceId = id) {
  return {
    type: 'watch-live',
    id: name,
    invocation,
    definition,
    liveness: { probe, failures },
  } as const
}

interface Happening {
  readonly id: InstanceId
  readonly event: InstanceEvent
}

/** Resolves as soon as `isSo`; asked after every turn of the loop. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + LIMIT_MS
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`it did not come: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

export interface ProbeBench {
  readonly port: ReturnType<typeof createProbePort>
  readonly poller: ReturnType<typeof openPoller>
  readonly happenings: readonly Happening[]
  /** The next event after those that were seen. */
  next(): Promise<InstanceEvent>
  readonly logWatches: { readonly watch: LogPattern; onMatch(): void; isStopped: boolean }[]
  close(): void
}

export function openBench(
  own: { belongs?: (pid: number) => boolean; main?: ProcessRef | null } = {},
): ProbeBench {
  const poller = openPoller()
  // A test that fails must end all the same.
  poller.unref()
  const happenings: Happening[] = []
  const logWatches: ProbeBench['logWatches'] = []
  let seen = 0
  const planLaunch = createLaunchPlanner({ parseEnvFile })
  const port = createProbePort({
    poller,
    emit: (happening) => happenings.push(happening),
    runCommand: (request) =>
      runCommand(request, {
        poller,
        planLaunch,
        baseEnvironment: () => ({ PATH: '/usr/bin:/bin' }),
        mark: toInvocationId('probe-test'),
      }),
    watchLog: (_, watch, onMatch) => {
      const entry = { watch, onMatch, isStopped: false }
      logWatches.push(entry)
      return {
        stop: () => {
          entry.isStopped = true
        },
      }
    },
    belongs: (_, pid) => own.belongs?.(pid) ?? false,
    mainProcess: () => own.main ?? null,
  })
  return {
    port,
    poller,
    happenings,
    logWatches,
    async next() {
      await until(() => happenings.length > seen, `an event after ${JSON.stringify(happenings)}`)
      const happening = happenings[seen]
      seen += 1
      if (happening === undefined) throw new Error('no event')
      return happening.event
    },
    close() {
      port.close()
      poller.close()
    },
  }
}

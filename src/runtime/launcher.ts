// Everything that a spawn needs besides the call: the plan (who, what, where), the pipes of the
// log, the notify pipe, the stage pipe of the preamble. Descriptors for the child are opened here
// and closed right after the spawn.

import { fstatSync } from 'node:fs'
import { assert } from '../base/assert.ts'
import type { Fd, InstanceId, Pid } from '../base/brands.ts'
import type { EffectOf } from '../core/effect.ts'
import { commandOf } from '../core/transition.ts'
import { closeFd, setNonBlocking } from '../kernel/fd.ts'
import { createPipe } from '../kernel/fifo.ts'
import { parseInstanceId } from '../model/service-name.ts'
import { type PlanLaunch, printRefusal } from './launch-plan.ts'
import type { LogAttachments } from './log-attachments.ts'

/** Where a preamble says which of its steps failed. */
const STAGE_FD = 9

export type Launch =
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'ready'
      readonly program: {
        readonly path: string
        readonly argv: readonly string[]
        readonly env: readonly string[]
        readonly directory: string
        readonly softOpenFiles: number
      }
      readonly files: readonly { readonly from: Fd; readonly to: number }[]
      readonly logMark: string | null
      /** Null when there is no preamble. */
      readonly stageReader: Fd | null
      closeChildEnds(): void
    }

export interface Launcher {
  prepare(effect: EffectOf<'spawn'>, main: Pid | null): Launch
}

export interface LauncherDeps {
  readonly planLaunch: PlanLaunch
  readonly logs: LogAttachments
  /** The environment that a project's services start from. */
  readonly baseEnvironment: (project: string) => Readonly<Record<string, string>>
  readonly keep: (name: string, fds: readonly Fd[]) => void
}

export function notifyName(id: InstanceId): string {
  return `notify ${id}`
}

/**
 * Tells programs that use eudaemon/service where to say that they are ready. The device and the
 * inode let them see that the descriptor is the pipe, and not what a child of theirs has there.
 */
function readyEnvironment(fd: number, writer: Fd): readonly string[] {
  const { dev, ino } = fstatSync(writer, { bigint: true })
  return [`EUDAEMON_READY=fd=${fd}`, `EUDAEMON_READY_STREAM=${dev}:${ino}`]
}

export function createLauncher(deps: LauncherDeps): Launcher {
  const { logs, planLaunch } = deps

  function prepare(effect: EffectOf<'spawn'>, main: Pid | null): Launch {
    const { id, definition, role, invocation, exit } = effect
    const name = parseInstanceId(id)
    const command = commandOf(definition, role)
    assert(name !== undefined && command !== null, `${id}: '${role}' has a command`)
    const { readiness } = definition
    const notifyFd = role === 'main' && readiness.kind === 'notify-fd' ? readiness.fd : null
    const stageFd = notifyFd === STAGE_FD ? STAGE_FD - 1 : STAGE_FD
    const planned = planLaunch({
      definition,
      role,
      command,
      name,
      invocation,
      mainPid: main,
      exit,
      baseEnvironment: deps.baseEnvironment(name.project),
      notifyFd,
      stageFd,
    })
    if (planned.kind === 'refused') return { kind: 'refused', reason: printRefusal(planned) }
    logs.attach(id, definition.log, planned.owner)
    const { stdout, stderr } = logs.openWriters(id)
    const files = [
      { from: stdout, to: 1 },
      { from: stderr, to: 2 },
    ]
    let stageReader: Fd | null = null
    if (planned.usesStageFd) {
      const pipe = createPipe()
      setNonBlocking(pipe.reader, true)
      stageReader = pipe.reader
      files.push({ from: pipe.writer, to: stageFd })
    }
    let { env } = planned
    if (notifyFd !== null) {
      const writer = openNotify(id)
      files.push({ from: writer, to: notifyFd })
      env = [...env, ...readyEnvironment(notifyFd, writer)]
    }
    const needsMark = role === 'main' && readiness.kind === 'log'
    return {
      kind: 'ready',
      program: { ...planned, env },
      files,
      logMark: needsMark ? logs.mark(id) : null,
      stageReader,
      closeChildEnds: () => {
        for (const { from } of files) closeFd(from)
      },
    }
  }

  function openNotify(id: InstanceId): Fd {
    const { reader, writer } = createPipe()
    setNonBlocking(reader, true)
    logs.setNotifyReader(id, reader)
    deps.keep(notifyName(id), [reader])
    return writer
  }

  return { prepare }
}

// What `doctor` looks at: directories, limits, the supervisor, and what the kernel offers it.

import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { printByteSize } from '../base/byte-size.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { controlSocketIn, MAX_SOCKET_PATH_BYTES } from '../protocol/directories.ts'
import type { SupervisorInfo } from '../protocol/response.ts'
import type { Deps } from './deps.ts'

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  readonly name: string
  readonly detail: string
  /** A whole sentence; null when nothing is to be done. */
  readonly remedy: string | null
}

/** Below this a disk is nearly full. */
const LOW_SPACE_BYTES = 100 * 1024 * 1024
/** About three descriptors a service. */
const LOW_DESCRIPTORS = 4_096

export async function inspect(deps: Deps): Promise<readonly Finding[]> {
  const { runtime, state, log } = deps.directories
  return [
    ok('node', process.versions.node),
    inspectSocketPath(deps),
    inspectDirectory('runtime directory', runtime, true),
    inspectDirectory('state directory', state, true),
    inspectDirectory('log directory', log, false),
    inspectDescriptors(),
    ...(await inspectSupervisor(deps)),
  ]
}

function ok(name: string, detail: string): Finding {
  return { level: 'ok', name, detail, remedy: null }
}

function inspectSocketPath(deps: Deps): Finding {
  const path = controlSocketIn(deps.directories)
  const bytes = Buffer.byteLength(path)
  if (bytes <= MAX_SOCKET_PATH_BYTES) return ok('control socket', path)
  return {
    level: 'fail',
    name: 'control socket',
    detail: `'${path}' has ${bytes} bytes, a socket may have ${MAX_SOCKET_PATH_BYTES}`,
    remedy: 'Set a shorter EUDAEMON_HOME.',
  }
}

function inspectDirectory(name: string, path: string, isPrivate: boolean): Finding {
  const existing = nearestExisting(path)
  const fail = (detail: string, remedy: string): Finding => ({
    level: 'fail',
    name,
    detail,
    remedy,
  })
  if (!statSync(existing).isDirectory()) {
    return fail(`'${existing}' is no directory`, 'Move it away, or set EUDAEMON_HOME.')
  }
  try {
    accessSync(existing, constants.W_OK | constants.X_OK)
  } catch {
    return fail(`'${existing}' is not writable`, 'Make it writable, or set EUDAEMON_HOME.')
  }
  const free = freeBytes(existing)
  const shown = existing === path ? path : `${path} (will be made)`
  if (free < LOW_SPACE_BYTES) {
    const detail = `${shown}: only ${printByteSize(free)} are free`
    return { level: 'warn', name, detail, remedy: 'Make room: logs are dropped on a full disk.' }
  }
  if (isPrivate && existing === path && (statSync(path).mode & 0o077) !== 0) {
    const detail = `${shown} is open to other users`
    return { level: 'warn', name, detail, remedy: `Run chmod 700 '${path}'.` }
  }
  return ok(name, `${shown}, ${printByteSize(free)} free`)
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === '/' ? path : nearestExisting(dirname(path))
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

function inspectDescriptors(): Finding {
  const line = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(
    readFileSync('/proc/self/limits', 'utf8'),
  )
  const hard = line?.[2] ?? '0'
  const name = 'open files'
  if (hard === 'unlimited' || Number(hard) >= LOW_DESCRIPTORS) return ok(name, `up to ${hard}`)
  return {
    level: 'warn',
    name,
    detail: `at most ${hard}: enough for about ${Math.floor(Number(hard) / 3)} services`,
    remedy: 'Raise the hard limit of open files (ulimit -Hn).',
  }
}

async function inspectSupervisor(deps: Deps): Promise<readonly Finding[]> {
  try {
    const client = await deps.connect()
    return describeSupervisor(await client.describe())
  } catch (error) {
    if (!(error instanceof ToolkitError)) throw error
    const isMissing = error.code === 'ERR_SUPERVISOR_NOT_RUNNING'
    const remedy = error.hint
    return [{ level: isMissing ? 'ok' : 'fail', name: 'supervisor', detail: error.message, remedy }]
  }
}

function describeSupervisor(info: SupervisorInfo): readonly Finding[] {
  const { pid, guardian, version, mode, holdReason, projects, problems, features } = info
  const findings: Finding[] = [
    ok('supervisor', `eudaemon ${version}, process ${pid}, ${projects.length} projects`),
  ]
  if (guardian === null) {
    findings.push({
      level: 'warn',
      name: 'guardian',
      detail: 'none: nobody starts the supervisor again when it dies',
      remedy: 'Stop it and let `eudaemon up -d` start one, or run it under an init.',
    })
  } else findings.push(ok('guardian', `process ${guardian}`))
  if (mode === 'hold') {
    findings.push({
      level: 'warn',
      name: 'mode',
      detail: `hold: the supervisor watches and changes nothing: ${holdReason}`,
      remedy: 'Look at the problems below; the next start, stop or up ends it.',
    })
  }
  for (const { name, isPresent, detail } of features) {
    const level = isPresent ? 'ok' : 'warn'
    findings.push({ level, name: `kernel: ${name}`, detail, remedy: null })
  }
  for (const problem of problems) {
    findings.push({ level: 'warn', name: 'problem', detail: problem, remedy: null })
  }
  return findings
}

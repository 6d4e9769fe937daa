// From a definition to what is spawned: program, arguments, environment, directory, owner.
// Synchronous and quick, because a thousand services pass here in a second: it asks the file
// system and the user table, remembers the answers for a moment, and spawns nothing. The process
// port does that.

import type { InvocationId } from '../base/brands.ts'
import type { ExitStatus } from '../base/exit-status.ts'
import { DEFAULT_SOFT_OPEN_FILES } from '../base/limits.ts'
import type { Role } from '../core/instance-state.ts'
import { monotonicMs } from '../kernel/clock.ts'
import { type Identity, ownIdentity } from '../kernel/identity.ts'
import {
  type CredentialChange,
  type Credentials,
  resolveCredentials,
} from '../launch/credentials.ts'
import { buildPreamble, needsPreamble } from '../launch/preamble.ts'
import {
  type FoundProgram,
  findProgram,
  findTool,
  whyNoDirectory,
  whyNotLoadable,
} from '../launch/program.ts'
import type { LaunchRefusal } from '../launch/refusal.ts'
import type { Command, ServiceDefinition } from '../model/service-definition.ts'
import type { InstanceName } from '../model/service-name.ts'
import { createLaunchCache } from './launch-cache.ts'
import { createEnvFileReader, type EnvFileParser } from './launch-env-file.ts'
import { composeEnvironment } from './launch-environment.ts'

export { readStageReport } from '../launch/preamble.ts'
export { type LaunchRefusal, printRefusal } from '../launch/refusal.ts'

export interface LaunchRequest {
  readonly definition: ServiceDefinition
  readonly role: Role
  /** The main command, or that of the hook which the role names. */
  readonly command: Command
  readonly name: InstanceName
  readonly invocation: InvocationId
  /** For MAINPID of the stop and reload commands. */
  readonly mainPid: number | null
  /** How the main process ended, for the finish command. */
  readonly exit: ExitStatus | null
  /** Of whoever typed `up`, so that a service sees the PATH its author sees. */
  readonly baseEnvironment: Readonly<Record<string, string>>
  /** The number under which the service inherits its notify descriptor. */
  readonly notifyFd: number | null
  /** The number, 3 to 9, under which a preamble finds the stage descriptor. */
  readonly stageFd: number
}

export interface LaunchPlan {
  readonly kind: 'plan'
  readonly path: string
  readonly argv: readonly string[]
  /** `NAME=value` */
  readonly env: readonly string[]
  readonly directory: string
  /** Who is to own the log pipes; null: we do. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
  /**
   * True: give the process the writing end of a pipe as `stageFd`, read it to its end, and ask
   * readStageReport(). False: the outcome of posix_spawn(3) is all there is.
   */
  readonly usesStageFd: boolean
  /** See SpawnRequest; a limit of the definition is set by the preamble, from there on. */
  readonly softOpenFiles: number
}

export interface LaunchDependencies {
  readonly parseEnvFile: EnvFileParser
  /** The soft limit of open files of services that ask for none; by default that of convention. */
  readonly softOpenFiles?: number
  /** Who we are; by default this process as it is now. */
  readonly identity?: Identity
  readonly findTool?: (name: string) => string | null
  /** The monotonic clock. */
  readonly nowMs?: () => number
}

export type PlanLaunch = (request: LaunchRequest) => LaunchPlan | LaunchRefusal

/** Makes the planner, which owns the caches. It never throws for what a definition says. */
export function createLaunchPlanner(deps: LaunchDependencies): PlanLaunch {
  const self = deps.identity ?? ownIdentity()
  const nowMs = deps.nowMs ?? monotonicMs
  const softOpenFiles = deps.softOpenFiles ?? DEFAULT_SOFT_OPEN_FILES
  const envFiles = createEnvFileReader(deps.parseEnvFile)
  const credentialCache = createLaunchCache<Credentials | LaunchRefusal>(nowMs)
  const programCache = createLaunchCache<FoundProgram | LaunchRefusal>(nowMs)
  const refusalCache = createLaunchCache<LaunchRefusal | null>(nowMs)
  const toolCache = createLaunchCache<string | null>(nowMs)
  const lookForTool = deps.findTool ?? findTool

  // Only good news is remembered: who repairs something and tries again at once is to see it.
  const credentialsOf = (wanted: ServiceDefinition): Credentials | LaunchRefusal => {
    const key = JSON.stringify([wanted.user, wanted.group, wanted.supplementaryGroups])
    return credentialCache.get(key, () => resolveCredentials(wanted, self), isGood)
  }
  const programOf = (name: string, path: string, from: string): FoundProgram | LaunchRefusal =>
    programCache.get(`${name}\0${path}\0${from}`, () => findProgram(name, path, from), isGood)
  const directoryRefusal = (directory: string): LaunchRefusal | null =>
    refusalCache.get(
      `d${directory}`,
      () => whyNoDirectory(directory),
      (found) => found === null,
    )
  const loadRefusal = (path: string): LaunchRefusal | null =>
    refusalCache.get(
      `p${path}`,
      () => whyNotLoadable(path),
      (found) => found === null,
    )
  const toolOf = (name: string): string | null =>
    toolCache.get(
      name,
      () => lookForTool(name),
      (found) => found !== null,
    )

  return (request) => {
    const { definition } = request
    const files = envFiles.read(definition.environmentFiles)
    if ('kind' in files) return files
    const credentials = credentialsOf(definition)
    if (credentials.kind === 'refused') return credentials
    const { change, user } = credentials
    const noDirectory = directoryRefusal(definition.directory)
    if (noDirectory !== null) return noDirectory
    const base = request.baseEnvironment
    const environment = composeEnvironment({ ...request, base, user, files })
    const argv = argvOf(request.command)
    const searchPath = environment.get('PATH') ?? ''
    const program = programOf(argv[0] ?? '', searchPath, definition.directory)
    if (program.kind === 'refused') return program
    const plain = { path: program.path, argv, environment }
    if (!needsPreamble(definition, change))
      return finishPlan(request, { ...plain, softOpenFiles }, change, false)
    const notLoadable = loadRefusal(program.path)
    if (notLoadable !== null) return notLoadable
    const inherited = request.notifyFd === null ? [] : [request.notifyFd]
    const { stageFd } = request
    const preamble = buildPreamble({
      definition,
      change,
      ...plain,
      stageFd,
      inherited,
      findTool: toolOf,
    })
    return preamble.kind === 'refused'
      ? preamble
      : finishPlan(request, { ...preamble, softOpenFiles }, change, true)
  }
}

function finishPlan(
  { definition }: LaunchRequest,
  what: Pick<LaunchPlan, 'path' | 'argv' | 'softOpenFiles'> & {
    readonly environment: ReadonlyMap<string, string>
  },
  change: CredentialChange | null,
  usesStageFd: boolean,
): LaunchPlan {
  return {
    kind: 'plan',
    path: what.path,
    argv: what.argv,
    env: Array.from(what.environment, ([name, value]) => `${name}=${value}`),
    directory: definition.directory,
    owner: change === null ? null : { uid: change.uid, gid: change.gid },
    usesStageFd,
    softOpenFiles: what.softOpenFiles,
  }
}

function argvOf(command: Command): readonly string[] {
  return command.kind === 'argv' ? command.argv : ['/bin/sh', '-c', command.line]
}

function isGood(found: { readonly kind: string }): boolean {
  return found.kind !== 'refused'
}

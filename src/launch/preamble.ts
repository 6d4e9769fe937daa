// The steps between fork and exec that posix_spawn(3) cannot do, as one /bin/sh script in front
// of the command: umask, renice, prlimit, setpriv. Every step is an exec of the same process or a
// short child, so the service keeps the pid of the preamble. A step that fails writes `stage:
// message` to the stage descriptor and exits 111; the descriptor is closed just before the last
// exec, so its end without a word is the success.
//
// Until the user has been changed the preamble may be root while the environment is the
// service's, and an env file may be writable by the service's user. So variables that steer the
// dynamic loader or the shell travel under another name and come back, by env(1), in the last
// exec.

import { assert } from '../base/assert.ts'
import { MAX_STAGE_REPORT_BYTES } from '../base/limits.ts'
import { quoteShellWord } from '../base/shell-word.ts'
import type { CredentialChange } from './credentials.ts'
import { isLaunchStage, type LaunchRefusal, type LaunchStage, refuse } from './refusal.ts'

/** The exit status of a preamble that reported a failed step. */
const STAGE_EXIT_CODE = 111

/** Unlimited is Infinity. */
interface Limit {
  readonly soft: number
  readonly hard: number
}

/** What a process can be told to be before its command runs; a service definition is one. */
export interface ProcessSettings {
  readonly directory: string
  readonly umask: number | null
  /** -20 to 19. */
  readonly nice: number | null
  /** By their names as options of prlimit(1). */
  readonly limits: Readonly<Record<string, Limit>>
  /** What `/` is to become (chroot(2)); absent: as it is. The directory is one inside of it. */
  readonly root?: string | null
}

export interface PreambleRequest {
  readonly definition: ProcessSettings
  readonly change: CredentialChange | null
  /** Resolved; the command itself keeps its own first word. */
  readonly path: string
  readonly argv: readonly string[]
  readonly environment: ReadonlyMap<string, string>
  /** A digit, 3 to 9: shells know no others in redirections. */
  readonly stageFd: number
  /** What gives the number of its own process in its shell; absent: `$$`, which is that of the
   *  first shell, and so wrong in a subshell. */
  readonly ownPid?: string
  /** Descriptors that the service inherits besides 0 to 2. */
  readonly inherited: readonly number[]
  readonly findTool: (name: string) => string | null
}

export interface Preamble {
  readonly kind: 'preamble'
  /** For a shell whose `$0` is the path and whose `$@` is the argv of the command. */
  readonly script: string
  /** How the command lines begin of what runs after the stage descriptor has been closed. */
  readonly lastSteps: readonly string[]
  readonly path: string
  readonly argv: readonly string[]
  readonly environment: ReadonlyMap<string, string>
}

/** True when posix_spawn(3) alone cannot start it. */
export function needsPreamble(
  { umask, nice, limits }: ProcessSettings,
  change: CredentialChange | null,
): boolean {
  return umask !== null || nice !== null || change !== null || Object.keys(limits).length > 0
}

/** The command behind its preamble, or the tool that is missing for it. */
export function buildPreamble(request: PreambleRequest): Preamble | LaunchRefusal {
  const { definition, change } = request
  const carried = disguise(request.environment, definition.directory)
  const root = definition.root ?? null
  const tools = { renice: '', prlimit: '', setpriv: '', env: '', unshare: '' }
  const needed: readonly (readonly [keyof Tools, boolean, LaunchStage])[] = [
    ['renice', definition.nice !== null, 'nice'],
    ['prlimit', limitOptions(definition.limits) !== '', 'limits'],
    ['setpriv', change !== null, 'credentials'],
    ['env', carried.restore.length > 0, 'exec'],
    ['unshare', root !== null, 'chroot'],
  ]
  for (const [tool, isNeeded, stage] of needed) {
    const path = isNeeded ? request.findTool(tool) : ''
    if (path === null) return missingTool(stage, tool)
    tools[tool] = path
  }
  if (tools.env !== '' && request.argv[0]?.includes('=') === true) {
    return refuse('exec', '', 'the name of the program contains "=", which env(1) cannot start')
  }
  const script = writeScript(request, tools, carried.restore)
  return {
    kind: 'preamble',
    script,
    lastSteps: [
      ...(tools.env === '' ? [] : [`${tools.env}\0-u\0EUDAEMON_CARRIED_`]),
      ...(tools.unshare === '' ? [] : [`${tools.unshare}\0--root=`]),
      ...(tools.unshare === '' || tools.setpriv === '' ? [] : [`${tools.setpriv}\0--`]),
      ...(change === null ? [] : ['/bin/sh\0-c\0fail() {']),
    ],
    path: '/bin/sh',
    argv: ['/bin/sh', '-c', script, request.path, ...request.argv],
    environment: carried.environment,
  }
}

type Tools = Readonly<Record<'renice' | 'prlimit' | 'setpriv' | 'env' | 'unshare', string>>

function writeScript(request: PreambleRequest, tools: Tools, restore: readonly Carried[]): string {
  const { definition, change, stageFd, ownPid = '$$' } = request
  const lines = [failFunction(stageFd)]
  if (definition.umask !== null) lines.push(`umask ${definition.umask.toString(8)}`)
  // Before the limits: with a small `nproc` or `as` no further child could be started.
  if (definition.nice !== null) {
    lines.push(`out=$(${tools.renice} ${definition.nice} -p ${ownPid} 2>&1) || fail nice "$out"`)
  }
  lines.push(...builtinLimits(definition.limits))
  if (tools.prlimit !== '') {
    const options = limitOptions(definition.limits)
    lines.push(`out=$(${tools.prlimit} --pid ${ownPid} ${options} 2>&1) || fail limits "$out"`)
  }
  const launch = lastExec(stageFd, tools.env, restore)
  if (tools.unshare !== '') {
    lines.push(`set -- ${enterRoot(definition, change, tools)} "$@"`, launch)
  } else if (change === null) lines.push(launch)
  else lines.push(...switchUser(request, change, tools.setpriv, launch))
  return lines.join('\n')
}

/**
 * The shell's own `ulimit` saves an exec. Its units differ from shell to shell for all but a number
 * of descriptors, and zero. Each order of the two can be refused, so both are tried.
 */
function builtinLimits(limits: ProcessSettings['limits']): readonly string[] {
  return Object.entries(limits).flatMap(([name, limit]) => {
    const letter = builtinLetter(name, limit)
    if (letter === null) return []
    const soft = `ulimit -S -${letter} ${printLimit(limit.soft)}`
    const hard = `ulimit -H -${letter} ${printLimit(limit.hard)}`
    const wish = `${name} ${printLimit(limit.soft)}:${printLimit(limit.hard)}`
    const advice = 'only root may raise a hard limit'
    return [
      `{ { ${soft} && ${hard}; } || { ${hard} && ${soft}; }; } 2>/dev/null || ` +
        `fail limits '${wish} is refused; ${advice}'`,
    ]
  })
}

function builtinLetter(name: string, { soft, hard }: Limit): 'n' | 'c' | null {
  if (name === 'nofile') return 'n'
  return name === 'core' && soft === 0 && hard === 0 ? 'c' : null
}

/**
 * unshare(1), for its --root and --wd: nothing is unshared. It changes the user by itself, because
 * setpriv need not exist inside; the groups come first, while there is the right to set them.
 */
function enterRoot(
  { directory, root }: ProcessSettings,
  change: CredentialChange | null,
  { setpriv, unshare }: Tools,
): string {
  const enter = `${unshare} --root=${quoteShellWord(root ?? '/')} --wd=${quoteShellWord(directory)}`
  if (change === null) return `${enter} --`
  const ids = `--setgid=${change.gid} --setuid=${change.uid}`
  return `${setpriv} ${groupOption(change)} -- ${enter} ${ids} --`
}

function groupOption({ groups }: CredentialChange): string {
  return groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`
}

/**
 * What a preamble wrote to its stage descriptor until its end; null when it reached the last
 * exec.
 */
export function readStageReport(text: string): LaunchRefusal | null {
  const said = text
    .slice(0, MAX_STAGE_REPORT_BYTES)
    .trim()
    .replace(/\s*\n\s*/g, '; ')
  if (said === '') return null
  const match = /^([a-z-]+): (.*)$/.exec(said)
  const [, word, message] = match ?? []
  if (word !== undefined && message !== undefined && isLaunchStage(word)) {
    return refuse(word, '', message)
  }
  // setpriv and the loader speak for themselves: between the two shells their words come here.
  if (said.startsWith('setpriv: ')) return refuse('credentials', '', said)
  return refuse('exec', '', said)
}

function failFunction(fd: number): string {
  return `fail() { printf '%s: %s\\n' "$1" "$2" >&${fd}; exit ${STAGE_EXIT_CODE}; }`
}

function lastExec(fd: number, env: string, restore: readonly Carried[]): string {
  if (restore.length === 0) return `exec ${fd}>&-\nexec "$@"`
  // All -u come first: env takes options only in front of the first assignment.
  const options = restore.map(({ alias }) => `-u ${alias}`)
  const assignments = restore.map(({ name, alias }) => `${quoteShellWord(`${name}=`)}"$${alias}"`)
  return `exec ${fd}>&-\nexec ${[env, ...options, ...assignments].join(' ')} "$@"`
}

/**
 * Standard error goes to the stage descriptor while setpriv, which knows nothing of stages, runs.
 */
function switchUser(
  { stageFd, inherited }: PreambleRequest,
  change: CredentialChange,
  setpriv: string,
  launch: string,
): readonly string[] {
  const spare = [9, 8, 7, 6, 5, 4, 3].find((fd) => fd !== stageFd && !inherited.includes(fd))
  assert(spare !== undefined, 'a service inherits at most five descriptors from 3 to 9')
  const asUser = [
    failFunction(stageFd),
    `exec 2>&${spare} ${spare}>&-`,
    '[ -x . ] || fail chdir "\'$PWD\': permission denied for the user of the service"',
    '[ -x "$0" ] || fail exec "\'$0\': permission denied for the user of the service"',
    launch,
  ].join('\n')
  const options = `--reuid=${change.uid} --regid=${change.gid} ${groupOption(change)}`
  return [
    `exec ${spare}>&2 2>&${stageFd}`,
    `exec ${setpriv} ${options} -- /bin/sh -c ${quoteShellWord(asUser)} "$0" "$@"`,
  ]
}

function limitOptions(limits: ProcessSettings['limits']): string {
  return Object.entries(limits)
    .filter(([name, limit]) => builtinLetter(name, limit) === null)
    .map(([name, { soft, hard }]) => `--${name}=${printLimit(soft)}:${printLimit(hard)}`)
    .join(' ')
}

function printLimit(value: number): string {
  return Number.isFinite(value) ? String(value) : 'unlimited'
}

function missingTool(stage: LaunchStage, tool: string): LaunchRefusal {
  const pack = tool === 'env' ? 'coreutils' : 'util-linux'
  return refuse(stage, '', `the program ${tool} is missing; install the package ${pack}`)
}

interface Carried {
  readonly name: string
  readonly alias: string
}

/** Read by the dynamic loader, the C library or the tools, or owned by one of the usual shells. */
const steering = new RegExp(
  '^(?:LD_.*|GLIBC_.*|MALLOC_.*|GCONV_PATH|GETCONF_DIR|LOCPATH|NLSPATH|LOCALDOMAIN|HOSTALIASES' +
    '|RES_OPTIONS|RESOLV_HOST_CONF|NIS_PATH|POSIXLY_CORRECT|BASH.*|ENV|SHELLOPTS|SHLVL|IFS' +
    '|PS[0-4]|PPID|UID|EUID|OPT(?:IND|ARG|ERR)|LINENO|RANDOM|SECONDS|OLDPWD|FUNCNAME|GROUPS' +
    '|DIRSTACK|HIST.*|CDPATH|EPOCH.*|COMP_.*|PIPESTATUS|EUDAEMON_CARRIED_.*|_|out)$',
)

/**
 * Renames what the shells must not see, and what is no name to a shell, which would drop it. A PWD
 * that is not where the process stands would be corrected.
 */
function disguise(
  environment: ReadonlyMap<string, string>,
  directory: string,
): {
  readonly environment: ReadonlyMap<string, string>
  readonly restore: readonly Carried[]
} {
  const result = new Map<string, string>()
  const restore: Carried[] = []
  for (const [name, value] of environment) {
    const isPlain =
      /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) &&
      !steering.test(name) &&
      (name !== 'PWD' || value === directory)
    const alias = isPlain ? name : `EUDAEMON_CARRIED_${restore.length}`
    if (!isPlain) restore.push({ name, alias })
    result.set(alias, value)
  }
  return { environment: result, restore }
}

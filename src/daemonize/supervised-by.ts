// "Already supervised?" Who started this process: then it must not go into the background by itself
// (PEP 3143, detach_process; daemon(7), new-style daemons). A variable proves nothing alone, since
// every descendant inherits it: it must fit the parent, or name this very process. The decision is
// a function of facts; start-facts.ts collects them.

import type { SocketFacts } from '../kernel/socket-option.ts'

/** `terminal`: a person started it. `nobody`: no sign of anybody, an orphan for example. */
export type Starter =
  | 'eudaemon'
  | 'systemd'
  | 's6'
  | 'runit'
  | 'daemontools'
  | 'openrc'
  | 'supervisord'
  | 'upstart'
  | 'pm2'
  /** A program of Node that has a channel to us: cluster, child_process.fork, nodemon. */
  | 'node'
  | 'inetd'
  | 'container'
  | 'init'
  | 'terminal'
  | 'nobody'

/** Who started this process, as far as it can be known. */
export interface SupervisedBy {
  readonly by: Starter
  /** One phrase that tells how it is known. */
  readonly evidence: string
}

/** Another process, as /proc shows it to everybody. */
export interface RelativeFacts {
  readonly pid: number
  /** At most 15 bytes. */
  readonly name: string
  readonly argv: readonly string[]
}

export interface StartFacts {
  readonly pid: number
  /** Null: outside of our pid namespace. */
  readonly parent: RelativeFacts | null
  readonly grandparent: RelativeFacts | null
  readonly hasTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Null: standard input is no socket. */
  readonly stdin: SocketFacts | null
  /** Node's IPC channel to the parent is open. */
  readonly hasIpc: boolean
}

/** A process that may have started us: our parent, or the one above a shell that only passes on. */
interface Candidate extends RelativeFacts {
  readonly shell: RelativeFacts | null
}

type Rule = (candidate: Candidate, facts: StartFacts) => string | null

const shellNames: ReadonlySet<string> = new Set([
  ...['sh', 'dash', 'bash', 'ash', 'busybox', 'ksh', 'mksh', 'zsh', 'fish', 'execlineb'],
])

/** Programs that are process 1 of a container and do nothing but reap and pass on signals. */
const containerInits: ReadonlySet<string> = new Set([
  ...['tini', 'tini-static', 'dumb-init', 'docker-init', 'catatonit', 'podman-init'],
])

const rules: readonly (readonly [Starter, Rule])[] = [
  ['eudaemon', isEudaemon],
  ['systemd', isSystemd],
  ['s6', named('s6-supervise')],
  ['runit', named('runsv')],
  ['daemontools', named('supervise')],
  // The kernel keeps 15 bytes of a name.
  ['openrc', named('supervise-daemo')],
  ['supervisord', isSupervisord],
  ['upstart', isUpstart],
  ['pm2', isPm2],
  ['node', isNode],
]

/** True when somebody watches over the process, so that it must stay where it is. */
export function isSupervised({ by }: SupervisedBy): boolean {
  return by !== 'terminal' && by !== 'nobody'
}

/** Decides by the strongest evidence: a supervisor above us, then what init or inetd would do. */
export function decideSupervisedBy(facts: StartFacts): SupervisedBy {
  if (facts.pid === 1) return { by: 'container', evidence: 'this is process 1' }
  const candidates = candidatesOf(facts)
  for (const candidate of candidates) {
    for (const [by, rule] of rules) {
      const evidence = rule(candidate, facts)
      if (evidence === null) continue
      const via = candidate.shell === null ? '' : `, through the shell ${candidate.shell.pid}`
      return { by, evidence: evidence + via }
    }
  }
  return (
    decideInetd(facts) ??
    decideFirstProcess(candidates, facts) ??
    (facts.hasTerminal
      ? { by: 'terminal', evidence: 'there is a controlling terminal' }
      : { by: 'nobody', evidence: describeParent(facts) })
  )
}

/** Our parent, and who is above it when it is a shell that only passes us on. */
export function startersOf(facts: StartFacts): readonly RelativeFacts[] {
  return candidatesOf(facts)
}

/** A shell with a terminal may be one that a person types into: what is above it proves nothing. */
function candidatesOf({ parent, grandparent, hasTerminal }: StartFacts): readonly Candidate[] {
  if (parent === null) return []
  const direct: Candidate = { ...parent, shell: null }
  if (grandparent === null || hasTerminal || !isShell(parent)) return [direct]
  return [direct, { ...grandparent, shell: parent }]
}

function isShell({ name, argv }: RelativeFacts): boolean {
  // A script is known by its own name: `run`, with the shell as its first word.
  return shellNames.has(name) || shellNames.has(baseName(argv[0] ?? ''))
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/^-/, '')
}

function named(wanted: string): Rule {
  return ({ pid, name }) => (name === wanted ? `the parent is ${name} (${pid})` : null)
}

function isEudaemon(candidate: Candidate, facts: StartFacts): string | null {
  const { pid, argv, shell } = candidate
  const { environment } = facts
  const expected = shell?.pid ?? facts.pid
  if (environment['EUDAEMON_EXEC_PID'] === String(expected)) return 'eudaemon run has started it'
  if (environment['EUDAEMON_READY_PID'] === String(pid)) return `eudaemon run (${pid}) waits`
  const invocation = environment['EUDAEMON_INVOCATION_ID']
  if (invocation === undefined) return null
  if (argv[0] === 'eudaemon-guardian') return `the parent is the guardian of eudaemon (${pid})`
  const isCommand = argv.some((word) => /^eudaemon(?:\.js)?$/.test(baseName(word)))
  if (!isCommand || !argv.includes('supervise')) return null
  return `the parent is the supervisor of eudaemon (${pid})`
}

/** Since version 248 systemd names the process that it starts; older ones are known as parents. */
function isSystemd(candidate: Candidate, facts: StartFacts): string | null {
  const { environment, pid, hasTerminal } = facts
  const started = environment['SYSTEMD_EXEC_PID']
  const expected = candidate.shell?.pid ?? pid
  if (started !== undefined) {
    return started === String(expected) ? `SYSTEMD_EXEC_PID is ${expected}` : null
  }
  if (candidate.name !== 'systemd' || hasTerminal) return null
  for (const name of ['NOTIFY_SOCKET', 'INVOCATION_ID']) {
    if (environment[name] === undefined) continue
    return `the parent is systemd (${candidate.pid}), and there is ${name}`
  }
  return null
}

function isSupervisord({ pid, name, argv }: Candidate, facts: StartFacts): string | null {
  if (facts.environment['SUPERVISOR_ENABLED'] === undefined) return null
  const isParent = name === 'supervisord' || argv.some((word) => baseName(word) === 'supervisord')
  return isParent ? `the parent is supervisord (${pid}), and there is SUPERVISOR_ENABLED` : null
}

function isUpstart({ pid, name }: Candidate, { environment }: StartFacts): string | null {
  const job = environment['UPSTART_JOB']
  if (job === undefined || (pid !== 1 && name !== 'init')) return null
  return `the parent is init (${pid}), and there is UPSTART_JOB`
}

/** PM2 writes `PM2 v5: God Daemon` over its words; with --no-daemon the command itself forks. */
function isPm2({ pid, name, argv }: Candidate, facts: StartFacts): string | null {
  if (facts.environment['pm_id'] === undefined || !facts.hasIpc) return null
  const isParent = name.startsWith('PM2 v') || argv.some((word) => /^pm2\b/i.test(baseName(word)))
  return isParent ? `the parent is PM2 (${pid}), and there is pm_id` : null
}

/** The parent made the channel, because it looks after us. */
function isNode({ pid, shell }: Candidate, { hasIpc }: StartFacts): string | null {
  return hasIpc && shell === null ? `the parent (${pid}) has an IPC channel to us` : null
}

/**
 * A socket as standard input that came from a network or from a name. The unnamed pairs that Node,
 * sshd and others use in place of pipes are none.
 */
function decideInetd({ stdin }: StartFacts): SupervisedBy | null {
  if (stdin === null) return null
  const { family, type, isListening, hasPeer, isNamed } = stdin
  const isServed = isListening || hasPeer || type === 'datagram'
  if (!isServed || (family === 'unix' && !isNamed)) return null
  const kind = isListening ? 'listening' : hasPeer ? 'connected' : 'datagram'
  return { by: 'inetd', evidence: `standard input is a ${kind} ${family} socket` }
}

function decideFirstProcess(
  candidates: readonly Candidate[],
  { hasTerminal }: StartFacts,
): SupervisedBy | null {
  const first = candidates.find(({ pid }) => pid === 1)
  if (first === undefined) return null
  const { name } = first
  if (containerInits.has(name)) return { by: 'container', evidence: `process 1 is ${name}` }
  if (hasTerminal) return null
  if (isShell(first)) return { by: 'container', evidence: `process 1 is the shell ${name}` }
  // What systemd starts carries its variables: this one has been orphaned.
  if (name === 'systemd') return null
  return { by: 'init', evidence: `the parent is process 1 (${name}), there is no terminal` }
}

function describeParent({ parent }: StartFacts): string {
  const who = parent === null ? 'not visible from here' : `${parent.name} (${parent.pid})`
  return `the parent is ${who}, there is no terminal`
}

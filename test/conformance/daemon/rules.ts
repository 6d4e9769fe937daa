// The rules that a daemon is judged by, one row for each step that the three classical lists name:
// W. R. Stevens and S. A. Rago, Advanced Programming in the UNIX Environment, section 13.3; PEP
// 3143; daemon(7), "SysV Daemons", by its numbers. Each rule reads what was measured and says
// `right`, or in a few words what is wrong. Nothing that differs from run to run may be part of
// those words.

import { unwanted } from './hostile-environment.ts'
import type { Measurement } from './measure.ts'
import type { ProbeReport } from './probe-report.ts'

/** A scenario for which a subject has no option, or the tests have no right. */
export type Missing = 'not-offered' | 'not-measured'

/** One subject in every scenario. */
export interface Measured {
  /** Started with a umask that denies much. */
  readonly strict: Measurement
  /** Started with a umask that denies nothing. */
  readonly lax: Measurement
  /** Told to become another user. */
  readonly asUser: Measurement | Missing
  /** Told to wait for a daemon that needs a while. */
  readonly waiting: Measurement | Missing
}

export type Verdict =
  | { readonly kind: 'right'; readonly note: string }
  | { readonly kind: 'wrong'; readonly fact: string }
  /** The subject has no option for it. */
  | { readonly kind: 'not-offered' }
  /** Cannot be found out with the rights or on the machine of this run. */
  | { readonly kind: 'unknown' }

export interface Rule {
  readonly rule: string
  /** Chapter and verse. */
  readonly source: string
  readonly judge: (measured: Measured) => Verdict
}

const right: Verdict = { kind: 'right', note: '' }

const judge = (isRight: boolean, fact: string): Verdict =>
  isRight ? right : { kind: 'wrong', fact }

/** A rule that both plain scenarios must keep. */
const always =
  (decide: (measurement: Measurement) => Verdict) =>
  ({ strict, lax }: Measured): Verdict => {
    const first = decide(strict)
    return first.kind === 'right' ? decide(lax) : first
  }

const ofReport = (decide: (report: ProbeReport) => Verdict): Rule['judge'] =>
  always(({ report }) => decide(report))

/** A rule of a scenario that may be missing. */
const when =
  (scenario: 'asUser' | 'waiting', decide: (measurement: Measurement) => Verdict): Rule['judge'] =>
  (measured) => {
    const measurement = measured[scenario]
    if (measurement === 'not-measured') return { kind: 'unknown' }
    return measurement === 'not-offered' ? { kind: measurement } : decide(measurement)
  }

const SIGPIPE = 13
const SIGXFSZ = 25

/** Every Node program ignores these two; its children do not. */
function isOwnOfRuntime(report: ProbeReport, signal: number): boolean {
  return report.program === 'node' && (signal === SIGPIPE || signal === SIGXFSZ)
}

function judgeDescriptors({ report, began, folder }: Measurement): Verdict {
  const rest = report.descriptors.filter(({ fd }) => fd > 2)
  if (rest.some(({ inode }) => began.inherited.includes(inode))) {
    return judge(false, 'inherited ones kept')
  }
  const lockFiles = ['probe.pid', 'probe.pid.lock'].map((name) => `${folder}/${name}`)
  const others = rest.filter(
    ({ target, closeOnExec }) => !lockFiles.includes(target) && !closeOnExec,
  )
  return judge(others.length === 0, `${others.length} more`)
}

function judgeStandardStreams(report: ProbeReport): Verdict {
  const targets = [0, 1, 2].map(
    (wanted) => report.descriptors.find(({ fd }) => fd === wanted)?.target ?? 'closed',
  )
  if (targets.every((target) => target === '/dev/null')) return right
  const words = targets.map((target) => target.replace(/^(?:\/dev\/pts\/\d+)$/, 'the terminal'))
  return judge(false, [...new Set(words.map((word) => word.replace(/:.*/, 's')))].join(', '))
}

function judgeCore({ report, began }: Measurement): Verdict {
  if (!began.canDumpCore) return { kind: 'unknown' }
  const [soft, hard] = report.limits['core'] ?? [null, null]
  return judge(soft === 0 && hard === 0, soft === 0 ? 'soft limit only' : 'as inherited')
}

const environment = (kind: keyof typeof unwanted): Rule['judge'] =>
  ofReport(({ environment: entries }) => {
    const all = Object.entries(unwanted[kind]).map(([name, value]) => `${name}=${value}`)
    const kept = all.filter((entry) => entries.includes(entry))
    return judge(kept.length === 0, `${kept.length} of ${all.length} kept`)
  })

function judgePidFile({ report, pidFile }: Measurement): Verdict {
  if (pidFile === null) return { kind: 'not-offered' }
  const pid = Number(/^\d+/.exec(pidFile)?.[0])
  return judge(pid === report.pid, pid === report.parent ? "its keeper's pid" : 'another pid')
}

function judgeIds({ report }: Measurement): Verdict {
  const { uids, gids } = report
  const isChanged = (ids: readonly number[]): boolean => ids.every((id) => id === 65534)
  return judge(isChanged(uids) && isChanged(gids), isChanged(uids) ? 'group kept' : 'user kept')
}

function judgeUmask({ strict, lax }: Measured): Verdict {
  const mask = strict.report.umask
  if (mask !== lax.report.umask) return judge(false, 'as inherited')
  return { kind: 'right', note: mask.toString(8).padStart(3, '0') }
}

const processRules: readonly Rule[] = [
  {
    rule: 'the command returns, with exit status 0',
    source: 'Stevens 2, PEP 3143, daemon(7) 5 and 15',
    judge: always(({ status }) => judge(status === 0, `exit status ${status}`)),
  },
  {
    rule: 'it returns when the daemon is ready, not before',
    source: 'daemon(7) 14 and 15',
    judge: when('waiting', ({ wasReadyFirst, status }) =>
      judge(wasReadyFirst, status === 0 ? 'returns at once' : `exit status ${status} at once`),
    ),
  },
  {
    rule: 'the parent is init',
    source: 'Stevens 2, daemon(7) 8',
    judge: always(({ report, began }) =>
      judge(report.parent === began.reaper, 'a keeper in its session'),
    ),
  },
  {
    rule: 'a session of its own',
    source: 'Stevens 3, PEP 3143, daemon(7) 6',
    judge: always(({ report, began }) => judge(report.session !== began.shell, "the terminal's")),
  },
  {
    rule: 'does not lead its session',
    source: 'Stevens 3, daemon(7) 7',
    judge: ofReport(({ pid, session }) => judge(pid !== session, 'leads it')),
  },
  {
    rule: 'does not lead its process group',
    source: 'what daemon(7) 7 leads to',
    judge: ofReport(({ pid, group }) => judge(pid !== group, 'leads it')),
  },
  {
    rule: 'the leader of its session is gone',
    source: 'daemon(7) 8',
    judge: always(({ isSessionLeaderGone }) => judge(isSessionLeaderGone, 'lives')),
  },
]

const terminalRules: readonly Rule[] = [
  {
    rule: 'no controlling terminal',
    source: 'Stevens 3, PEP 3143, daemon(7) 6',
    judge: ofReport(({ terminal, devTty }) =>
      judge(terminal === 0 && devTty === 'ENXIO', 'has one'),
    ),
  },
  {
    rule: 'gets none by opening a terminal',
    source: 'Stevens 3, PEP 3143, daemon(7) 7',
    judge: ofReport(({ terminal, opening, terminalAfterOpening: after }) => {
      if (opening !== 'opened') return { kind: 'unknown' }
      return judge(after === 0, terminal === 0 ? 'gets it' : 'has one')
    }),
  },
  {
    rule: 'the terminal is closed: no SIGHUP, no end',
    source: 'daemon(7) 6',
    judge: always(({ isAliveAfterClose, hangups }) =>
      judge(isAliveAfterClose && hangups === 0, 'SIGHUP'),
    ),
  },
  {
    rule: 'descriptors 0, 1, 2 are /dev/null',
    source: 'Stevens 6, PEP 3143, daemon(7) 9',
    judge: ofReport(judgeStandardStreams),
  },
  {
    rule: 'no other descriptor, but for a lock',
    source: 'Stevens 5, PEP 3143, daemon(7) 1',
    judge: always(judgeDescriptors),
  },
]

const inheritedRules: readonly Rule[] = [
  {
    rule: 'no signal is blocked',
    source: 'daemon(7) 3',
    judge: ofReport(({ blocked, pending }) =>
      judge(blocked.length + pending.length === 0, `${blocked.length} blocked`),
    ),
  },
  {
    rule: 'no signal is ignored',
    source: 'daemon(7) 2',
    judge: ofReport((report) => {
      const ignored = report.ignored.filter((signal) => !isOwnOfRuntime(report, signal))
      return judge(ignored.length === 0, `${ignored.length} ignored`)
    }),
  },
  {
    rule: 'SIGTERM ends it',
    source: 'PEP 3143',
    judge: always(({ term }) => judge(term === 'ended', term)),
  },
  {
    rule: "umask is not the caller's",
    source: 'Stevens 1, PEP 3143, daemon(7) 10',
    judge: judgeUmask,
  },
  {
    rule: 'the working directory is /',
    source: 'Stevens 4, PEP 3143, daemon(7) 11',
    judge: ofReport(({ directory, isDirectoryDeleted }) =>
      judge(directory === '/', isDirectoryDeleted ? 'a deleted one' : 'as inherited'),
    ),
  },
  {
    rule: 'the root directory is /',
    source: 'PEP 3143',
    judge: ofReport(({ root }) => judge(root === '/', root)),
  },
  { rule: 'core dumps are off', source: 'PEP 3143', judge: always(judgeCore) },
  {
    rule: 'no variables of terminal and login',
    source: 'daemon(7) 4',
    judge: environment('terminal'),
  },
  { rule: 'no variables of the shell', source: 'daemon(7) 4', judge: environment('shell') },
  { rule: 'no variables of the loader', source: 'daemon(7) 4', judge: environment('loader') },
  {
    rule: 'no variables of other supervisors',
    source: 'daemon(7) 4',
    judge: environment('supervision'),
  },
]

const ownershipRules: readonly Rule[] = [
  {
    rule: 'the PID file names it',
    source: 'PEP 3143, daemon(7) 12',
    judge: always(judgePidFile),
  },
  {
    rule: 'a lock lasts as long as it lives',
    source: 'daemon(7) 12',
    judge: always(({ pidFile, isPidFileLocked }) =>
      pidFile === null ? { kind: 'not-offered' } : judge(isPidFileLocked, 'no lock'),
    ),
  },
  {
    rule: 'another user: real, effective and saved ids',
    source: 'PEP 3143, daemon(7) 13',
    judge: when('asUser', judgeIds),
  },
  {
    rule: "another user: that user's groups only",
    source: 'PEP 3143, daemon(7) 13',
    judge: when('asUser', ({ report: { groups } }) =>
      judge(
        groups.every((group) => group === 65534),
        'groups kept',
      ),
    ),
  },
]

/** In the order of the rows. */
export const rules: readonly Rule[] = [
  ...processRules,
  ...terminalRules,
  ...inheritedRules,
  ...ownershipRules,
]

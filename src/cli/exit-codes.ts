// The exit statuses of the command: a contract, the same for every subcommand. 3 and 4 as in the
// Linux Standard Base and systemctl, 100 and 111 as in the daemontools family.

export const exitCodes = {
  done: 0,
  failed: 1,
  timedOut: 2,
  notRunning: 3,
  noSuchService: 4,
  invalidDefinition: 5,
  wrongUsage: 100,
  unreachable: 111,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What help and the reference pages say. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'asked, but failed',
  2: 'timed out',
  3: 'not running',
  4: 'no such service',
  5: 'invalid definition, or none found',
  100: 'wrong usage',
  111: 'a system call failed, or the supervisor cannot be reached',
}

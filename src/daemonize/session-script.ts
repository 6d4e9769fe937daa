// The shell script between the invoker and the daemon: the second fork of the classical daemon.
// The shell is a session leader; it forks a child that is none, which says its number, waits at a
// gate until its parent has written down who it is, and becomes the command.
//
// The child is the left side of a pipeline, because a shell ignores SIGINT and SIGQUIT in what it
// starts with `&`, for good (POSIX, XCU 2.11). The shell itself is killed as soon as it has forked.

export interface SessionScript {
  /** See launch/preamble.ts; it closes `reportFd` just before the last exec. */
  readonly preamble: string
  /** Digits, 3 to 9, all different. `reportFd` and `gateFd` are open; `savedFd` is free. */
  readonly reportFd: number
  readonly gateFd: number
  readonly savedFd: number
  /** By name without SIG; ignored by the command from its start. */
  readonly ignoredSignals: readonly string[]
  /** False for a command that goes into the background by itself. */
  readonly isMain: boolean
}

const pidVariable = 'EUDAEMON_CARRIED_pid'

/** In the preamble: `$$` is the killed leader of the session. */
export const OWN_PID = `$${pidVariable}`

/** For `sh -c`; `$0` is the path of the command, `$@` its argv. */
export function writeSessionScript(script: SessionScript): string {
  const { preamble, reportFd, gateFd, savedFd, ignoredSignals, isMain } = script
  const ignore = ignoredSignals.map((name) => `trap '' ${name}`)
  return [
    `exec ${savedFd}>&1`,
    '{',
    `exec >&${savedFd} ${savedFd}>&-`,
    // These names are never the environment's: see disguise() in launch/preamble.ts.
    `read -r ${pidVariable} EUDAEMON_CARRIED_rest </proc/self/stat`,
    `printf '%s\\n' "${OWN_PID}" >&${reportFd}`,
    // The end of the gate without a word: whoever waits for the daemon is gone.
    `read -r EUDAEMON_CARRIED_go <&${gateFd} || exit 1`,
    `exec ${gateFd}<&-`,
    // By this a program knows that it was started by us, and not somebody above it.
    ...(isMain ? ['export EUDAEMON_EXEC_PID="$EUDAEMON_CARRIED_pid"'] : []),
    'unset EUDAEMON_CARRIED_rest EUDAEMON_CARRIED_go',
    ...ignore,
    preamble,
    `} | :`,
  ].join('\n')
}

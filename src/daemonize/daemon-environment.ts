// What a daemon does not inherit from the shell that starts it (daemon(7), step 4): what belongs to
// the terminal, the login session, the shell itself, the dynamic loader of the operator, and the
// supervision protocols of somebody else. All else stays: it is how people configure programs.

import type { User } from '../kernel/credentials.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const names: ReadonlySet<string> = new Set([
  // The terminal and what is drawn on it.
  ...['TERM', 'TERMINFO', 'TERMCAP', 'COLORTERM', 'COLUMNS', 'LINES', 'COLORFGBG', 'WINDOWID'],
  ...['TERM_PROGRAM', 'TERM_PROGRAM_VERSION', 'TERM_SESSION_ID', 'VTE_VERSION', 'STY', 'TMUX'],
  ...['TMUX_PANE', 'WINDOW', 'ITERM_SESSION_ID', 'GPG_TTY', 'LS_COLORS', 'TTY', 'SHELL_SESSION_ID'],
  ...['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'DESKTOP_SESSION'],
  // The login session.
  ...['SSH_CLIENT', 'SSH_CONNECTION', 'SSH_TTY', 'SSH_AUTH_SOCK', 'SSH_AGENT_PID', 'SSH_ASKPASS'],
  ...[
    'SSH_ORIGINAL_COMMAND',
    'XDG_SESSION_ID',
    'XDG_SESSION_TYPE',
    'XDG_SESSION_CLASS',
    'XDG_SEAT',
  ],
  ...[
    'XDG_VTNR',
    'XDG_CURRENT_DESKTOP',
    'XDG_SESSION_DESKTOP',
    'XDG_SESSION_PATH',
    'XDG_SEAT_PATH',
  ],
  ...['DBUS_SESSION_BUS_ADDRESS', 'DBUS_STARTER_ADDRESS', 'DBUS_STARTER_BUS_TYPE', 'MAIL'],
  ...['SUDO_USER', 'SUDO_UID', 'SUDO_GID', 'SUDO_COMMAND', 'SUDO_ASKPASS', 'SUDO_PROMPT'],
  ...['PKEXEC_UID', 'KRB5CCNAME', 'HUSHLOGIN', 'REMOTEHOST', 'MOTD_SHOWN'],
  // The shell.
  ...['PWD', 'OLDPWD', 'SHLVL', '_', 'ENV', 'BASH_ENV', 'BASHOPTS', 'SHELLOPTS', 'CDPATH', 'IFS'],
  ...['PS0', 'PS1', 'PS2', 'PS3', 'PS4', 'PROMPT', 'PROMPT_COMMAND', 'RPROMPT', 'HISTFILE'],
  ...[
    'HISTSIZE',
    'HISTFILESIZE',
    'HISTCONTROL',
    'HISTIGNORE',
    'HISTTIMEFORMAT',
    'ZDOTDIR',
    'FPATH',
  ],
  ...['EDITOR', 'VISUAL', 'PAGER', 'LESSOPEN', 'LESSCLOSE', 'LESS', 'BROWSER', 'OPTIND', 'OPTARG'],
  // The C library.
  ...['GCONV_PATH', 'GETCONF_DIR', 'GLIBC_TUNABLES', 'RES_OPTIONS', 'HOSTALIASES', 'LOCALDOMAIN'],
  // Supervision: of somebody else, for somebody else.
  ...['NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC', 'INVOCATION_ID', 'JOURNAL_STREAM'],
  ...['MAINPID', 'MANAGERPID', 'SYSTEMD_EXEC_PID', 'SYSTEMD_NSS_DYNAMIC_BYPASS', 'FDSTORE'],
  ...['REMOTE_ADDR', 'REMOTE_PORT', 'UPSTART_JOB', 'UPSTART_INSTANCE', 'UPSTART_EVENTS'],
  ...['UPSTART_FDS', 'UPSTART_SESSION', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'],
  ...['NODE_UNIQUE_ID', 'SUPERVISOR_ENABLED', 'SUPERVISOR_PROCESS_NAME', 'SUPERVISOR_GROUP_NAME'],
  ...[
    'SUPERVISOR_SERVER_URL',
    'pm_id',
    'PM2_HOME',
    'PM2_USAGE',
    'LAUNCHD_SOCKET',
    'MONITOR_BASE_DIR',
  ],
  // Our own cache of compiled code, and npm's view of who runs it.
  ...[
    'NODE_COMPILE_CACHE',
    'NODE_COMPILE_CACHE_PORTABLE',
    'NODE_DISABLE_COMPILE_CACHE',
    'INIT_CWD',
  ],
])

/** Locale stays: it is configuration. */
const prefixes = [
  'LD_',
  'MALLOC_',
  'LISTEN_',
  'BASH_FUNC_',
  'npm_',
  'EUDAEMON_',
  'VSCODE_',
  'SYSTEMD_',
]

export type EnvironmentMode =
  /** Without what is listed here. */
  | 'sanitised'
  /** Nothing but PATH. */
  | 'clean'
  /** All of it. */
  | 'all'

/** PATH is never missing. */
export function daemonEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  mode: EnvironmentMode,
): Map<string, string> {
  const result = new Map<string, string>([['PATH', own['PATH'] ?? DEFAULT_PATH]])
  if (mode === 'clean') return result
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && (mode === 'all' || isKept(name))) result.set(name, value)
  }
  return result
}

/** True for a variable that says nothing of who started the daemon, and from where. */
export function isKept(name: string): boolean {
  return !names.has(name) && !prefixes.some((prefix) => name.startsWith(prefix))
}

/** What tells a program as whom it runs (environ(7)). */
export function variablesOfUser(user: User): readonly (readonly [name: string, value: string])[] {
  return [
    ['HOME', user.home],
    ['USER', user.name],
    ['LOGNAME', user.name],
    ['SHELL', user.shell === '' ? '/bin/sh' : user.shell],
  ]
}

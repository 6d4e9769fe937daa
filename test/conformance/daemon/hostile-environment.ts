// The environment of the hostile start: what terminals, logins, shells, the dynamic loader and
// other supervisors leave in it, by kind, with some three hundred variables that mean nothing. The
// values are harmless to the commands that run under them.

/** Of the terminal that will be gone. */
const terminal = {
  TERM: 'xterm-256color',
  COLORTERM: 'truecolor',
  COLUMNS: '132',
  LINES: '43',
  TERMCAP: 'xx|nothing:co#80:',
  TMUX: '/tmp/tmux-0/default,4242,0',
  TMUX_PANE: '%7',
  STY: '4242.pts-9.host',
  WINDOWID: '29360131',
}

/** Of the login that will end. */
const login = {
  SSH_CLIENT: '192.0.2.1 50022 22',
  SSH_CONNECTION: '192.0.2.1 50022 192.0.2.2 22',
  SSH_TTY: '/dev/pts/99',
  SSH_AUTH_SOCK: '/nonexistent/agent.4242',
  DISPLAY: ':99',
  XDG_SESSION_ID: 'c42',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus',
}

/** Of the shell: some are run, some change how its scripts are read. */
const shell = {
  BASH_ENV: '/nonexistent/bash-env',
  ENV: '/nonexistent/env',
  IFS: 'x',
  PS1: '\\u@\\h $ ',
  PS4: '+ ',
  OLDPWD: '/nonexistent/before',
  SHLVL: '7',
  CDPATH: '/nonexistent',
  PROMPT_COMMAND: 'true',
  'BASH_FUNC_cd%%': '() { :; }',
  _: '/nonexistent/command',
}

const loader = {
  LD_LIBRARY_PATH: '/nonexistent/lib',
  LD_BIND_NOW: '1',
}

/** Of a supervisor above the shell: none of it is meant for the daemon. */
const supervision = {
  NOTIFY_SOCKET: '/nonexistent/notify',
  LISTEN_FDS: '2',
  LISTEN_PID: '4242',
  LISTEN_FDNAMES: 'web:admin',
  WATCHDOG_USEC: '1000000',
  WATCHDOG_PID: '4242',
  MAINPID: '4242',
  INVOCATION_ID: '0123456789abcdef0123456789abcdef',
  JOURNAL_STREAM: '8:4242',
  MANAGERPID: '4242',
  SYSTEMD_EXEC_PID: '4242',
  UPSTART_JOB: 'gettys',
  EUDAEMON_READY: 'fd=3',
  EUDAEMON_INVOCATION_ID: '0123456789abcdef0123456789abcdef',
}

/** What is an operator's own business, and which the daemon may well need. */
const ordinary = {
  LANG: 'C.UTF-8',
  APP_CONFIG: '/etc/app.conf',
  AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  NODE_OPTIONS: '--no-warnings',
  EMPTY: '',
}

type Variables = Readonly<Record<string, string>>

/** What must not reach a daemon, by kind. */
export const unwanted: Readonly<
  Record<'terminal' | 'shell' | 'loader' | 'supervision', Variables>
> = { terminal: { ...terminal, ...login }, shell, loader, supervision }

/** What a daemon should still see; PATH and HOME are those of the test. */
export function wantedEnvironment(home: string): Variables {
  const junk = Array.from({ length: 300 }, (_, at) => [`JUNK_${at}`, 'x'.repeat(at)])
  return { ...Object.fromEntries(junk), PATH: process.env['PATH'] ?? '', HOME: home, ...ordinary }
}

/** All of it. */
export function hostileEnvironment(home: string): Variables {
  const cache = process.env['NODE_COMPILE_CACHE']
  return {
    ...{ ...wantedEnvironment(home), ...terminal, ...login, ...shell, ...loader, ...supervision },
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
  }
}

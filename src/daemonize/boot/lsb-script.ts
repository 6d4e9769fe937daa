// A System V init script with an LSB header. Every action is one of `eudaemon run`; the script adds
// what the Linux Standard Base asks of an init script (LSB 5.0, core, 22.2 "Init Script Actions"):
// its actions, and its exit statuses, which are not those of our own command.

import { quoteShellWord } from '../../base/shell-word.ts'
import {
  type BootCommand,
  type BootText,
  checkBootCommand,
  needsNetwork,
  oneLine,
} from './boot-command.ts'
import { hashComment, noteComment } from './comment.ts'
import { quotedWordsDirective, runFunctions, stopWords } from './shell-parts.ts'
import { shortSignal } from './start-options.ts'

/** The script for /etc/init.d/NAME. Throws ERR_BOOT_TEXT. */
export function printLsbScript(command: BootCommand): BootText {
  checkBootCommand(command)
  const notes = lsbNotes(command)
  const settings = `/etc/default/${command.name}`
  const lines = [
    '#!/bin/sh',
    ...header(command),
    '',
    ...hashComment('Made by `eudaemon run --print-lsb-script`; install it as'),
    ...hashComment(`/etc/init.d/${command.name}, with mode 0755.`),
    ...noteComment('an init script', notes),
    '',
    quotedWordsDirective,
    '',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'export PATH',
    '',
    `NAME='${command.name}'`,
    `DESC=${quoteShellWord(oneLine(command))}`,
    `DAEMON=${quoteShellWord(command.argv[0] ?? '')}`,
    `PIDFILE=${quoteShellWord(command.pidFile)}`,
    '',
    ...hashComment(
      `${settings} may change these, and may set RUN_OPTIONS (further options of ` +
        '`eudaemon run`) and DAEMON_ARGS (further arguments of the command): words with spaces ' +
        'between them.',
    ),
    `if [ -r ${settings} ]; then`,
    '    # shellcheck source=/dev/null',
    `    . ${settings}`,
    'fi',
    '',
    logFunctions,
    '',
    ...runFunctions(command, { daemon: 'DAEMON', pidFile: 'PIDFILE', indent: '    ', settings }),
    '',
    installedFunction(command),
    '',
    stateFunctions,
    '',
    startFunction,
    '',
    stopFunction(command),
    '',
    reloadFunction(command),
    '',
    actions(command),
    '',
  ]
  return { text: lines.join('\n'), notes }
}

function lsbNotes(command: BootCommand): readonly string[] {
  if (command.keepEnvironment !== 'all') return []
  return ['The environment that is kept is the one of the boot, or of who calls the script.']
}

function header(command: BootCommand): readonly string[] {
  const facilities = `$remote_fs $syslog${needsNetwork(command) ? ' $network' : ''}`
  return [
    '### BEGIN INIT INFO',
    `# Provides:          ${command.name}`,
    `# Required-Start:    ${facilities}`,
    `# Required-Stop:     ${facilities}`,
    '# Default-Start:     2 3 4 5',
    '# Default-Stop:      0 1 6',
    `# Short-Description: ${oneLine(command)}`,
    `# Description:       ${oneLine(command)}`,
    '### END INIT INFO',
  ]
}

const logFunctions = `\
# Some systems have these functions, and some systems have others under that path.
if [ -r /lib/lsb/init-functions ]; then
    # shellcheck source=/dev/null
    . /lib/lsb/init-functions
fi
if ! command -v log_daemon_msg >/dev/null 2>&1; then
    log_daemon_msg() {
        printf '%s: %s' "$1" "$2"
    }
fi
if ! command -v log_end_msg >/dev/null 2>&1; then
    log_end_msg() {
        if [ "$1" -eq 0 ]; then echo '.'; else echo ' failed!'; fi
    }
fi`

function installedFunction({ eudaemon, root }: BootCommand): string {
  const [program = '', ...words] = eudaemon
  const tests = [
    `[ -x ${quoteShellWord(program)} ]`,
    ...words.filter((word) => word.startsWith('/')).map((word) => `[ -r ${quoteShellWord(word)} ]`),
  ]
  const inside = root === null ? '' : quoteShellWord(root.replace(/\/+$/, ''))
  return `\
has_eudaemon() {
    ${tests.join(' && ')}
}

# Ends the script with the status for "not installed".
need_programs() {
    if ! has_eudaemon; then
        echo "$NAME: eudaemon is not installed" >&2
        exit 5
    fi
    if [ "$1" = daemon ] && [ ! -x ${inside}"$DAEMON" ]; then
        echo "$NAME: $DAEMON is not installed" >&2
        exit 5
    fi
}`
}

const stateFunctions = `\
# Ends the script with the status for "insufficient privileges".
need_rights() {
    if [ "$(id -u)" -ne 0 ] && [ ! -w "\${PIDFILE%/*}/" ]; then
        echo "$NAME: only root can do that" >&2
        exit 4
    fi
}

# Running; not running; or else, when nobody can tell, the end of the script.
is_running() {
    act --status >/dev/null 2>&1
    case $? in
        0) return 0 ;;
        1 | 2 | 3) return 1 ;;
    esac
    echo "$NAME: its state cannot be told; see: $0 status" >&2
    exit 1
}`

const startFunction = `\
# To start what runs is a success.
do_start() {
    if is_running; then
        log_daemon_msg "$DESC is already running" "$NAME"
        log_end_msg 0
        return 0
    fi
    log_daemon_msg "Starting $DESC" "$NAME"
    launch
    end_action $?
}

# The statuses of a command and of a daemon that died are not those of an init script.
end_action() {
    if [ "$1" -eq 0 ]; then
        log_end_msg 0
        return 0
    fi
    log_end_msg 1
    return 1
}`

function stopFunction(command: BootCommand): string {
  return `\
# To stop what does not run is a success.
do_stop() {
    log_daemon_msg "Stopping $DESC" "$NAME"
    act ${stopWords(command)}
    status=$?
    if [ "$status" -eq 3 ]; then status=0; fi
    end_action "$status"
}`
}

function reloadFunction({ reloadSignal }: BootCommand): string {
  if (reloadSignal === null) {
    return `\
do_reload() {
    echo "$NAME: it cannot reload its configuration; use force-reload" >&2
    return 3
}`
  }
  return `\
do_reload() {
    if ! is_running; then
        echo "$NAME: it is not running" >&2
        return 7
    fi
    log_daemon_msg "Reloading $DESC" "$NAME"
    act --reload-signal=${quoteShellWord(shortSignal(reloadSignal))} --reload
    end_action $?
}`
}

function actions({ reloadSignal }: BootCommand): string {
  const forced = reloadSignal === null ? 'if is_running; then do_stop && do_start; fi' : 'do_reload'
  const needs = reloadSignal === null ? 'need_programs daemon' : 'need_programs'
  return `\
usage() {
    echo "Usage: $0 {start|stop|restart|try-restart|reload|force-reload|status}" >&2
    exit 2
}

if [ $# -ne 1 ]; then usage; fi
case $1 in
    start)
        need_programs daemon
        need_rights
        do_start
        ;;
    stop)
        need_programs
        need_rights
        do_stop
        ;;
    restart)
        need_programs daemon
        need_rights
        do_stop && do_start
        ;;
    try-restart)
        need_programs daemon
        need_rights
        if is_running; then do_stop && do_start; fi
        ;;
    reload)
        need_programs
        need_rights
        do_reload
        ;;
    force-reload)
        ${needs}
        need_rights
        ${forced}
        ;;
    status)
        if ! has_eudaemon; then
            echo "$NAME: eudaemon is not installed" >&2
            exit 4
        fi
        act --status
        status=$?
        case $status in
            0 | 1 | 2 | 3) exit "$status" ;;
        esac
        exit 4
        ;;
    *)
        usage
        ;;
esac`
}

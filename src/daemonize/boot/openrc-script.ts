// An OpenRC service script (openrc-run(8)). Its start, stop and status are ours instead of those of
// start-stop-daemon, which cannot wait until a daemon is ready and trusts the number in a PID file.

import { quoteShellWord } from '../../base/shell-word.ts'
import { type BootCommand, type BootText, checkBootCommand, oneLine } from './boot-command.ts'
import { hashComment, noteComment } from './comment.ts'
import { quotedWordsDirective, runFunctions, stopWords } from './shell-parts.ts'
import { shortSignal } from './start-options.ts'

/** The script for /etc/init.d/NAME. Throws ERR_BOOT_TEXT. */
export function printOpenrcScript(command: BootCommand): BootText {
  checkBootCommand(command)
  const notes = openrcNotes(command)
  const settings = `/etc/conf.d/${command.name}`
  const lines = [
    '#!/sbin/openrc-run',
    '# shellcheck shell=sh',
    ...hashComment('Made by `eudaemon run --print-openrc-script`; install it as'),
    ...hashComment(`/etc/init.d/${command.name}, with mode 0755.`),
    ...noteComment('OpenRC', notes),
    '',
    quotedWordsDirective,
    '',
    '# shellcheck disable=SC2034 # OpenRC reads these.',
    `description=${quoteShellWord(oneLine(command))}`,
    `name='${command.name}'`,
    `command=${quoteShellWord(command.argv[0] ?? '')}`,
    `pidfile=${quoteShellWord(command.pidFile)}`,
    ...(command.reloadSignal === null ? [] : reloadVariables),
    ...hashComment(
      `${settings} may set RUN_OPTIONS (further options of \`eudaemon run\`) and DAEMON_ARGS ` +
        '(further arguments of the command): words with spaces between them.',
    ),
    '',
    'depend() {',
    `${TAB}need localmount`,
    `${TAB}use net dns logger`,
    `${TAB}after bootmisc`,
    '}',
    '',
    ...runFunctions(command, {
      ...{ daemon: 'command', pidFile: 'pidfile', indent: TAB, settings },
      before: withoutOpenrc,
    }),
    '',
    startFunction,
    '',
    stopFunction(command),
    '',
    statusFunction,
    ...(command.reloadSignal === null ? [] : ['', reloadFunction(command.reloadSignal)]),
    '',
  ]
  return { text: lines.join('\n'), notes }
}

const TAB = '\t'

const reloadVariables: readonly string[] = [
  "extra_started_commands='reload'",
  "description_reload='Have it read its configuration again'",
]

function openrcNotes(command: BootCommand): readonly string[] {
  const notes = [
    'OpenRC does not see by itself that the daemon has died; ' +
      `\`rc-service ${command.name} status\` asks.`,
  ]
  if (command.keepEnvironment === 'all') {
    notes.push('The environment that is kept is the one of OpenRC, which is nearly empty.')
  }
  return notes
}

/** What openrc-run(8) has set for scripts is none of the daemon's business. */
const withoutOpenrc = `\
	# The daemon does not get what is meant for scripts.
	PATH=\${PATH#"$RC_LIBEXECDIR/sbin:$RC_LIBEXECDIR/bin:"}
	for variable in $(env | sed -En 's/^((RC|EINFO)_[A-Z_]*|SVCNAME)=.*/\\1/p'); do
		unset "$variable"
	done`

const startFunction = `\
start() {
	ebegin "Starting $name"
	if act --status >/dev/null 2>&1; then
		ewarn "$name is already running"
		eend 0
		return 0
	fi
	launch
	eend $? "$name did not start"
}`

function stopFunction(command: BootCommand): string {
  return `\
stop() {
	ebegin "Stopping $name"
	act ${stopWords(command)}
	rc=$?
	# It was not running.
	if [ "$rc" -eq 3 ]; then rc=0; fi
	eend "$rc" "$name did not stop"
}`
}

const statusFunction = `\
# The words and statuses of OpenRC's own status.
status() {
	act --status >/dev/null 2>&1
	rc=$?
	if [ "$rc" -eq 0 ]; then
		einfo 'status: started'
		return 0
	fi
	if [ "$rc" -gt 3 ]; then
		eerror 'status: unknown'
		return 1
	fi
	if service_started; then
		eerror 'status: crashed'
		return 32
	fi
	einfo 'status: stopped'
	return 3
}`

function reloadFunction(signal: number): string {
  return `\
reload() {
	ebegin "Reloading $name"
	act --reload-signal=${quoteShellWord(shortSignal(signal))} --reload
	eend $? "$name did not reload"
}`
}

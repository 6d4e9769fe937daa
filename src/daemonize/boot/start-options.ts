// A boot command as options of `eudaemon run`. Everything is written out, defaults too: a script
// that was printed once means the same after an update. `--name=value` in one word, because a value
// may begin with a dash.

import { signalName } from '../../base/signal.ts'
import type { BootCommand } from './boot-command.ts'

/** The options of the start, but for `--pid-file`, which is given with every action. */
export function startOptions(command: BootCommand): readonly string[] {
  const { supplementaryGroups, nice, reloadSignal } = command
  return [
    `--name=${command.name}`,
    ...given('root', command.root),
    `--chdir=${command.directory}`,
    `--umask=${octal(command.umask)}`,
    ...given('user', command.user),
    ...given('group', command.group),
    ...given('groups', supplementaryGroups.length === 0 ? null : supplementaryGroups.join(',')),
    ...given('nice', nice === null ? null : String(nice)),
    ...Object.entries(command.limits).map(
      ([name, { soft, hard }]) => `--limit=${name}=${amount(soft)}:${amount(hard)}`,
    ),
    ...(command.coreDumps ? ['--core'] : []),
    ...environmentOptions(command),
    `--stdin=${command.stdin}`,
    `--stdout=${command.stdout}`,
    `--stderr=${command.stderr}`,
    `--ready=${command.ready}`,
    `--ready-timeout=${milliseconds(command.readyTimeoutMs)}`,
    ...(command.keepOnTimeout ? ['--keep-on-timeout'] : []),
    ...(command.reportsToSyslog ? ['--syslog'] : []),
    ...stopOptions(command),
    ...given('reload-signal', reloadSignal === null ? null : shortSignal(reloadSignal)),
  ]
}

/** The options that say how it is stopped, for the start and for `--stop`. */
export function stopOptions(command: BootCommand): readonly string[] {
  return [
    `--stop-signal=${shortSignal(command.stopSignal)}`,
    `--stop-timeout=${milliseconds(command.stopTimeoutMs)}`,
  ]
}

function environmentOptions(command: BootCommand): readonly string[] {
  const modes = { sanitised: [], clean: ['--clear-env'], all: ['--keep-env'] }
  return [
    ...modes[command.keepEnvironment],
    ...command.environmentFiles.map((path) => `--environment-file=${path}`),
    ...command.environment.map(([name, value]) => `--env=${name}=${value}`),
  ]
}

function given(name: string, value: string | null): readonly string[] {
  return value === null ? [] : [`--${name}=${value}`]
}

/** `0022`. */
export function octal(mask: number): string {
  return mask.toString(8).padStart(4, '0')
}

/** `TERM`, `RTMIN+2`. */
export function shortSignal(number: number): string {
  return signalName(number).replace(/^SIG/, '')
}

/** `10s`, `1500ms` or `infinity`: exact, and the same for systemd and for us. */
export function milliseconds(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity'
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${Math.round(ms)}ms`
}

function amount(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'unlimited' : String(value)
}
